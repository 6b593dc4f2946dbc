//! Problems that are found outside of the text, such as in the files that it names, put at their
//! places in it.

use toml::de::DeTable;

use super::problem::Problems;
use super::sheet::Sheet;
use super::tree::{self, Path, Value};

/// What was found at a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The keys and the numbers that lead to it.
    pub path: Vec<String>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// Puts problems at their places in a text.
pub fn placed(text: &str, file: &str, found: &[Found]) -> Problems {
    let (table, _) = DeTable::parse_recoverable(text);
    let (tree, _) = tree::plant(table);
    let mut sheet = Sheet::new(text, tree);
    for one in found {
        let mut path = Path::root();
        for step in &one.path {
            let in_list = sheet.written.at(&path).map(|node| &node.value);
            path = match (in_list, step.parse()) {
                (Some(Value::List(_)), Ok(index)) => path.index(index),
                _ => path.key(step),
            };
        }
        sheet.at_value(&path, one.message.clone(), &one.hint);
    }
    Problems::new(file, sheet.problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_stands_at_its_value() {
        let text = "[listen.tls]\ncertificates = [\n  { cert = \"a\", key = \"b\" },\n]\n";
        let path = ["listen", "tls", "certificates", "0", "key"];
        let found = Found {
            path: path.map(str::to_owned).into(),
            message: "b: no".to_owned(),
            hint: "h".to_owned(),
        };
        let problems = placed(text, "f.toml", &[found]).to_string();
        let expected = "f.toml:3:23: listen.tls.certificates[0].key: b: no\n    hint: h\n1 problem";
        assert_eq!(problems, expected);
    }
}
