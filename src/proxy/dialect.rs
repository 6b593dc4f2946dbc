//! How a request and its answer say what became of it: by the status, or, in a gRPC call, by the
//! `grpc-status` behind a status of 200.

use http::request::Parts;
use http::{HeaderMap, Method, Response, StatusCode, Version};

use crate::wire::{grpc_status, is_grpc};

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Http,
    Grpc,
}

impl Dialect {
    /// That of a request.
    pub(super) fn of(head: &Parts) -> Self {
        // The end of a call stands behind a 200, and that would say that a tunnel is open.
        let asks = head.method == Method::CONNECT;
        if head.version == Version::HTTP_2 && is_grpc(&head.headers) && !asks {
            Self::Grpc
        } else {
            Self::Http
        }
    }

    /// The status of a response, as HTTP has it, as far as its head tells.
    pub(super) fn status<B>(self, response: &Response<B>) -> u16 {
        let status = response.status();
        let told = match (self, status) {
            (Self::Grpc, StatusCode::OK) => grpc_status(response.headers()),
            _ => None,
        };
        told.unwrap_or(status.as_u16())
    }

    /// Whether only the trailers will tell.
    pub(super) fn waits_for_trailers(self, status: StatusCode, headers: &HeaderMap) -> bool {
        self == Self::Grpc && status == StatusCode::OK && grpc_status(headers).is_none()
    }
}
