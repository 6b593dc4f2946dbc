//! What it takes to adapt the bodies of one exchange, and one event of a stream.

use std::hint::black_box;
use std::time::Duration;

use divan::Bencher;
use figshift::adapt::{Event, Events, Filter, Limits, Outcome, Val};

const LIMITS: Limits = Limits {
    time: Duration::from_millis(50),
    steps: 1_000_000,
    bytes: 16 << 20,
};

const REQUEST: &str = r#"{
    model: ("org/" + .model),
    messages: [.messages[] | {role, content}],
    max_tokens: (.max_tokens // 256),
    temperature: (.temperature // 1),
    stream: (.stream // false),
    stop: (if (.stop | type) == "string" then [.stop] else .stop end),
    seed
} | with_entries(select(.value != null))"#;

const RESPONSE: &str = r#"{
    id: ("cmpl-" + .id),
    object: "chat.completion",
    created,
    model: (.model | ltrimstr("org/")),
    choices: [.choices[] | {index, message: (.message | {role, content}), finish_reason: (.finish_reason // "stop")}],
    usage: (.usage | {prompt_tokens, completion_tokens, total_tokens: (.prompt_tokens + .completion_tokens)})
}"#;

const CHUNK: &str =
    r#".model |= ltrimstr("org/") | .choices[].delta |= {content: (.content // "")}"#;

const EVENT: &str = r#"{"id":"chatcmpl-7f3a9c","object":"chat.completion.chunk","created":1732752000,"model":"org/llama-3.1-70b","choices":[{"index":0,"delta":{"role":"assistant","content":" token"},"finish_reason":null}]}"#;

fn text(len: usize) -> String {
    "The quick \\\"brown\\\" fox jumps over the lazy dog.\\n"
        .chars()
        .cycle()
        .take(len)
        .collect::<String>()
        .trim_end_matches('\\')
        .to_owned()
}

fn request() -> String {
    let message = |role: &str, len| {
        format!(
            r#"{{"role":"{role}","content":"{}","name":null}}"#,
            text(len)
        )
    };
    let messages = [
        message("system", 400),
        message("user", 300),
        message("assistant", 350),
        message("user", 250),
    ];
    format!(
        r#"{{"model":"llama-3.1-70b","messages":[{}],"max_tokens":512,"temperature":0.7,"top_p":0.95,"stream":true,"stop":"\n\n","seed":18446744073709551615,"user":"u-123","logit_bias":{{"50256":-100}}}}"#,
        messages.join(",")
    )
}

fn response() -> String {
    format!(
        r#"{{"id":"7f3a9c","object":"chat.completion","created":1732752000,"model":"org/llama-3.1-70b","choices":[{{"index":0,"message":{{"role":"assistant","content":"{}","tool_calls":null}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":412,"completion_tokens":301,"extra":1}},"system_fingerprint":"fp_1"}}"#,
        text(1_300)
    )
}

fn filter(program: &str) -> Filter {
    match Filter::compile(program, &[]) {
        Ok(filter) => filter,
        Err(refused) => panic!("{refused}"),
    }
}

fn whole(bencher: Bencher<'_, '_>, program: &str, body: &str) {
    let filter = filter(program);
    bencher.bench_local(|| {
        let body = Val::parse(black_box(body.as_bytes())).unwrap_or_default();
        let body = filter.run(body, &[], &LIMITS).unwrap_or_default();
        let mut out = Vec::new();
        body.write(&mut out);
        assert!(out.len() > 100);
        out
    });
}

#[divan::bench]
fn request_parse_run_write(bencher: Bencher<'_, '_>) {
    whole(bencher, REQUEST, &request());
}

#[divan::bench]
fn response_parse_run_write(bencher: Bencher<'_, '_>) {
    whole(bencher, RESPONSE, &response());
}

#[divan::bench]
fn event_parse_run_write(bencher: Bencher<'_, '_>) {
    whole(bencher, CHUNK, EVENT);
}

#[divan::bench]
fn event_through_the_stream(bencher: Bencher<'_, '_>) {
    let filter = filter(CHUNK);
    let event = format!("data: {EVENT}\n\n");
    let (mut events, mut out) = (Events::new(1 << 16), Vec::new());
    let mut each = |event: Event<'_>| {
        let data = Val::parse(event.data)?;
        let mut new = Vec::new();
        filter.run(data, &[], &LIMITS)?.write(&mut new);
        Ok::<_, figshift::adapt::Fault>(Outcome::One(new))
    };
    bencher.bench_local(|| {
        out.clear();
        let pushed = events.push(black_box(event.as_bytes()), &mut out, &mut each);
        assert!(pushed.is_ok() && out.len() > 100);
    });
}

#[divan::bench]
fn request_parse(bencher: Bencher<'_, '_>) {
    let body = request();
    bencher.bench_local(|| Val::parse(black_box(body.as_bytes())));
}

#[divan::bench]
fn request_parse_write(bencher: Bencher<'_, '_>) {
    let body = request();
    bencher.bench_local(|| {
        let mut out = Vec::new();
        Val::parse(black_box(body.as_bytes()))
            .unwrap_or_default()
            .write(&mut out);
        out
    });
}

#[divan::bench]
fn identity_run(bencher: Bencher<'_, '_>) {
    let filter = filter(".");
    bencher.bench_local(|| filter.run(black_box(Val::Null), &[], &LIMITS));
}

#[divan::bench(sample_count = 20)]
fn compile_request() -> Filter {
    filter(REQUEST)
}
