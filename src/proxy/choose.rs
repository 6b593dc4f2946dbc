//! Which side a request belongs to: an explicit word of a trusted peer, else the draw of its
//! sticky key, else a draw of its own.

use std::net::IpAddr;

use http::header::HeaderName;
use http::request::Parts;
use rand::{RngExt, rngs::SmallRng};

use crate::policy::Split;
use crate::recall::By;
use crate::snapshot::{Route, Sticky};
use crate::stats::{Draw, Side};
use crate::wire::{cookie, query};

const SIDE: HeaderName = HeaderName::from_static("x-figshift-side");

/// The side of a request, what chose it, and what was drawn for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice {
    pub(super) side: Side,
    pub(super) draw: Draw,
    pub(super) by: By,
    /// Where the draw stands, in hundredths of a percent.
    pub(super) place: u16,
}

impl Choice {
    /// Nothing was drawn.
    pub(super) fn undrawn(side: Side, by: By) -> Self {
        let (draw, place) = (Draw::None, 0);
        Self {
            side,
            draw,
            by,
            place,
        }
    }
}

/// The side of a request. `client` is asked only when the route needs it.
pub(super) fn choose(
    route: &Route,
    head: &Parts,
    trusted: bool,
    client: impl Fn() -> IpAddr,
    rng: &mut SmallRng,
) -> Choice {
    if route.candidate.is_none() {
        return Choice::undrawn(Side::Primary, By::Only);
    }
    if let (true, true, Some(side)) = (route.side_header, trusted, asked_for(head)) {
        return Choice::undrawn(side, By::Header);
    }
    let mut keys = route.sticky.iter().enumerate();
    let found = keys.find_map(|(at, key)| Some((at, sticky_draw(route, key, head, &client)?)));
    let (number, draw, by) = match found {
        // The split looks at the highest bits, so the lowest ones say nothing of the side.
        Some((at, number)) => (number, Draw::User(number as u16), By::Sticky(at as u16)),
        None => (rng.random(), Draw::Request, By::Draw),
    };
    Choice {
        side: route.split.choose(number),
        draw,
        by,
        place: Split::place(number),
    }
}

fn asked_for(head: &Parts) -> Option<Side> {
    let value = head.headers.get(SIDE)?;
    Side::ALL
        .into_iter()
        .find(|side| value.as_bytes() == side.as_str().as_bytes())
}

fn sticky_draw(
    route: &Route,
    key: &Sticky,
    head: &Parts,
    client: &impl Fn() -> IpAddr,
) -> Option<u64> {
    let value = match key {
        Sticky::Header(name) => head.headers.get(name)?.as_bytes(),
        Sticky::Cookie(name) => cookie(&head.headers, name)?,
        Sticky::Query(name) => query(head.uri.query(), name)?,
        Sticky::ClientIp => {
            return Some(match client() {
                IpAddr::V4(address) => route.salt.draw(&address.octets()),
                IpAddr::V6(address) => route.salt.draw(&address.octets()),
            });
        }
    };
    (!value.is_empty()).then(|| route.salt.draw(value))
}
