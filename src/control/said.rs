//! Words of services outside, made fit for a log line and the journal.

/// Nobody reads more.
const LONGEST: usize = 200;

/// One line without control characters, 200 characters long at most.
pub(super) fn short(text: &str) -> String {
    let plain = text.split(|c: char| c.is_control() || c.is_whitespace());
    let words: Vec<_> = plain.filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    if line.chars().count() <= LONGEST {
        return line;
    }
    line.chars().take(LONGEST - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_it_breaks_a_line() {
        assert_eq!(
            short(" no:\r\n\tchange  freeze\u{1b}[2J "),
            "no: change freeze [2J"
        );
        assert_eq!(short(""), "");
        let long = short(&"ä".repeat(5_000));
        assert_eq!(long.chars().count(), LONGEST);
        assert!(long.ends_with("ä…"));
    }
}
