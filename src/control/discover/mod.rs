//! Endpoints that are learned: from instances of Vast.ai, names in the DNS, a file, a URL. Each source is looked
//! at on the control runtime, and what is found is handed to the controller as a change. A look that finds
//! nothing out changes nothing: what was found last holds.

mod dns;
mod file;
mod follow;
mod http;
mod instances;
mod once;
mod source;
mod targets;
mod vastai;
mod webhook;

pub use follow::{Look, Lookers, discover};
pub use instances::{found_now, key_of, selects};
pub use once::look_once;
pub(super) use vastai::Paces;
pub use webhook::{is_signed, webhook_secrets};
