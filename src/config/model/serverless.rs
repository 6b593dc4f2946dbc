//! `[backends.NAME.serverless]`: an endpoint of Vast.ai Serverless, which has another address for each request.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::scalar::{Credential, Duration, Size};

/// `[backends.NAME.serverless]`: an endpoint of Vast.ai Serverless, in place of `endpoints`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Serverless {
    /// Its name.
    #[schemars(extend("examples" = ["shop-llm"]))]
    pub endpoint: String,
    /// How it is asked.
    #[serde(default)]
    pub mode: ServerlessMode,
    /// Load of a request, in the units of the workers: for language models, tokens.
    #[serde(default)]
    pub cost: ServerlessCost,
    /// For so long a request waits for a worker before it goes to the other side; "100ms" to "1h".
    #[serde(default = "Serverless::default_wait")]
    pub wait: Duration,
    /// Requests that may wait for a worker at a time; more go to the other side at once.
    #[serde(default = "Serverless::default_queue")]
    #[schemars(range(max = 1_000_000))]
    pub queue: u32,
    /// Bytes of a body: it is held whole, to be wrapped, and read by a worker thread in one go. Larger ones go to the other side; "1KiB" to "16MiB".
    #[serde(default = "Serverless::default_max_body")]
    pub max_body: Size,
    /// The API key; default: `VAST_API_KEY`, then the key files of the `vastai` command. It needs the scope `misc`, with `mode = "worker"` to learn the endpoint's own key.
    pub api_key: Option<Credential>,
    /// Where the API is: https, but on this machine.
    #[serde(default = "Serverless::default_api")]
    pub api: String,
    /// Where a worker is asked for.
    #[serde(default = "Serverless::default_engine")]
    pub engine: String,
    /// Where `mode = "openai"` is served.
    #[serde(default = "Serverless::default_front")]
    pub front: String,
    /// Workers may have addresses that are not public.
    #[serde(default)]
    pub allow_private: bool,
    /// Workers may be without TLS: what they are sent can then be read on the way.
    #[serde(default)]
    pub allow_http: bool,
}

/// `mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ServerlessMode {
    /// A worker is asked for with each request, and gets it wrapped: POST requests with a JSON object.
    #[default]
    Worker,
    /// By the front for clients of the OpenAI API that Vast.ai runs: a path below `front`, with the account's key.
    Openai,
}

/// `cost`: a number from 1 to 1000000, or `{ field = "max_tokens", default = 100 }`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ServerlessCost {
    /// The same for each.
    Fixed(#[schemars(range(min = 1, max = 1_000_000))] u32),
    /// A number of the request.
    Field(CostField),
}

/// A number at the top of the request's JSON object.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CostField {
    /// Its name.
    #[schemars(extend("examples" = ["max_tokens"]))]
    pub field: String,
    /// Where there is none, 1 to 1000000.
    #[serde(default = "CostField::default_cost")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub default: u32,
}
