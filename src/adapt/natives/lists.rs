//! Arrays.

use jaq_core::native::v;
use jaq_core::{Exn, ValR, ValT as _};

use super::Entry;
use super::host::{Cv, Fails, Outputs, items, one};
use crate::adapt::meter;
use crate::adapt::value::{Val, cannot, over};

pub(super) const ENTRIES: fn() -> Vec<Entry> = || {
    vec![
        ("length", v(0), |cv| one(length(&cv.1))),
        ("add", v(0), |cv| one(add(cv.1))),
        ("reverse", v(0), |cv| one(reverse(&cv.1))),
        ("flatten", v(0), |cv| one(flatten(&cv.1, f64::INFINITY))),
        ("flatten", v(1), |mut cv| {
            let depth = cv.0.pop_var();
            one(match depth {
                Val::Num(depth) if depth.as_f64() >= 0.0 => flatten(&cv.1, depth.as_f64()),
                other => Err(cannot("is no depth", &other)),
            })
        }),
        ("indices", v(1), indices),
        ("range", v(3), range),
        ("transpose", v(0), |cv| one(transpose(&cv.1))),
    ]
};

fn length(value: &Val) -> ValR<Val> {
    Ok(match value {
        Val::Null => Val::from(0_i64),
        Val::Num(number) => match number.as_i128() {
            Some(whole) => Val::Num(crate::adapt::value::Num::whole(whole.abs())),
            None => Val::from(number.as_f64().abs()),
        },
        Val::Str(text) if meter::scan(text.len()) => Val::from(text.chars().count()),
        Val::Str(_) => return Err(over()),
        Val::Arr(list) => Val::from(list.items().len()),
        Val::Obj(fields) => Val::from(fields.len()),
        Val::Bool(_) => return Err(cannot("has no length", value)),
    })
}

/// The sum of all values. Strings and arrays are put together in one go.
fn add(value: Val) -> ValR<Val> {
    let mut values = value.values();
    let Some(first) = values.next().transpose()? else {
        return Ok(Val::Null);
    };
    let mut sum = Sum::One(first);
    for value in values {
        sum = sum.add(value?)?;
    }
    match meter::spent() {
        None => sum.end(),
        Some(_) => Err(over()),
    }
}

enum Sum {
    One(Val),
    Text(String),
    Items(Vec<Val>),
}

impl Sum {
    fn add(self, value: Val) -> Result<Self, Fails> {
        Ok(match (self, value) {
            (sum, Val::Null) => sum,
            (Self::One(Val::Str(left)), Val::Str(right)) => {
                Self::Text(left.as_ref().to_owned()).add(Val::Str(right))?
            }
            (Self::Text(mut text), Val::Str(right)) => {
                let len = text.len() + right.len();
                if !meter::bytes(2 * right.len()) || !meter::fits(len as u64) {
                    return Err(over());
                }
                text.push_str(&right);
                Self::Text(text)
            }
            (Self::One(Val::Arr(left)), right @ Val::Arr(_)) => {
                Self::Items(left.items().to_vec()).add(right)?
            }
            (Self::Items(mut left), Val::Arr(right)) => {
                if !meter::bytes(size_of_val(right.items())) {
                    return Err(over());
                }
                left.extend_from_slice(right.items());
                Self::Items(left)
            }
            (Self::One(left), right) => Self::One((left + right)?),
            (sum, right) => Self::One((sum.end()? + right)?),
        })
    }

    fn end(self) -> ValR<Val> {
        match self {
            Self::One(value) => Ok(value),
            Self::Text(text) => Ok(Val::text(text)),
            Self::Items(items) => Val::array(items).checked().ok_or_else(over),
        }
    }
}

fn reverse(value: &Val) -> ValR<Val> {
    match value {
        Val::Null => Ok(Val::array([])),
        Val::Str(text) if meter::scan(text.len()) => {
            Ok(Val::from(text.chars().rev().collect::<String>()))
        }
        other => Ok(items(other, "cannot be reversed")?
            .iter()
            .rev()
            .cloned()
            .collect()),
    }
}

fn flatten(value: &Val, depth: f64) -> ValR<Val> {
    let mut flat = Vec::new();
    match value {
        Val::Obj(fields) => {
            for (_, value) in fields.iter() {
                flatten_into(&mut flat, value, depth)?;
            }
        }
        other => {
            for item in items(other, "cannot be flattened")? {
                flatten_into(&mut flat, item, depth)?;
            }
        }
    }
    Val::array(flat).checked().ok_or_else(over)
}

/// Goes as deep as values are nested, which is bounded.
fn flatten_into(flat: &mut Vec<Val>, item: &Val, depth: f64) -> Result<(), Fails> {
    if !meter::bytes(size_of::<Val>()) {
        return Err(over());
    }
    match item.items() {
        Some(inner) if depth > 0.0 => inner
            .iter()
            .try_for_each(|item| flatten_into(flat, item, depth - 1.0)),
        _ => {
            flat.push(item.clone());
            Ok(())
        }
    }
}

fn indices(mut cv: Cv<'_>) -> Outputs<'_> {
    let wanted = cv.0.pop_var();
    let found = match (&cv.1, &wanted) {
        (Val::Null, _) => Ok(Val::Null),
        (Val::Str(text), Val::Str(part)) => text_positions(text, part).ok_or_else(over),
        (Val::Arr(list), Val::Arr(part)) => {
            crate::adapt::value::positions(list.items(), part.items()).ok_or_else(over)
        }
        (Val::Arr(list), part) => {
            let part = std::slice::from_ref(part);
            crate::adapt::value::positions(list.items(), part).ok_or_else(over)
        }
        (other, _) => Err(cannot("cannot be searched", other)),
    };
    one(found)
}

/// Where a part begins, in characters; places may overlap.
fn text_positions(text: &str, part: &str) -> Option<Val> {
    let mut found = Vec::new();
    let (mut at, mut chars) = (0, 0);
    if part.is_empty() || !meter::scan(text.len() * 2) {
        return meter::spent().is_none().then_some(Val::Null);
    }
    while let Some((passed, rest)) = text
        .get(at..)
        .and_then(|rest| Some((rest.find(part)?, rest)))
    {
        if !meter::bytes(size_of::<Val>()) || !meter::scan(part.len() + passed) {
            return None;
        }
        chars += rest
            .get(..passed)
            .map_or(0, |passed| passed.chars().count());
        found.push(Val::from(chars));
        let next = rest.get(passed..).and_then(|rest| rest.chars().next());
        at += passed + next.map_or(1, char::len_utf8);
        chars += 1;
    }
    Some(Val::array(found))
}

fn range(mut cv: Cv<'_>) -> Outputs<'_> {
    let (by, to, from) = (cv.0.pop_var(), cv.0.pop_var(), cv.0.pop_var());
    for bound in [&by, &to, &from] {
        if !matches!(bound, Val::Num(_)) {
            return one(Err(cannot("cannot be a bound of a range", bound)));
        }
    }
    let zero = Val::from(0_i64);
    let (up, down) = (by > zero, by < zero);
    let mut next = Some(from);
    Box::new(std::iter::from_fn(move || {
        let value = next.take()?;
        let goes_on = meter::step(1) && ((up && value < to) || (down && value > to));
        if !goes_on {
            return None;
        }
        match value.clone() + by.clone() {
            Ok(after) => next = Some(after),
            Err(error) => return Some(Err(Exn::from(error))),
        }
        Some(Ok(value))
    }))
}

fn transpose(value: &Val) -> ValR<Val> {
    let rows = items(value, "cannot be transposed")?;
    let mut lens = Vec::with_capacity(rows.len());
    for row in rows {
        lens.push(items(row, "is no row")?.len());
    }
    let width = lens.iter().copied().max().unwrap_or(0);
    let mut columns = Vec::new();
    for at in 0..width {
        if !meter::bytes(rows.len().saturating_mul(size_of::<Val>())) {
            return Err(over());
        }
        let cell = |row: &Val| row.items().and_then(|row| row.get(at)).cloned();
        let column = rows.iter().map(|row| cell(row).unwrap_or_default());
        columns.push(Val::array(column));
    }
    Val::array(columns).checked().ok_or_else(over)
}
