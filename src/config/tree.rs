//! The file as a tree of our own: what the TOML parser gives, with the place of every key and
//! value, but free of its lifetimes, so that values can be interpolated, converted and repaired.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Bytes of the text, from and to.
pub(super) type Span = Range<usize>;

/// Levels that a file may nest. The model needs six; a walk of the tree stays far from the end of the stack.
const DEEPEST: usize = 32;

/// A value and its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) span: Span,
    pub(super) value: Value,
}

/// A value of the file.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Flag(bool),
    Date,
    List(Vec<Node>),
    Table(Table),
}

/// A table: each key with its place and its value.
pub(super) type Table = BTreeMap<String, Entry>;

/// What stands under a key.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: Span,
    pub(super) node: Node,
}

impl Value {
    /// What it is, with its article.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Flag(_) => "a boolean",
            Self::Date => "a date",
            Self::List(_) => "an array",
            Self::Table(_) => "a table",
        }
    }
}

/// One step down the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// The way from the root to a value, shown as `routes[0].match.path`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Path(Vec<Step>);

impl Path {
    pub(super) fn root() -> Self {
        Self::default()
    }

    /// This path and one key more.
    pub(super) fn key(&self, key: &str) -> Self {
        self.then(Step::Key(key.to_owned()))
    }

    /// This path and one index more.
    pub(super) fn index(&self, index: usize) -> Self {
        self.then(Step::Index(index))
    }

    fn then(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// Whether this path is the other, or leads through it.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    fn parent(&self) -> Option<Self> {
        let (_, steps) = self.0.split_last()?;
        Some(Self(steps.to_vec()))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, step) in self.0.iter().enumerate() {
            let dot = if depth == 0 { "" } else { "." };
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) if is_bare(key) => write!(f, "{dot}{key}")?,
                Step::Key(key) => write!(f, "{dot}{key:?}")?,
            }
        }
        Ok(())
    }
}

fn is_bare(key: &str) -> bool {
    let bare = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    !key.is_empty() && key.bytes().all(bare)
}

impl Node {
    /// The value at a path.
    pub(super) fn at(&self, path: &Path) -> Option<&Self> {
        self.entry_at(path).map(|(_, node)| node)
    }

    /// The place of the value at a path, or of the nearest table around it that is written down.
    pub(super) fn value_span(&self, path: &Path) -> Span {
        self.nearest(path, |_, node| node.span.clone())
    }

    /// The place of the key at a path (of the value, for an element of an array).
    pub(super) fn key_span(&self, path: &Path) -> Span {
        self.nearest(path, |key, node| key.unwrap_or(&node.span).clone())
    }

    fn nearest(&self, path: &Path, span: impl Fn(Option<&Span>, &Self) -> Span) -> Span {
        let mut path = path.clone();
        loop {
            if let Some((key, node)) = self.entry_at(&path) {
                return span(key, node);
            }
            match path.parent() {
                Some(parent) => path = parent,
                None => return 0..0,
            }
        }
    }

    fn entry_at(&self, path: &Path) -> Option<(Option<&Span>, &Self)> {
        let mut key = None;
        let mut node = self;
        for step in &path.0 {
            match (step, &node.value) {
                (Step::Key(name), Value::Table(table)) => {
                    let entry = table.get(name)?;
                    key = Some(&entry.key);
                    node = &entry.node;
                }
                (Step::Index(index), Value::List(list)) => {
                    key = None;
                    node = list.get(*index)?;
                }
                _ => return None,
            }
        }
        Some((key, node))
    }
}

/// Something in the file that no tree can hold.
pub(super) struct Unfit {
    pub(super) path: Path,
    pub(super) span: Span,
    pub(super) message: &'static str,
    pub(super) hint: &'static str,
}

/// Takes the parser's tree apart into ours; what does not fit is left out and told.
pub(super) fn plant(table: Spanned<DeTable<'_>>) -> (Node, Vec<Unfit>) {
    let mut planting = Planting::default();
    let value = planting.table(table.into_inner(), &Path::root());
    let root = Node { span: 0..0, value };
    fell(planting.too_deep);
    (root, planting.unfit)
}

#[derive(Default)]
struct Planting<'i> {
    unfit: Vec<Unfit>,
    too_deep: Vec<DeValue<'i>>,
}

impl<'i> Planting<'i> {
    fn table(&mut self, table: DeTable<'i>, path: &Path) -> Value {
        let mut entries = Table::new();
        for (key, value) in table {
            let (key_span, key) = (key.span(), key.into_inner().into_owned());
            let mut span = value.span();
            // What the parser made up while it recovered has no place of its own.
            if span.is_empty() {
                span = key_span.clone();
            }
            let path = path.key(&key);
            if let Some(value) = self.value(value.into_inner(), &span, &path) {
                let node = Node { span, value };
                entries.insert(
                    key,
                    Entry {
                        key: key_span,
                        node,
                    },
                );
            }
        }
        Value::Table(entries)
    }

    fn value(&mut self, value: DeValue<'i>, span: &Span, path: &Path) -> Option<Value> {
        if path.0.len() > DEEPEST {
            self.refuse(
                path,
                span,
                "nests too deeply",
                "no key of figshift lies this deep",
            );
            self.too_deep.push(value);
            return None;
        }
        Some(match value {
            DeValue::String(text) => Value::Text(text.into_owned()),
            DeValue::Boolean(flag) => Value::Flag(flag),
            DeValue::Datetime(_) => Value::Date,
            DeValue::Integer(number) => {
                match i64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => Value::Integer(number),
                    Err(_) => {
                        self.refuse(
                            path,
                            span,
                            "is too large a number",
                            "write a smaller number",
                        );
                        return None;
                    }
                }
            }
            DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Array(list) => {
                let mut nodes = Vec::with_capacity(list.len());
                for (index, value) in list.into_iter().enumerate() {
                    let span = value.span();
                    let path = path.index(index);
                    // An element that is left out would move those after it.
                    let value = self
                        .value(value.into_inner(), &span, &path)
                        .unwrap_or(Value::Date);
                    nodes.push(Node { span, value });
                }
                Value::List(nodes)
            }
            DeValue::Table(table) => self.table(table, path),
        })
    }

    fn refuse(&mut self, path: &Path, span: &Span, message: &'static str, hint: &'static str) {
        self.unfit.push(Unfit {
            path: path.clone(),
            span: span.clone(),
            message,
            hint,
        });
    }
}

/// Drops values level by level: dropping thousands of nested tables by recursion could end the stack.
fn fell(mut values: Vec<DeValue<'_>>) {
    while let Some(value) = values.pop() {
        match value {
            DeValue::Array(list) => values.extend(list.into_iter().map(Spanned::into_inner)),
            DeValue::Table(table) => {
                values.extend(table.into_iter().map(|(_, value)| value.into_inner()));
            }
            _ => {}
        }
    }
}
