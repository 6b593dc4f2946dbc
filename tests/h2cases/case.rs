//! A case: what is sent after the greeting, and what the other end must do about it.

use std::time::Duration;

use super::support::frames::{
    ACK, DATA, END_STREAM, Frame, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS, Wire, status,
};
use super::support::house::{House, Plan};
use super::support::origin::{Origin, ok};

/// The codes of RFC 9113, 7.
pub(crate) const NO_ERROR: u32 = 0;
pub(crate) const PROTOCOL: u32 = 1;
pub(crate) const FLOW_CONTROL: u32 = 3;
pub(crate) const STREAM_CLOSED: u32 = 5;
pub(crate) const FRAME_SIZE: u32 = 6;
pub(crate) const REFUSED: u32 = 7;
pub(crate) const COMPRESSION: u32 = 9;

/// Everything on loopback answers sooner.
const PATIENCE: Duration = Duration::from_secs(3);
/// What every answer has in its body.
pub(crate) const BODY: &str = "hello";

/// What must come of it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Want {
    /// GOAWAY with one of these codes; also the bare end of the connection, as the RFC allows it.
    Connection(&'static [u32]),
    /// RST_STREAM with one of these codes, or the same as for a connection, or an answer that
    /// refuses: 400 or more.
    Stream(&'static [u32]),
    /// A 200 with its whole body on this stream.
    Served(u32),
    /// A PING that says this again.
    Pong([u8; 8]),
    /// An acknowledgement of SETTINGS beyond that of the greeting.
    Acknowledged,
    /// DATA frames of at most so many bytes, until so many have come in all.
    Data(usize, usize),
}

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// By the letter.
    Exact,
    /// The connection ended without a word, or with PROTOCOL_ERROR in place of a more exact code, as
    /// RFC 9113, 5.4.1 and 7 leave it open.
    Loose,
}

#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) send: Vec<u8>,
    pub(crate) want: Want,
}

/// A case; the parts of what is sent are put together.
pub(crate) fn case(name: &'static str, parts: &[Vec<u8>], want: Want) -> Case {
    Case {
        name,
        send: parts.concat(),
        want,
    }
}

/// Judges frames as they come.
struct Judge {
    want: Want,
    body: Vec<u8>,
    status: u16,
    acks: usize,
    came: usize,
}

impl Judge {
    /// `None` while it is open.
    fn look(&mut self, frame: &Frame) -> Option<Result<Outcome, String>> {
        let code = matches!(frame.kind, RST_STREAM | GOAWAY).then(|| frame.code());
        let by_code = |codes: &[u32], code: u32| {
            Some(match code {
                code if codes.contains(&code) => Ok(Outcome::Exact),
                PROTOCOL => Ok(Outcome::Loose),
                code => Err(format!("code {code}")),
            })
        };
        match (self.want, frame.kind, code) {
            (Want::Connection(codes) | Want::Stream(codes), GOAWAY, Some(code)) => {
                by_code(codes, code)
            }
            (Want::Stream(codes), RST_STREAM, Some(code)) => by_code(codes, code),
            (Want::Stream(_), HEADERS, _) if status(&frame.payload) >= 400 => {
                Some(Ok(Outcome::Exact))
            }
            (Want::Connection(_) | Want::Stream(_), HEADERS, _)
                if status(&frame.payload) < 300 && frame.stream == 1 =>
            {
                // The stream may have been served before the fault; the fault must still come.
                None
            }
            (Want::Served(stream), HEADERS, _) if frame.stream == stream => {
                self.status = status(&frame.payload);
                None
            }
            (Want::Served(stream), DATA, _) if frame.stream == stream => {
                self.body.extend_from_slice(&frame.payload);
                if frame.flags & END_STREAM == 0 {
                    return None;
                }
                let text = String::from_utf8_lossy(&self.body).into_owned();
                let served = self.status == 200 && text == BODY;
                Some(if served {
                    Ok(Outcome::Exact)
                } else {
                    Err(format!("{} {text}", self.status))
                })
            }
            (Want::Served(_), GOAWAY | RST_STREAM, Some(code)) => Some(Err(format!("code {code}"))),
            (Want::Pong(data), PING, _) if frame.flags & ACK != 0 => {
                Some(if frame.payload == data {
                    Ok(Outcome::Exact)
                } else {
                    Err("another payload".to_owned())
                })
            }
            (Want::Acknowledged, SETTINGS, _) if frame.flags & ACK != 0 => {
                self.acks += 1;
                (self.acks == 2).then_some(Ok(Outcome::Exact))
            }
            (Want::Data(most, all), DATA, _) => {
                if frame.payload.len() > most {
                    return Some(Err(format!("{} bytes at once", frame.payload.len())));
                }
                self.came += frame.payload.len();
                (self.came >= all).then_some(Ok(Outcome::Exact))
            }
            _ => None,
        }
    }
}

async fn run(house: &House, case: &Case) -> Result<Outcome, String> {
    let mut wire = Wire::open(house.app.http).await;
    wire.send(&case.send).await;
    judge(&mut wire, case.want).await
}

/// Reads until the wanted thing has come, or cannot come any more.
pub(crate) async fn judge(wire: &mut Wire, want: Want) -> Result<Outcome, String> {
    let mut judge = Judge {
        want,
        body: Vec::new(),
        status: 0,
        acks: 0,
        came: 0,
    };
    loop {
        let Ok(frame) = tokio::time::timeout(PATIENCE, wire.next()).await else {
            return Err("nothing comes".to_owned());
        };
        let Some(frame) = frame else {
            return match want {
                Want::Connection(_) | Want::Stream(_) => Ok(Outcome::Loose),
                _ => Err("the connection ended".to_owned()),
            };
        };
        if let Some(verdict) = judge.look(&frame) {
            return verdict;
        }
    }
}

/// A house before an origin that always answers.
pub(crate) async fn house() -> (House, Origin) {
    let origin = Origin::new(|_| vec![ok(BODY.as_bytes())]);
    (Plan::alone(&origin, "").start().await, origin)
}

/// Runs all cases of a section; each on a connection of its own, and the house serves after each.
pub(crate) async fn run_all(section: &str, cases: Vec<Case>) {
    let (house, _origin) = house().await;
    let (mut exact, mut loose, mut failed) = (0, Vec::new(), Vec::new());
    for case in &cases {
        match run(&house, case).await {
            Ok(Outcome::Exact) => exact += 1,
            Ok(Outcome::Loose) => loose.push(case.name),
            Err(what) => failed.push(format!("{}: {what}", case.name)),
        }
        assert_eq!(house.get("/").await.text(), BODY, "after {}", case.name);
    }
    house.at_rest().await;
    house.stop().await;
    println!(
        "HTTP/2, {section}: {} cases: {exact} by the letter, {} with PROTOCOL_ERROR or a bare end {loose:?}, {} failed",
        cases.len(),
        loose.len(),
        failed.len()
    );
    assert!(failed.is_empty(), "{section}:\n{}", failed.join("\n"));
}
