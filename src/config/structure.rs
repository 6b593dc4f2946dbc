//! The shape of the file against the JSON Schema, which is derived from the model: unknown and
//! missing keys, wrong types, enum values, ranges, and the syntax of scalars. All are found in one
//! walk. A bad value is then taken out or replaced, so that the checks that come after can still
//! judge the rest of the file.

use super::scalar::{Given, is_hidden, reader};
use super::schema::{self, Schema};
use super::sheet::Sheet;
use super::tree::{Entry, Node, Path, Table, Value};

/// Walks the tree against the schema of the whole file. `complete` is false after syntax errors,
/// when a key that is not there may only have been lost.
pub(super) fn check(root: &mut Node, sheet: &mut Sheet<'_>, complete: bool) {
    let schema = Schema::root(schema::whole());
    let mut walk = Walk {
        sheet,
        complete,
        root: schema,
    };
    if !walk.node(root, schema, &Path::root()) {
        *root = stand_in(schema, &mut 0);
    }
}

struct Walk<'w, 't> {
    sheet: &'w mut Sheet<'t>,
    root: Schema<'w>,
    complete: bool,
}

impl Walk<'_, '_> {
    /// Checks one value; false if it cannot be used as it is.
    fn node(&mut self, node: &mut Node, schema: Schema<'_>, path: &Path) -> bool {
        if self.sheet.is_spoiled(path) {
            return false;
        }
        self.convert(node, schema, path);
        let Some(schema) = schema.branch_for(&node.value) else {
            return self.wrong_type(node, schema, path);
        };
        if let Some((expects, read)) = schema.text("format").and_then(reader) {
            let refused = match given(&node.value) {
                Some(given) => read(given).err(),
                None => {
                    let message = format!("expected {expects}, found {}", node.value.kind());
                    return self.refuse(path, message, &schema.how_to_write());
                }
            };
            return match refused {
                None => true,
                Some(refusal) => {
                    // What was written by hand in place of a secret may be one.
                    let quote = match schema.text("format") {
                        Some(format) if is_hidden(format) => "the value".to_owned(),
                        _ => self.sheet.quote(path),
                    };
                    let message = format!("{quote} {}", refusal.message);
                    self.refuse(path, message, refusal.hint.as_deref().unwrap_or(""))
                }
            };
        }
        match &mut node.value {
            Value::Table(table) => self.table(table, schema, path),
            Value::List(list) => self.list(list, schema, path),
            Value::Text(text) => self.choice(text, schema, path),
            Value::Integer(number) => self.range(*number, schema, path),
            _ => true,
        }
    }

    /// A number or boolean that came in through `${...}` is a string in the file: it becomes what
    /// the key takes.
    fn convert(&self, node: &mut Node, schema: Schema<'_>, path: &Path) {
        let Value::Text(text) = &node.value else {
            return;
        };
        let written = self.sheet.written.at(path).map(|node| &node.value);
        let is_filled_in = matches!(written, Some(Value::Text(raw)) if raw != text);
        if !is_filled_in || schema.fits(&node.value) {
            return;
        }
        let candidates = [
            text.parse().ok().map(Value::Integer),
            text.parse().ok().map(Value::Float),
            text.parse().ok().map(Value::Flag),
        ];
        let fitting = candidates.into_iter().flatten();
        if let Some(value) = fitting.into_iter().find(|value| schema.fits(value)) {
            node.value = value;
        }
    }

    fn table(&mut self, table: &mut Table, schema: Schema<'_>, path: &Path) -> bool {
        let mut bad = Vec::new();
        for (key, entry) in table.iter_mut() {
            let path = path.key(key);
            match schema.property(key) {
                Some(schema) if self.node(&mut entry.node, schema, &path) => {}
                Some(_) => bad.push(key.clone()),
                None => {
                    self.unknown(key, schema, &path);
                    bad.push(key.clone());
                }
            }
        }
        for key in &bad {
            table.remove(key);
            // A named table keeps its name, or every mention of it would be called unknown too.
            if let Some(schema) = schema.additional().filter(|s| s.takes("object")) {
                fill_in(table, key, schema);
            }
        }
        for key in schema.required() {
            if table.contains_key(key) {
                continue;
            }
            let Some(property) = schema.property(key) else {
                continue;
            };
            if self.complete && !bad.iter().any(|bad| bad == key) {
                let message = format!("the key `{key}` is missing");
                self.sheet
                    .at_value(&path.key(key), message, &property.how_to_add(key));
            }
            fill_in(table, key, property);
        }
        true
    }

    fn unknown(&mut self, key: &str, schema: Schema<'_>, path: &Path) {
        let known = schema.properties();
        let hint = match nearest(key, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if self.root.properties().contains(&key) => format!(
                "`{key}` belongs to the file as a whole: move it out of this table, above or below"
            ),
            None => format!("the keys here are: {}", known.join(", ")),
        };
        self.sheet
            .at_key(path, format!("unknown key `{key}`"), &hint);
    }

    fn list(&mut self, list: &mut [Node], schema: Schema<'_>, path: &Path) -> bool {
        let Some(items) = schema.items() else {
            return true;
        };
        let mut usable = true;
        for (index, node) in list.iter_mut().enumerate() {
            if self.node(node, items, &path.index(index)) {
                continue;
            }
            if items.takes("object") && !items.takes("string") {
                *node = stand_in(items, &mut 0);
            } else {
                usable = false;
            }
        }
        usable
    }

    fn choice(&mut self, text: &str, schema: Schema<'_>, path: &Path) -> bool {
        let choices = schema.choices();
        if choices.is_empty() || choices.contains(&text) {
            return true;
        }
        let listed: Vec<String> = choices
            .iter()
            .map(|choice| format!("\"{choice}\""))
            .collect();
        let hint = match nearest(text, choices.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "write one of them".to_owned(),
        };
        let quote = self.sheet.quote(path);
        let message = format!("{quote} is none of {}", listed.join(", "));
        self.refuse(path, message, &hint)
    }

    fn range(&mut self, number: i64, schema: Schema<'_>, path: &Path) -> bool {
        let (lowest, highest) = (schema.integer("minimum"), schema.integer("maximum"));
        let too_low = lowest.is_some_and(|lowest| number < lowest);
        let too_high = highest.is_some_and(|highest| number > highest);
        if !too_low && !too_high {
            return true;
        }
        let quote = self.sheet.quote(path);
        let hint = match (lowest, highest) {
            (Some(low), Some(high)) => format!("write a number from {low} to {high}"),
            (Some(low), None) => format!("write {low} or more"),
            (None, Some(high)) => format!("write {high} or less"),
            (None, None) => String::new(),
        };
        self.refuse(path, format!("{quote} is out of range"), &hint)
    }

    fn wrong_type(&mut self, node: &Node, schema: Schema<'_>, path: &Path) -> bool {
        let takes = schema.expects();
        let message = format!("expected {takes}, found {}", node.value.kind());
        let quote = self.sheet.quote(path);
        let takes_text = schema.takes("string");
        let example = schema.example().filter(|_| takes_text);
        let hint = match &node.value {
            Value::Integer(_) | Value::Float(_) | Value::Flag(_) if takes_text => {
                format!("put it in quotes: \"{}\"", quote.trim_matches('`'))
            }
            Value::Text(text) if plain_kind(text).is_some_and(|kind| schema.takes(kind)) => {
                format!("take the quotes away: {}", quote.trim_matches('`'))
            }
            value
                if schema
                    .items()
                    .is_some_and(|items| items.branch_for(value).is_some()) =>
            {
                match value {
                    Value::Table(_) => "write its header in double brackets: [[...]]".to_owned(),
                    _ => "put it in brackets: [...]".to_owned(),
                }
            }
            _ if schema.takes("object") => format!(
                "a table here has the keys: {}",
                schema.properties().join(", ")
            ),
            Value::Table(_) if example.is_some() => {
                format!("write it as a string: {}", example.unwrap_or_default())
            }
            _ => schema.how_to_write(),
        };
        self.refuse(path, message, &hint)
    }

    fn refuse(&mut self, path: &Path, message: String, hint: &str) -> bool {
        self.sheet.at_value(path, message, hint);
        false
    }
}

fn given(value: &Value) -> Option<Given<'_>> {
    match value {
        Value::Text(text) => Some(Given::Text(text)),
        Value::Integer(number) => Some(Given::Integer(*number)),
        Value::Float(number) => Some(Given::Float(*number)),
        _ => None,
    }
}

/// The type that a quoted text would have without its quotes.
fn plain_kind(text: &str) -> Option<&'static str> {
    if text.parse::<i64>().is_ok() {
        return Some("integer");
    }
    text.parse::<bool>().is_ok().then_some("boolean")
}

fn fill_in(table: &mut Table, key: &str, schema: Schema<'_>) {
    let entry = Entry {
        key: 0..0,
        node: stand_in(schema, &mut 0),
    };
    table.insert(key.to_owned(), entry);
}

/// The least value that the schema takes, to stand where a bad one was.
fn stand_in(schema: Schema<'_>, depth: &mut usize) -> Node {
    *depth += 1;
    let value = if schema.takes("object") && *depth < 8 {
        let mut table = Table::new();
        for key in schema.required() {
            if let Some(property) = schema.property(key) {
                let node = stand_in(property, depth);
                table.insert(key.to_owned(), Entry { key: 0..0, node });
            }
        }
        Value::Table(table)
    } else if schema.takes("array") {
        Value::List(Vec::new())
    } else {
        Value::Text("unreadable".to_owned())
    };
    Node { span: 0..0, value }
}

/// The known name that the writer probably meant.
pub(super) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // Comparing costs the product of the lengths, and a long name is no slip of one.
    if name.len() > 64 {
        return None;
    }
    let name = name.to_lowercase();
    let close = |known: &'k str| {
        let distance = strsim::damerau_levenshtein(&name, known);
        // A word too long or cut short (`percentage`) is as likely as a wrong letter.
        let is_part = known.len() >= 4 && name.starts_with(known)
            || name.len() >= 4 && known.starts_with(&name);
        let near = distance <= (known.len() / 3).clamp(1, 3) || is_part;
        near.then_some((distance, known))
    };
    let nearest = known.into_iter().filter_map(close).min();
    nearest.map(|(_, known)| known)
}
