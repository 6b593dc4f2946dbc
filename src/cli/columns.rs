//! Tables of text: columns as wide as their widest cell.

/// How a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// A head and its rows, each line ended by a newline.
pub(super) fn columns<const N: usize>(head: [(&str, Side); N], rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([head[column].0.chars().count()]).max()
    };
    let widths: Vec<usize> = (0..N).map(|column| width(column).unwrap_or(0)).collect();
    let line = |cells: [&str; N]| {
        let mut line = String::new();
        for ((cell, (_, side)), width) in cells.into_iter().zip(head).zip(&widths) {
            let room = " ".repeat(width - cell.chars().count());
            match side {
                Side::Left => line += &format!("{cell}{room}  "),
                Side::Right => line += &format!("{room}{cell}  "),
            }
        }
        line.trim_end().to_owned() + "\n"
    };
    let mut table = line(head.map(|(name, _)| name));
    for row in rows {
        table += &line(row.each_ref().map(String::as_str));
    }
    table
}

/// What others have written, such as a reason, without what would move the cursor.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// `12.5 %`.
pub(super) fn percent(percent: f64) -> String {
    format!("{percent} %")
}

/// `0.4 %`, or a dash.
pub(super) fn rate(part: Option<f64>) -> String {
    part.map_or_else(|| "-".to_owned(), |part| format!("{:.1} %", part * 100.0))
}

/// `120 ms`, `12 s`, or a dash.
pub(super) fn time(milliseconds: Option<f64>) -> String {
    match milliseconds {
        None => "-".to_owned(),
        Some(time) if time < 10_000.0 => format!("{time:.0} ms"),
        Some(time) => format!("{:.0} s", time / 1_000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a", "1"], ["ünter", "1000"]].map(|row| row.map(str::to_owned));
        let table = columns([("NAME", Side::Left), ("N", Side::Right)], &rows);
        assert_eq!(table, "NAME      N\na         1\nünter  1000\n");
        assert_eq!(plain("a\u{1b}[2Jb\n"), "a[2Jb");
        assert_eq!(rate(Some(0.0123)), "1.2 %");
        assert_eq!(
            (time(Some(9.6)), time(Some(12_000.0))),
            ("10 ms".to_owned(), "12 s".to_owned())
        );
    }
}
