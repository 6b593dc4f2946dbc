//! An explanation as text: who was chosen and why, then what happened, a line for each moment.

use super::columns::{percent, plain};
use crate::api::{Choice, ChosenBy, Explanation, Refused, Try, Turn};

/// The whole text.
pub(super) fn story(told: &Explanation) -> String {
    let mut text = format!("request {}\n", plain(&told.id));
    text += &format!("came {}", told.at);
    if let Some(route) = &told.route {
        text += &format!(" on route {}", plain(route));
    }
    if let Some(epoch) = told.epoch {
        text += &format!(", epoch {epoch}");
    }
    text.push('\n');
    if told.others > 0 {
        text += &format!(
            "{} older with the same id remembered, this is the newest\n",
            told.others
        );
    }
    if told.names_lost {
        text += "the state of that epoch is forgotten, and the names with it\n";
    }
    if let Some(choice) = &told.choice {
        text += &given(choice);
    }
    text.push('\n');
    for (at, what) in moments(told) {
        text += &match at {
            Some(at) => format!("{at:>10.1} ms  {what}\n"),
            None => format!("{:>10}     {what}\n", "now"),
        };
    }
    text
}

/// Which side it was given to.
fn given(choice: &Choice) -> String {
    let in_force = percent(choice.percent);
    let why = match (choice.by, choice.draw) {
        (ChosenBy::OnlySide, _) => "the route has no other side".to_owned(),
        (ChosenBy::Owner, _) => "what it is for belongs there, or was looked for".to_owned(),
        (ChosenBy::SideHeader, _) => "a trusted peer said so by x-figshift-side".to_owned(),
        (by, draw) => {
            let draw = draw.unwrap_or_default();
            let sign = if draw < choice.percent { '<' } else { '≥' };
            let of = match (by, &choice.sticky) {
                (ChosenBy::Sticky, Some(key)) => format!("sticky by {}", plain(key)),
                (ChosenBy::Sticky, None) => "sticky".to_owned(),
                _ => "drawn for this request alone".to_owned(),
            };
            format!("draw {draw:.2} % {sign} {in_force}, {of}")
        }
    };
    let backend = choice.backend.as_deref().map(plain);
    let backend = backend.map_or_else(String::new, |name| format!(", {name}"));
    let mut text = format!("given to the {}{backend}: {why}\n", choice.side);
    if let (Some(chain), false) = (&choice.why, choice.by == ChosenBy::OnlySide) {
        text += &format!("in force then: {}\n", plain(chain));
    }
    text
}

/// What happened, and when; without a time, what is so now.
fn moments(told: &Explanation) -> Vec<(Option<f64>, String)> {
    let mut moments = Vec::new();
    for (index, tried) in told.tries.iter().enumerate() {
        moments.push((Some(tried.began_ms), goes(tried, told)));
        if tried.stale {
            let again = "an idle connection had just been closed: sent again on a fresh one";
            moments.push((Some(tried.began_ms), again.to_owned()));
        }
        let is_last = index + 1 == told.tries.len();
        let answered = is_last && told.head_ms.is_some();
        if answered {
            let status = tried.status.unwrap_or_default();
            moments.push((told.head_ms, format!("status {status}")));
        } else if let Some(ended) = tried.ended_ms {
            let next = told.tries.get(index + 1);
            let cause = next.map_or(&told.trouble, |next| &next.reason);
            moments.push((Some(ended), ending(tried, cause.as_deref())));
        }
        let at = if answered {
            told.head_ms
        } else {
            tried.ended_ms
        };
        let refused = tried.refused.iter();
        moments
            .extend(refused.map(|refused| (at, refusal(*refused, is_last, told.choice.as_ref()))));
    }
    if let Some(first) = told.first_byte_ms {
        moments.push((Some(first), "first byte of the body".to_owned()));
    }
    if told.running {
        moments.push((None, "still on its way".to_owned()));
    } else {
        moments.push((told.end_ms, end(told)));
    }
    moments
}

/// A try begins.
fn goes(tried: &Try, told: &Explanation) -> String {
    let backend = tried.backend.as_deref().unwrap_or(&tried.side);
    let place = match &tried.endpoint {
        Some(endpoint) => format!("{} at {}", plain(backend), plain(endpoint)),
        None => format!("the {backend}"),
    };
    let reason = tried.reason.as_deref().unwrap_or_default();
    let why = match tried.turn {
        Turn::Home => String::new(),
        Turn::Bypass => {
            let home = told.choice.as_ref();
            let home = home.map_or("own side", |choice| &choice.side);
            let why = match reason {
                "unfit" => "such a request cannot be sent to Serverless workers",
                _ => "none of its endpoints can serve",
            };
            format!(", bypassing the {home}: {why}")
        }
        Turn::Retry => format!(", another endpoint of the same side (retry: {reason})"),
        Turn::Fallback => format!(", the other side (fallback: {reason})"),
    };
    let mut text = format!("goes to {place}{why}");
    if tried.panic {
        text += "; breakers are not asked, since nobody can serve";
    }
    if tried.probe {
        text += "; it probes an open breaker";
    }
    text
}

/// A try ended without an answer for the client; the cause is why the next one was made, or what
/// went wrong after its head.
fn ending(tried: &Try, cause: Option<&str>) -> String {
    let class = tried.class.as_deref().unwrap_or_default();
    if let (Some(status), Some(trouble)) = (tried.status, cause.and_then(trouble)) {
        return format!("status {status}, and then {trouble}");
    }
    match (class, tried.status) {
        (_, Some(status)) => format!("status {status}, which `fallback_on` names"),
        ("connect", None) => "no connection could be made".to_owned(),
        ("reset", None) => "the connection broke before the response head".to_owned(),
        ("timeout", None) => "no response head in time".to_owned(),
        ("cancelled", None) => "given up".to_owned(),
        ("capacity", None) => "there was no worker in time".to_owned(),
        ("server_error", None) => "it was not let in".to_owned(),
        (other, None) => plain(other),
    }
}

/// What went wrong after a head.
fn trouble(cause: &str) -> Option<&'static str> {
    Some(match cause {
        "stalled" | "first_event" => "no event in time",
        "gap" => "silence for too long",
        "error_event" => "an event that says that it failed",
        "empty" => "the end without an event",
        "broken" => "it broke off",
        _ => return None,
    })
}

/// What stood against another try.
fn refusal(refused: Refused, is_last: bool, choice: Option<&Choice>) -> String {
    let why = match refused {
        Refused::OverBudget if !is_last => {
            return "no other endpoint of this side: the retry budget is spent".to_owned();
        }
        Refused::OverBudget => "the retry budget is spent",
        Refused::NotRepeatable => "the backend may have begun, and a repetition could do harm",
        Refused::BodyTooLong => "the body was longer than what is held (`replay_bytes`)",
        Refused::NowhereElse => match choice {
            Some(choice) if choice.by == ChosenBy::OnlySide => "the route has no other side",
            Some(choice) if choice.side == "primary" && choice.percent <= 0.0 => {
                "at 0 % the candidate takes nothing over"
            }
            _ => "there is nowhere else to go",
        },
    };
    format!("not tried again: {why}")
}

/// The request ended.
fn end(told: &Explanation) -> String {
    let class = told.class.as_deref().unwrap_or_default();
    let by = told.served_by.as_deref().map(plain);
    if let (None, Some(trouble)) = (&told.fault, told.trouble.as_deref().and_then(trouble)) {
        let by = by.unwrap_or_else(|| "the backend".to_owned());
        return format!("{}: {by} answered, and then {trouble}", plain(class));
    }
    match (&told.fault, class) {
        (Some(fault), class) => {
            let status = told.status.unwrap_or_default();
            let class = match class {
                "" => String::new(),
                class => format!("{}: ", plain(class)),
            };
            format!(
                "{class}figshift answered {status} by itself ({})",
                plain(fault)
            )
        }
        (None, "cancelled") => "cancelled: the client left".to_owned(),
        (None, class) => match by {
            Some(by) => format!("{}: served by {by}", plain(class)),
            None => plain(class),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(side: &str, turn: Turn) -> Try {
        Try {
            side: side.to_owned(),
            backend: Some(format!("{side}s")),
            endpoint: Some("http://10.0.0.5:8000".to_owned()),
            turn,
            reason: None,
            panic: false,
            probe: false,
            stale: false,
            began_ms: 0.0,
            ended_ms: Some(80.25),
            status: None,
            class: Some("connect".to_owned()),
            refused: Vec::new(),
        }
    }

    fn told() -> Explanation {
        Explanation {
            id: "abc".to_owned(),
            others: 0,
            at: "2025-03-04T09:41:12Z".to_owned(),
            running: false,
            epoch: Some(7),
            names_lost: false,
            route: Some("chat".to_owned()),
            choice: Some(Choice {
                side: "candidate".to_owned(),
                backend: Some("vastai".to_owned()),
                by: ChosenBy::Sticky,
                sticky: Some("header:x-user-id".to_owned()),
                draw: Some(12.3),
                percent: 25.0,
                why: Some("25 % ← file 25 %".to_owned()),
            }),
            tries: vec![
                tried("candidate", Turn::Home),
                Try {
                    reason: Some("connect".to_owned()),
                    began_ms: 80.25,
                    ended_ms: Some(1_870.5),
                    status: Some(200),
                    class: Some("ok".to_owned()),
                    ..tried("primary", Turn::Fallback)
                },
            ],
            class: Some("ok".to_owned()),
            status: Some(200),
            served_by: Some("legacy".to_owned()),
            fault: None,
            trouble: None,
            head_ms: Some(412.0),
            first_byte_ms: Some(415.0),
            end_ms: Some(1_870.5),
        }
    }

    #[test]
    fn a_fallback_reads_like_sentences() {
        assert_eq!(
            story(&told()),
            "request abc\n\
             came 2025-03-04T09:41:12Z on route chat, epoch 7\n\
             given to the candidate, vastai: draw 12.30 % < 25 %, sticky by header:x-user-id\n\
             in force then: 25 % ← file 25 %\n\
             \n       0.0 ms  goes to candidates at http://10.0.0.5:8000\
             \n      80.2 ms  no connection could be made\
             \n      80.2 ms  goes to primarys at http://10.0.0.5:8000, the other side (fallback: connect)\
             \n     412.0 ms  status 200\
             \n     415.0 ms  first byte of the body\
             \n    1870.5 ms  ok: served by legacy\n"
        );
    }

    #[test]
    fn a_stream_that_went_wrong_says_how() {
        let mut told = told();
        told.tries[0].status = Some(200);
        told.tries[1].reason = Some("stalled".to_owned());
        told.trouble = Some("gap".to_owned());
        told.class = Some("timeout".to_owned());
        let text = story(&told);
        let lines = [
            "80.2 ms  status 200, and then no event in time\n",
            "1870.5 ms  timeout: legacy answered, and then silence for too long\n",
        ];
        for line in lines {
            assert!(text.contains(line), "{text}");
        }
        // What the last try met before it gave up.
        told.head_ms = None;
        told.trouble = Some("empty".to_owned());
        told.fault = Some("upstream_empty".to_owned());
        told.status = Some(502);
        let text = story(&told);
        assert!(
            text.contains("status 200, and then the end without an event\n"),
            "{text}"
        );
        assert!(text.ends_with("timeout: figshift answered 502 by itself (upstream_empty)\n"));
    }

    #[test]
    fn what_is_missing_is_left_out() {
        let mut told = told();
        told.choice = None;
        told.route = None;
        told.epoch = None;
        told.tries.clear();
        told.class = None;
        told.served_by = None;
        told.fault = Some("bad_request".to_owned());
        told.status = Some(400);
        told.head_ms = None;
        told.first_byte_ms = None;
        told.end_ms = Some(0.0);
        assert_eq!(
            story(&told),
            "request abc\ncame 2025-03-04T09:41:12Z\n\n       0.0 ms  figshift answered 400 by \
             itself (bad_request)\n"
        );
    }
}
