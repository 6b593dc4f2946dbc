//! Where the table goes: redrawn in place on a terminal, one after the other elsewhere.

use std::io::{self, Write};

use super::table::{View, table};

/// Clips long lines: a wrapped one would spoil the count of lines to go back.
const NO_WRAP: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";
const HIDE_CURSOR: &str = "\x1b[?25l";
const SHOW_CURSOR: &str = "\x1b[?25h";
const CLEAR_TO_EOL: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";

/// The output, a terminal or not.
#[derive(Debug)]
pub struct Screen {
    in_place: bool,
    colour: bool,
    /// Lines of the table that stands above the cursor.
    drawn: usize,
}

impl Screen {
    /// `in_place` needs a terminal; so does `colour`, which the user may also not want.
    pub fn new(in_place: bool, colour: bool) -> Self {
        Self {
            in_place,
            colour,
            drawn: 0,
        }
    }

    /// Prints a text that stays.
    pub fn say(&mut self, out: &mut dyn Write, text: &str) -> io::Result<()> {
        self.drawn = 0;
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// Shows the table, on a terminal over the one before. The cursor goes up by lines and not to the corner: so it
    /// works on a terminal that is too low for the introduction, which stays above.
    pub fn draw(&mut self, out: &mut dyn Write, view: &View) -> io::Result<()> {
        let text = table(view, self.colour);
        if !self.in_place {
            return self.say(out, &format!("\n{text}"));
        }
        let mut frame = format!("{HIDE_CURSOR}{NO_WRAP}");
        if self.drawn > 0 {
            frame += &format!("\x1b[{}A\r", self.drawn);
        } else {
            frame += "\n";
        }
        for line in text.lines() {
            frame += line;
            frame += CLEAR_TO_EOL;
            frame.push('\n');
        }
        frame += CLEAR_BELOW;
        frame += WRAP;
        frame += SHOW_CURSOR;
        self.drawn = text.lines().count();
        // One write, or the eye catches half a table.
        out.write_all(frame.as_bytes())?;
        out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::intro::tests::intro;
    use crate::demo::table::tests::view;

    fn drawn(screen: &mut Screen) -> String {
        let mut out = Vec::new();
        screen.draw(&mut out, &view()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_terminal_is_redrawn_from_the_tables_first_line() {
        let mut screen = Screen::new(true, false);
        assert!(!drawn(&mut screen).contains("\x1b[10A"));
        assert!(drawn(&mut screen).contains("\x1b[11A\r"));
        screen.say(&mut Vec::new(), "a word between\n").unwrap();
        assert!(
            !drawn(&mut screen).contains("\x1b[10A"),
            "what was said stays"
        );
    }

    #[test]
    fn anything_else_gets_plain_text() {
        let mut screen = Screen::new(false, false);
        drawn(&mut screen);
        let text = drawn(&mut screen);
        assert!(!text.contains('\x1b'));
        assert!(text.starts_with("\nroute chat"));
    }

    #[test]
    fn introduction_and_table_fit_forty_lines() {
        let lines = intro().text().lines().count() + 1 + table(&view(), false).lines().count();
        assert!(lines < 40, "{lines} lines");
    }
}
