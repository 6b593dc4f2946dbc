//! Reading server-sent events, as far as figshift writes them.

use reqwest::Response;

use crate::api::JournalEntry;

/// A line of an event is a line of the journal, whose reason is short; a longer one is none of ours.
const LONGEST: usize = 1024 * 1024;

/// A stream that is open.
#[derive(Debug)]
pub(super) struct Stream {
    answer: Response,
    lines: Lines,
}

impl Stream {
    pub(super) fn new(answer: Response) -> Self {
        Self {
            answer,
            lines: Lines::default(),
        }
    }

    /// The next entry; `None` when the stream has ended, broken off or gone silent.
    pub(super) async fn next(&mut self) -> Option<JournalEntry> {
        loop {
            while let Some(line) = self.lines.next() {
                if let Some(entry) = entry_in(&line) {
                    return Some(entry);
                }
            }
            let piece = self.answer.chunk().await.ok()??;
            self.lines.add(&piece)?;
        }
    }
}

/// Every event of ours has all that it says in one line of data.
fn entry_in(line: &[u8]) -> Option<JournalEntry> {
    serde_json::from_slice(line.strip_prefix(b"data:")?).ok()
}

/// Lines out of pieces that end anywhere.
#[derive(Debug, Default)]
struct Lines(Vec<u8>);

impl Lines {
    /// `None` when a line never ends.
    fn add(&mut self, piece: &[u8]) -> Option<()> {
        self.0.extend_from_slice(piece);
        (self.0.len() <= LONGEST).then_some(())
    }

    /// The next whole line, without its end.
    fn next(&mut self) -> Option<Vec<u8>> {
        let end = self.0.iter().position(|byte| *byte == b'\n')?;
        let mut line: Vec<u8> = self.0.drain(..=end).collect();
        line.truncate(line.trim_ascii_end().len());
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_out_wherever_the_pieces_end() {
        let entry = |seq: u64| {
            format!(
                "id: {seq}\nevent: shift\ndata: {{\"seq\":{seq},\"epoch\":1,\"at\":\"x\",\"actor\":\"ü\",\
                 \"what\":\"shift\",\"moves\":[]}}\n\n"
            )
        };
        let text = format!("{}:\n\n{}", entry(1), entry(2).replace('\n', "\r\n"));
        for size in 1..text.len() {
            let mut lines = Lines::default();
            let mut seqs = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                lines.add(piece).unwrap();
                while let Some(line) = lines.next() {
                    seqs.extend(entry_in(&line).map(|entry| (entry.seq, entry.actor)));
                }
            }
            assert_eq!(seqs, [(1, "ü".to_owned()), (2, "ü".to_owned())], "{size}");
        }
    }

    #[test]
    fn a_line_without_end_is_given_up() {
        let mut lines = Lines::default();
        let piece = vec![b'x'; LONGEST / 2];
        assert_eq!((lines.add(&piece), lines.add(&piece)), (Some(()), Some(())));
        assert_eq!(lines.add(b"x"), None);
    }
}
