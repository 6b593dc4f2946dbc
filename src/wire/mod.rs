//! HTTP material that knows nothing of routes or backends: hop-by-hop and forwarded headers,
//! request ids, changes of protocol, bodies that can be sent twice, event streams, problem documents.

mod body;
mod forwarded;
mod framing;
mod grpc;
mod hop;
mod host;
mod keys;
mod made_body;
mod media;
mod problem;
mod proxy_header;
mod replay;
mod request_id;
mod sse;
mod trailers;
mod upgrade;

pub use body::{Parts, RequestBody, Starting, Upload};
pub use forwarded::{Peer, Trust};
pub use framing::{Flaw, Framing, response_is_framed};
pub use grpc::{GRPC, GRPC_MESSAGE, GRPC_STATUS, grpc_code, grpc_message, grpc_status, is_grpc};
pub use hop::{remove_from_request, remove_from_response};
pub use host::is_host;
pub use keys::{cookie, join_cookies, query};
pub use made_body::forget_body;
pub use media::is_json;
pub use problem::{error_event, problem_json};
pub use proxy_header::{LONGEST_PROXY_HEADER, ProxyHeader, read_proxy_header};
pub use replay::{Replay, ReplayBody};
pub use request_id::{Id, REQUEST_ID, RequestIds};
pub use sse::{Event, Scanner, Seen};
pub use trailers::remove_from_trailers;
pub use upgrade::{agreed_upgrade, asked_upgrade, say_upgrade};
