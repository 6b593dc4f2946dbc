//! What a check has found, line by line: good, odd or wrong, with the remedy, and the exit code of it all.

use std::time::Duration;

use serde::Serialize;

use super::Exit;
use super::columns::{plain, time};

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Ok,
    /// Odd, and no reason to say that something is wrong.
    Warn,
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Finding {
    /// What it is about, such as a backend; findings of one subject stand together.
    about: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    backend: Option<String>,
    /// The number of an instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<u64>,
    /// What was looked at, in a word.
    check: &'static str,
    verdict: Verdict,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    milliseconds: Option<f64>,
    #[serde(skip)]
    exit: Exit,
}

/// All of a subject, and of more.
#[derive(Debug, Default)]
pub(super) struct Findings {
    list: Vec<Finding>,
    about: String,
    backend: Option<String>,
    instance: Option<u64>,
}

impl Findings {
    /// What follows is about this.
    pub(super) fn about(about: impl Into<String>) -> Self {
        Self {
            about: about.into(),
            ..Self::default()
        }
    }

    /// The same for programs.
    pub(super) fn of(mut self, backend: &str, instance: Option<u64>) -> Self {
        self.backend = Some(backend.to_owned());
        self.instance = instance;
        self
    }

    /// It is good.
    pub(super) fn ok(&mut self, check: &'static str, text: impl AsRef<str>) {
        self.add(check, Verdict::Ok, Exit::Done, text.as_ref(), None);
    }

    /// It took so long.
    pub(super) fn took(&mut self, time: Duration) {
        if let Some(last) = self.list.last_mut() {
            last.milliseconds = Some((time.as_secs_f64() * 1e6).round() / 1e3);
        }
    }

    /// It is odd, and may stay so.
    pub(super) fn odd(&mut self, check: &'static str, text: impl AsRef<str>, remedy: &str) {
        let remedy = Some(remedy.to_owned());
        self.add(check, Verdict::Warn, Exit::Done, text.as_ref(), remedy);
    }

    /// A part of the whole does not do its work now, or could not be looked at.
    pub(super) fn partly(&mut self, check: &'static str, text: impl AsRef<str>, remedy: &str) {
        let remedy = Some(remedy.to_owned());
        self.add(check, Verdict::Warn, Exit::Partial, text.as_ref(), remedy);
    }

    /// It is wrong.
    pub(super) fn wrong(
        &mut self,
        check: &'static str,
        text: impl AsRef<str>,
        remedy: impl Into<String>,
    ) {
        let remedy = Some(remedy.into());
        self.add(check, Verdict::Fail, Exit::No, text.as_ref(), remedy);
    }

    /// Who would have to be asked cannot be reached.
    pub(super) fn unreachable(&mut self, check: &'static str, text: impl AsRef<str>, remedy: &str) {
        let remedy = Some(remedy.to_owned());
        self.add(
            check,
            Verdict::Fail,
            Exit::Unreachable,
            text.as_ref(),
            remedy,
        );
    }

    fn add(
        &mut self,
        check: &'static str,
        verdict: Verdict,
        exit: Exit,
        text: &str,
        remedy: Option<String>,
    ) {
        self.list.push(Finding {
            about: self.about.clone(),
            backend: self.backend.clone(),
            instance: self.instance,
            check,
            verdict,
            text: plain(text),
            remedy,
            milliseconds: None,
            exit,
        });
    }

    /// With these after its own.
    pub(super) fn append(&mut self, mut others: Self) {
        self.list.append(&mut others.list);
    }

    /// Nothing of it fails, and nothing does less than its work.
    pub(super) fn is_good(&self) -> bool {
        self.list.iter().all(|finding| finding.exit == Exit::Done)
    }

    /// What is wrong comes before what could not be reached, and that before what is partly so.
    pub(super) fn exit(&self) -> Exit {
        let has = |exit| self.list.iter().any(|finding| finding.exit == exit);
        let order = [Exit::No, Exit::Unreachable, Exit::Partial];
        order
            .into_iter()
            .find(|exit| has(*exit))
            .unwrap_or(Exit::Done)
    }

    /// For programs.
    pub(super) fn list(&self) -> &[Finding] {
        &self.list
    }

    /// For people: a heading for each subject, a line for each finding, its remedy below.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let width = self.list.iter().map(|finding| finding.check.len()).max();
        let width = width.unwrap_or_default();
        let mut about = None;
        for finding in &self.list {
            if about != Some(&finding.about) {
                text += &format!("{}\n", plain(&finding.about));
                about = Some(&finding.about);
            }
            let word = match finding.verdict {
                Verdict::Ok => "ok  ",
                Verdict::Warn => "warn",
                Verdict::Fail => "FAIL",
            };
            text += &format!("  {word}  {:width$}  {}", finding.check, finding.text);
            if finding.milliseconds.is_some() {
                text += &format!(" ({})", time(finding.milliseconds));
            }
            text.push('\n');
            if let Some(remedy) = &finding.remedy {
                text += &format!("        {:width$}  remedy: {remedy}\n", "");
            }
        }
        text
    }
}

/// `1 instance`, `2 instances`.
pub(super) fn count(n: usize, what: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {what}{s}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_told_with_their_remedies() {
        let mut all = Findings::about("backend `a`");
        all.ok("key", "found");
        all.took(Duration::from_millis(12));
        assert_eq!((all.exit(), all.is_good()), (Exit::Done, true));
        all.odd("scope", "wide", "make a narrow key");
        assert!(all.is_good());
        let mut more = Findings::about("instance 7");
        more.partly("state", "waits\u{1b}[2J", "wait");
        assert_eq!(more.exit(), Exit::Partial);
        more.unreachable("list", "late", "ask again");
        assert_eq!(more.exit(), Exit::Unreachable);
        more.wrong("port", "not mapped", "map it");
        all.append(more);
        assert_eq!((all.exit(), all.is_good()), (Exit::No, false));
        assert_eq!(
            all.text(),
            "backend `a`\n  ok    key    found (12 ms)\n  warn  scope  wide\n               \
             remedy: make a narrow key\ninstance 7\n  warn  state  waits[2J\n               remedy: wait\n  \
             FAIL  list   late\n               remedy: ask again\n  FAIL  port   not mapped\n               \
             remedy: map it\n"
        );
    }
}
