//! Log lines: text for people on a terminal, one JSON object a line for machines, on stderr.

use std::fmt;
use std::io;

use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, reload};

use crate::config::model::LogFormat;

/// The environment variable that wins over the file.
const VARIABLE: &str = "RUST_LOG";
const DEFAULT: &str = "info";

/// Why logging cannot begin, or keeps its level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogError {
    /// The filter does not parse.
    Filter {
        /// Where it stands: `RUST_LOG` or `log.level`.
        place: &'static str,
        /// As written.
        text: String,
        /// What is wrong.
        reason: String,
    },
    /// Somebody else has set up logging in this process, or has taken ours down.
    Taken,
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Filter {
                place,
                text,
                reason,
            } => write!(f, "{place}: `{text}` is not a log filter: {reason}"),
            Self::Taken => f.write_str("logging belongs to somebody else in this process"),
        }
    }
}

impl std::error::Error for LogError {}

/// Alters the level while the process runs.
#[derive(Debug, Clone)]
pub struct Logs {
    /// `None` while `RUST_LOG` rules.
    filter: Option<reload::Handle<EnvFilter, Registry>>,
}

impl Logs {
    /// Sets the filter to what the file says, or back to `info` where it says nothing. Does
    /// nothing while `RUST_LOG` is set, which wins.
    ///
    /// # Errors
    ///
    /// A filter that does not parse; the one before it stays.
    pub fn set_level(&self, level: Option<&str>) -> Result<(), LogError> {
        let next = filter("log.level", level.unwrap_or(DEFAULT))?;
        match &self.filter {
            Some(filter) => filter.reload(next).map_err(|_| LogError::Taken),
            None => Ok(()),
        }
    }
}

/// Sets up logging to stderr for the whole process. `level` and `format` are those of the file,
/// `is_terminal` says whether stderr is one.
///
/// # Errors
///
/// A filter that does not parse, or a second call.
pub fn init_logs(
    level: Option<&str>,
    format: LogFormat,
    is_terminal: bool,
) -> Result<Logs, LogError> {
    let variable = std::env::var(VARIABLE)
        .ok()
        .filter(|text| !text.trim().is_empty());
    let colours = is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let (subscriber, logs) = build(
        variable.as_deref(),
        level,
        as_json(format, is_terminal),
        colours,
        io::stderr,
    )?;
    subscriber.try_init().map_err(|_| LogError::Taken)?;
    Ok(logs)
}

fn as_json(format: LogFormat, is_terminal: bool) -> bool {
    match format {
        LogFormat::Auto => !is_terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    }
}

fn build<W>(
    variable: Option<&str>,
    level: Option<&str>,
    json: bool,
    colours: bool,
    writer: W,
) -> Result<(impl SubscriberInitExt, Logs), LogError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let first = match variable {
        Some(text) => filter(VARIABLE, text)?,
        None => filter("log.level", level.unwrap_or(DEFAULT))?,
    };
    let (filter, handle) = reload::Layer::new(first);
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = if json {
        lines.json().flatten_event(true).boxed()
    } else {
        lines.with_ansi(colours).boxed()
    };
    let logs = Logs {
        filter: variable.is_none().then_some(handle),
    };
    Ok((Registry::default().with(filter).with(lines), logs))
}

fn filter(place: &'static str, text: &str) -> Result<EnvFilter, LogError> {
    EnvFilter::try_new(text).map_err(|error| LogError::Filter {
        place,
        text: text.to_owned(),
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Sink {
        fn take(&self) -> String {
            String::from_utf8(std::mem::take(&mut self.0.lock().unwrap())).unwrap()
        }
    }

    fn with_logs(
        variable: Option<&str>,
        level: Option<&str>,
        json: bool,
        test: impl FnOnce(&Sink, &Logs),
    ) {
        let sink = Sink::default();
        let writer = sink.clone();
        let (subscriber, logs) =
            build(variable, level, json, false, move || writer.clone()).unwrap();
        tracing::dispatcher::with_default(&subscriber.into(), || test(&sink, &logs));
    }

    #[test]
    fn level_follows_the_file() {
        with_logs(None, None, false, |sink, logs| {
            tracing::debug!("quiet");
            tracing::info!(route = "chat", "loud");
            let text = sink.take();
            assert!(
                text.contains("loud") && text.contains("route=\"chat\""),
                "{text}"
            );
            assert!(!text.contains("quiet"), "{text}");
            logs.set_level(Some("debug")).unwrap();
            tracing::debug!("now heard");
            assert!(sink.take().contains("now heard"));
            assert!(logs.set_level(Some("info,figshift=loudest")).is_err());
            logs.set_level(None).unwrap();
            tracing::debug!("quiet again");
            assert_eq!(sink.take(), "");
        });
    }

    #[test]
    fn the_environment_wins() {
        with_logs(Some("error"), Some("debug"), false, |sink, logs| {
            tracing::warn!("no");
            logs.set_level(Some("trace")).unwrap();
            tracing::warn!("no");
            assert_eq!(sink.take(), "");
        });
    }

    #[test]
    fn machines_get_an_object_a_line() {
        with_logs(None, Some("info"), true, |sink, _| {
            tracing::info!(epoch = 3, "Applied\nthe file");
            let text = sink.take();
            assert_eq!(text.lines().count(), 1);
            let line: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(line["epoch"], 3);
            assert_eq!(line["message"], "Applied\nthe file");
            assert_eq!(line["level"], "INFO");
        });
        assert!(as_json(LogFormat::Auto, false) && !as_json(LogFormat::Auto, true));
        assert!(as_json(LogFormat::Json, true) && !as_json(LogFormat::Text, false));
    }

    #[test]
    fn a_wrong_filter_is_told_with_its_place() {
        let error = build(None, Some("figshift=loudest"), false, false, io::sink)
            .err()
            .unwrap();
        assert!(
            error
                .to_string()
                .starts_with("log.level: `figshift=loudest`"),
            "{error}"
        );
    }
}
