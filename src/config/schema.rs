//! The JSON Schema of the file, for editors and for our own walk, and the few of its keywords that
//! the walk reads.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::Value as Json;

use super::model::Config;
use super::scalar::reader;
use super::tree::Value;

/// The JSON Schema (draft 2020-12) of the whole file.
pub fn schema() -> Json {
    whole().clone()
}

/// The schema, generated once: every saved file is checked against it.
pub(super) fn whole() -> &'static Json {
    static WHOLE: LazyLock<Json> = LazyLock::new(|| {
        SchemaSettings::draft2020_12()
            .into_generator()
            .into_root_schema_for::<Config>()
            .to_value()
    });
    &WHOLE
}

/// One schema inside the whole, its references resolved.
#[derive(Clone, Copy)]
pub(super) struct Schema<'s> {
    whole: &'s Json,
    own: &'s Json,
    /// What the key is for, where it says more than the type that it refers to.
    description: Option<&'s str>,
}

/// References inside references: the generator nests none, and a loop must end.
const MOST_REFERENCES: usize = 8;

impl<'s> Schema<'s> {
    pub(super) fn root(whole: &'s Json) -> Self {
        Self {
            whole,
            own: whole,
            description: None,
        }
    }

    fn inner(self, own: &'s Json) -> Self {
        let description = own.get("description").and_then(Json::as_str);
        let inner = Self {
            own,
            description,
            ..self
        };
        inner.resolved()
    }

    fn resolved(mut self) -> Self {
        for _ in 0..MOST_REFERENCES {
            let target = self.text("$ref").and_then(|name| name.strip_prefix('#'));
            match target.and_then(|pointer| self.whole.pointer(pointer)) {
                Some(own) => self.own = own,
                None => break,
            }
        }
        self.description = self.description.or(self.text("description"));
        self
    }

    /// A keyword with a string.
    pub(super) fn text(self, keyword: &str) -> Option<&'s str> {
        self.own.get(keyword)?.as_str()
    }

    /// A keyword with an integer.
    pub(super) fn integer(self, keyword: &str) -> Option<i64> {
        let value = self.own.get(keyword)?;
        value
            .as_i64()
            .or_else(|| value.as_f64().map(|number| number as i64))
    }

    /// The names of all properties.
    pub(super) fn properties(self) -> Vec<&'s str> {
        let branches = self.branches().into_iter();
        let mut tables = branches.filter_map(|branch| branch.own.get("properties"));
        let properties = tables.next().and_then(Json::as_object);
        properties
            .into_iter()
            .flatten()
            .map(|(key, _)| key.as_str())
            .collect()
    }

    /// The schema of a key: its own, or that of any key in a table of names.
    pub(super) fn property(self, key: &str) -> Option<Self> {
        let named = self.own.get("properties").and_then(|all| all.get(key));
        named
            .map(|own| self.inner(own))
            .or_else(|| self.additional())
    }

    /// The schema of the values in a table of names.
    pub(super) fn additional(self) -> Option<Self> {
        let own = self.own.get("additionalProperties")?;
        own.is_object().then(|| self.inner(own))
    }

    /// The names of the keys that must be there.
    pub(super) fn required(self) -> Vec<&'s str> {
        let required = self.own.get("required").and_then(Json::as_array);
        required
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .collect()
    }

    /// The schema of an array's elements.
    pub(super) fn items(self) -> Option<Self> {
        self.branches()
            .into_iter()
            .find_map(|branch| branch.own.get("items").map(|own| self.inner(own)))
    }

    /// The strings that an enum takes; none if it is not one.
    pub(super) fn choices(self) -> Vec<&'s str> {
        let strings = |value: &'s Json| {
            let listed = value.get("enum").and_then(Json::as_array);
            let single = value.get("const").and_then(Json::as_str);
            listed
                .into_iter()
                .flatten()
                .filter_map(Json::as_str)
                .chain(single)
        };
        let variants = self.own.get("oneOf").and_then(Json::as_array);
        let variants = variants.into_iter().flatten().flat_map(strings);
        strings(self.own).chain(variants).collect()
    }

    /// The alternatives of `anyOf`, or itself.
    fn branches(self) -> Vec<Self> {
        match self.own.get("anyOf").and_then(Json::as_array) {
            Some(branches) => branches.iter().map(|own| self.inner(own)).collect(),
            None => vec![self],
        }
    }

    /// The names of the JSON types it takes.
    fn types(self) -> Vec<&'s str> {
        let mut types = Vec::new();
        for branch in self.branches() {
            match branch.own.get("type") {
                Some(Json::String(name)) => types.push(name.as_str()),
                Some(Json::Array(names)) => types.extend(names.iter().filter_map(Json::as_str)),
                _ if !branch.choices().is_empty() => types.push("string"),
                _ => {}
            }
        }
        types
    }

    /// Whether it takes values of this JSON type.
    pub(super) fn takes(self, kind: &str) -> bool {
        self.types().contains(&kind)
    }

    /// Whether it takes values of this type.
    pub(super) fn fits(self, value: &Value) -> bool {
        let kinds: &[&str] = match value {
            Value::Text(_) => &["string"],
            Value::Integer(_) => &["integer", "number"],
            Value::Float(_) => &["number"],
            Value::Flag(_) => &["boolean"],
            Value::List(_) => &["array"],
            Value::Table(_) => &["object"],
            Value::Date => &[],
        };
        kinds.iter().any(|kind| self.takes(kind))
    }

    /// The alternative that judges a value of this type. A scalar with a format is judged by its
    /// parser, whose refusal says more than "wrong type".
    pub(super) fn branch_for(self, value: &Value) -> Option<Self> {
        let is_scalar = !matches!(value, Value::List(_) | Value::Table(_) | Value::Date);
        let judges = |branch: &Self| {
            let has_parser = branch.text("format").and_then(reader).is_some();
            is_scalar && has_parser || branch.fits(value)
        };
        self.branches().into_iter().find(judges)
    }

    /// What it takes, to follow "expected ".
    pub(super) fn expects(self) -> String {
        let mut names = Vec::new();
        for branch in self.branches() {
            if let Some((expects, _)) = branch.text("format").and_then(reader) {
                names.push(expects);
                continue;
            }
            names.extend(branch.types().into_iter().filter_map(|kind| match kind {
                "string" => Some("a string"),
                "integer" => Some("an integer"),
                "number" => Some("a number"),
                "boolean" => Some("true or false"),
                "array" => Some("an array"),
                "object" => Some("a table"),
                _ => None,
            }));
        }
        names.dedup();
        names.join(" or ")
    }

    /// How a missing key is added.
    pub(super) fn how_to_add(self, key: &str) -> String {
        match self.example() {
            Some(example) => format!("add `{key} = {example}`"),
            None if self.additional().is_some() => format!("add a table `[{key}.NAME]`"),
            None if self.takes("object") => format!("add a table `[{key}]`"),
            None => match self.description {
                Some(description) => format!("add `{key} = ...`: {}", one_line(description)),
                None => format!("add `{key} = ...`"),
            },
        }
    }

    /// Its first example, as it is written in the file; nothing if there is none.
    pub(super) fn example(self) -> Option<String> {
        let example = self.own.get("examples")?.get(0)?;
        Some(match example.as_str() {
            Some(text) if text.contains('"') && !text.contains('\'') => format!("'{text}'"),
            _ => example.to_string(),
        })
    }

    /// What the value is for, as a last hint.
    pub(super) fn how_to_write(self) -> String {
        self.description.map(one_line).unwrap_or_default()
    }
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}
