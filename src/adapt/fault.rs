//! Why a body was not adapted. What is written to logs tells the kind and the place, and nothing of
//! the body.

use std::fmt;

use super::value::Val;

/// Why there is no adapted body. `Display` and `Debug` hold nothing of the body.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// The body is not JSON (RFC 8259), or a number or an escape in it cannot be kept.
    NotJson {
        /// From 1.
        line: usize,
        /// From 1, in bytes.
        column: usize,
    },
    /// Nested deeper than 128 levels, or the program builds something deeper than 256.
    TooDeep,
    /// The program ended in an error.
    Failed(Message),
    /// The program gave nothing where one value is wanted.
    NoOutput,
    /// The program gave more values than are wanted.
    ManyOutputs,
    /// The time was over.
    Late,
    /// The steps or the bytes were used up.
    TooMuch,
    /// The body could not be decoded.
    Coding(Coding),
    /// The engine itself failed, which is a defect of figshift.
    Broken,
}

/// What is wrong with the coding of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// One that is not known here.
    Unknown,
    /// It does not keep to its format, or something follows it.
    Corrupt,
    /// It ends too early.
    Truncated,
    /// What comes out, or what is needed to get it out, is more than is allowed.
    TooLarge,
}

impl Fault {
    /// For metrics: one of a fixed set.
    pub fn label(&self) -> &'static str {
        match self {
            Self::NotJson { .. } => "not_json",
            Self::TooDeep => "too_deep",
            Self::Failed(_) => "failed",
            Self::NoOutput => "no_output",
            Self::ManyOutputs => "many_outputs",
            Self::Late => "late",
            Self::TooMuch => "too_much",
            Self::Coding(_) => "coding",
            Self::Broken => "broken",
        }
    }

    /// Everything that is known, with values of the body: for a terminal, never for a log.
    pub fn detail(&self) -> String {
        match self {
            Self::Failed(message) => format!("{self}: {}", message.text()),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson { line, column } => {
                write!(f, "the body is not JSON at line {line}, column {column}")
            }
            Self::TooDeep => f.write_str("nested too deep"),
            Self::Failed(_) => f.write_str("the program ended in an error"),
            Self::NoOutput => f.write_str("the program gave no value"),
            Self::ManyOutputs => f.write_str("the program gave more values than are wanted"),
            Self::Late => f.write_str("the program took too long"),
            Self::TooMuch => f.write_str("the program needed too many steps or bytes"),
            Self::Coding(Coding::Unknown) => f.write_str("the coding of the body is not known"),
            Self::Coding(Coding::Corrupt) => f.write_str("the coded body is corrupt"),
            Self::Coding(Coding::Truncated) => f.write_str("the coded body ends too early"),
            Self::Coding(Coding::TooLarge) => f.write_str("the decoded body is too large"),
            Self::Broken => f.write_str("the engine failed, which is a defect of figshift"),
        }
    }
}

impl std::error::Error for Fault {}

/// What a program gave as its error; mostly it quotes the body.
#[derive(Clone, PartialEq)]
pub struct Message(Val);

impl Message {
    pub(super) fn new(value: Val) -> Self {
        Self(value)
    }

    fn text(&self) -> String {
        match self.0.as_str() {
            Some(text) => text.to_owned(),
            None => self.0.to_string(),
        }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Message(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_tells_nothing_of_the_body() {
        let fault = Fault::Failed(Message::new(Val::from("secret prompt")));
        assert!(!format!("{fault} {fault:?}").contains("secret"));
        assert_eq!(
            fault.detail(),
            "the program ended in an error: secret prompt"
        );
    }
}
