//! Upgrades: a request that asks for another protocol on its connection goes where any other would,
//! and may go elsewhere as long as nobody has agreed. The 101 of a backend ends the HTTP on both
//! connections and makes a tunnel of them.

use http::Response;
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::request::Parts;
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;

use super::admit::Refusal;
use super::pool::Lease;
use super::respond::{ResponseBody, dress};
use super::tunnel::Tunnel;
use super::walk::Walk;
use crate::snapshot::Route;
use crate::stats::Fault;
use crate::wire::{agreed_upgrade, asked_upgrade, say_upgrade};

/// What a request asks for.
#[derive(Debug)]
pub(super) struct Asked {
    protocols: HeaderValue,
    /// The client's connection, as soon as it is free of HTTP.
    client: OnUpgrade,
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
        // hyper gives it where there is such a header, so most requests are done here.
        let Some(client) = head.extensions.remove::<OnUpgrade>() else {
            return Ok(None);
        };
        let Some(protocols) = asked_upgrade(&head.headers) else {
            return Ok(None);
        };
        let refusal = |fault, detail| Err(Refusal { fault, detail });
        if !route.upgrade {
            let detail =
                "This route carries no upgrades, WebSocket among them: its key `upgrade` is false";
            return refusal(Fault::Unsupported, detail);
        }
        if !body.is_end_stream() {
            // Where it ends and the other protocol begins is what both sides could see differently.
            let detail = "A request for an upgrade must not have a body";
            return refusal(Fault::BadRequest, detail);
        }
        Ok(Some(Box::new(Self { protocols, client })))
    }

    /// Says it to the backend, in a head that is free of what was said to us.
    pub(super) fn say(&self, head: &mut Parts) {
        say_upgrade(&mut head.headers, self.protocols.clone());
    }

    /// Whether a 101 is the answer to it.
    pub(super) fn is_met(&self, response: &Response<Incoming>) -> bool {
        agreed_upgrade(response.headers(), &self.protocols).is_some()
    }
}

/// Passes the 101 on. What comes after it is carried by a tunnel, which the client's connection runs
/// when the 101 is out.
pub(super) fn switch(
    mut walk: Walk,
    lease: Lease,
    mut response: Response<Incoming>,
    asked: Asked,
    id: HeaderValue,
) -> Response<ResponseBody> {
    let backend = hyper::upgrade::on(&mut response);
    let (mut head, _) = response.into_parts();
    let agreed = agreed_upgrade(&head.headers, &asked.protocols);
    dress(&walk, &mut head, id);
    head.headers.remove(CONTENT_LENGTH);
    say_upgrade(&mut head.headers, agreed.unwrap_or(asked.protocols));
    // The time that the guard compares: later there is no answer that could be late.
    walk.first_byte();
    walk.streams();
    let client = std::rc::Rc::clone(walk.client());
    client.leave_http(Tunnel::new(walk, lease, asked.client, backend));
    Response::from_parts(head, ResponseBody::Own(None))
}
