//! Upgrades: a request that asks for another protocol on its connection goes where any other would,
//! and may go elsewhere as long as nobody has agreed. The 101 of a backend ends the HTTP on both
//! connections and makes a tunnel of them. With HTTP/2 the client asks by CONNECT (RFC 8441), and the
//! tunnel is a stream among others.

use std::rc::Rc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{
    CONTENT_LENGTH, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION,
};
use http::request::Parts;
use http::{Response, StatusCode};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::ext::Protocol as Wanted;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use rand::RngExt;

use super::admit::Refusal;
use super::answer::Answer;
use super::respond::{ResponseBody, dress};
use super::tunnel::{End, Tunnel};
use super::walk::Walk;
use super::worker::Worker;
use crate::snapshot::{Protocol, Route};
use crate::stats::{Fault, Side};
use crate::wire::{agreed_upgrade, asked_upgrade, say_upgrade};

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");
const VERSION: HeaderValue = HeaderValue::from_static("13");

/// What a request asks for.
#[derive(Debug)]
pub(super) struct Asked {
    protocols: HeaderValue,
    /// The stream of a client that has asked with HTTP/2.
    stream: Option<OnUpgrade>,
}

impl Asked {
    /// What the head asks for, if anything that is carried.
    ///
    /// # Errors
    ///
    /// It cannot be carried here, and leaving it out would change what the request means.
    pub(super) fn take(
        head: &mut Parts,
        body: &Incoming,
        route: &Route,
    ) -> Result<Option<Box<Self>>, Refusal> {
        // hyper gives it where a request asks, so most are done here.
        let Some(client) = head.extensions.remove::<OnUpgrade>() else {
            return Ok(None);
        };
        let stream = head.extensions.remove::<Wanted>().map(|_| client);
        let asked = match stream {
            Some(_) => Some(WEBSOCKET),
            None => asked_upgrade(&head.headers),
        };
        let Some(protocols) = asked else {
            return Ok(None);
        };
        let refusal = |fault, detail| {
            let closes = false;
            Err(Refusal {
                fault,
                detail,
                closes,
            })
        };
        if !route.upgrade {
            let detail =
                "This route carries no upgrades, WebSocket among them: its key `upgrade` is false";
            return refusal(Fault::Unsupported, detail);
        }
        let mut arms = Side::ALL.into_iter().filter_map(|side| route.arm(side));
        if arms.any(|arm| arm.backend.protocol == Protocol::H2) {
            // Known before a side is tried, so that nobody's failure is made of it.
            let detail = "This route carries no upgrades: one of its backends has `protocol = \"h2\"`, \
                          and HTTP/1.1 is needed for them";
            return refusal(Fault::Unsupported, detail);
        }
        if !body.is_end_stream() {
            // Where it ends and the other protocol begins is what both sides could see differently.
            let detail = "A request for an upgrade must not have a body";
            return refusal(Fault::BadRequest, detail);
        }
        Ok(Some(Box::new(Self { protocols, stream })))
    }

    /// Says it to the backend, in a head that is free of what was said to us.
    pub(super) fn say(&self, headers: &mut HeaderMap, worker: &Worker) {
        say_upgrade(headers, self.protocols.clone());
        if self.stream.is_some() {
            // HTTP/2 has no use for a key, and HTTP/1.1 insists on one.
            let key: [u8; 16] = worker.with_rng(|rng| rng.random());
            if let Ok(key) = HeaderValue::from_str(&BASE64_STANDARD.encode(key)) {
                headers.insert(SEC_WEBSOCKET_KEY, key);
            }
            headers.entry(SEC_WEBSOCKET_VERSION).or_insert(VERSION);
        }
    }

    /// Whether a response can be the answer to it. A 101 has to agree to what was asked for; any other
    /// goes on as it is, but for a success that to a client with HTTP/2 would say that its tunnel is open.
    pub(super) fn may_get(&self, response: &Response<Answer>) -> bool {
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return agreed_upgrade(response.headers(), &self.protocols).is_some();
        }
        self.stream.is_none() || !response.status().is_success()
    }
}

/// Passes the 101 on. What comes after it is carried by a tunnel, which the client's connection runs
/// when the 101 is out.
pub(super) fn switch(
    mut walk: Box<Walk>,
    response: Response<Answer>,
    asked: Asked,
    id: HeaderValue,
) -> Response<ResponseBody> {
    let (mut head, answer) = response.into_parts();
    let agreed = agreed_upgrade(&head.headers, &asked.protocols);
    dress(&walk, &mut head, id);
    head.headers.remove(CONTENT_LENGTH);
    // The time that the guard compares: later there is no answer that could be late.
    walk.first_byte();
    walk.streams();
    let client = Rc::clone(walk.client());
    let tunnel = Tunnel::new(walk, answer);
    match asked.stream {
        None => {
            say_upgrade(&mut head.headers, agreed.unwrap_or(asked.protocols));
            client.leave_http(tunnel);
        }
        Some(stream) => {
            head.status = StatusCode::OK;
            head.headers.remove(SEC_WEBSOCKET_ACCEPT);
            tokio::task::spawn_local(async move {
                // A client that never got its answer has left.
                if let Ok(stream) = stream.await {
                    tunnel.run(End::Stream(TokioIo::new(stream))).await;
                }
            });
        }
    }
    Response::from_parts(head, ResponseBody::Own(None))
}
