//! Tables of text: columns as wide as their widest cell.

/// How a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// A table that is printed row by row: its columns grow with what they have held.
#[derive(Debug)]
pub(super) struct Columns<const N: usize> {
    head: [(&'static str, Side); N],
    widths: [usize; N],
}

impl<const N: usize> Columns<N> {
    /// As wide as the head.
    pub(super) fn new(head: [(&'static str, Side); N]) -> Self {
        Self {
            head,
            widths: head.map(|(name, _)| name.chars().count()),
        }
    }

    /// Makes room for these cells.
    pub(super) fn fit(&mut self, cells: &[impl AsRef<str>; N]) {
        for (width, cell) in self.widths.iter_mut().zip(cells) {
            *width = cell.as_ref().chars().count().max(*width);
        }
    }

    /// The head.
    pub(super) fn head(&self) -> String {
        self.line(&self.head.map(|(name, _)| name))
    }

    /// A row, ended by a newline.
    pub(super) fn row(&mut self, cells: &[String; N]) -> String {
        self.fit(cells);
        self.line(cells)
    }

    fn line(&self, cells: &[impl AsRef<str>; N]) -> String {
        let mut line = String::new();
        for ((cell, (_, side)), width) in cells.iter().zip(self.head).zip(self.widths) {
            let cell = cell.as_ref();
            let room = " ".repeat(width.saturating_sub(cell.chars().count()));
            match side {
                Side::Left => line += &format!("{cell}{room}  "),
                Side::Right => line += &format!("{room}{cell}  "),
            }
        }
        line.trim_end().to_owned() + "\n"
    }
}

/// A head and its rows, each line ended by a newline.
pub(super) fn columns<const N: usize>(
    head: [(&'static str, Side); N],
    rows: &[[String; N]],
) -> String {
    let mut table = Columns::new(head);
    rows.iter().for_each(|row| table.fit(row));
    rows.iter()
        .fold(table.head(), |text, row| text + &table.line(row))
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
