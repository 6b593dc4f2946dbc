//! The table of raw requests (`tests/smuggling.txt`) through figshift to nginx: it must have seen
//! exactly the requests that figshift got its answers for, with the bodies that the table says.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use super::house::Site;
use super::origin::Origin;
use super::table::{Row, rows};
use super::wait::{free_port, until};

const MARKER: &[u8] = b"GET /marker HTTP/1.1\r\nHost: marker.test\r\n\r\n";
/// So long is an answer waited for, where one may not come.
const SILENCE: Duration = Duration::from_millis(200);
/// And so long where one should.
const PATIENCE: Duration = Duration::from_secs(3);

/// A request as nginx has logged it.
#[derive(Debug, PartialEq, Eq)]
struct Logged {
    method: String,
    target: String,
    body: String,
    status: u64,
}

/// The whole requests in the log from the given one on. One that broke off is in it, too, at some
/// time, and counts for nothing.
fn logged(file: &Path, from: usize) -> Vec<Logged> {
    let log = fs::read_to_string(file).unwrap();
    let whole = log.lines().filter(|line| line.contains(r#""done":"OK""#));
    let lines = whole.skip(from);
    let field = |line: &serde_json::Value, name: &str| line[name].as_str().unwrap().to_owned();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .map(|line: serde_json::Value| Logged {
            method: field(&line, "method"),
            target: field(&line, "target"),
            body: field(&line, "body"),
            status: field(&line, "status").parse().unwrap(),
        })
        .collect()
}

/// An answer: its status, whether it is nginx's, its body.
type Answer = (u16, bool, String);

/// Sends the payload and the marker, and reads what comes until the marker's answer, the end, or
/// silence.
fn talk(port: u16, row: &Row) -> Vec<Answer> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_nodelay(true).unwrap();
    let patience = if row.waits() { SILENCE } else { PATIENCE };
    stream.set_read_timeout(Some(patience)).unwrap();
    let mut bytes = Vec::new();
    // The refusal may come before everything is sent.
    if stream.write_all(&[&row.bytes, MARKER].concat()).is_err() {
        return Vec::new();
    }
    loop {
        let mut part = [0; 65536];
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(came) => bytes.extend_from_slice(&part[..came]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                break;
            }
            // Closed with bytes of ours unread.
            Err(_) => break,
        }
        if bytes.ends_with(b"marked") {
            break;
        }
    }
    answers(&String::from_utf8_lossy(&bytes), row.name)
}

fn answers(mut text: &str, name: &str) -> Vec<Answer> {
    let mut answers = Vec::new();
    while !text.is_empty() {
        let (head, rest) = text.split_once("\r\n\r\n").expect(name);
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
        let (body, rest) = rest.split_at_checked(length).expect(name);
        text = rest;
        if status >= 200 {
            let ours = head.contains("x-figshift-reason") || !head.contains("\r\nvia: ");
            answers.push((status, !ours, body.to_owned()));
        }
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx: tests/run"]
async fn nginx_sees_what_figshift_answers_for() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("seen.log");
    let inner = free_port();
    let seen = log.display().to_string();
    let nginx = Origin::start_with("nginx", folder.path(), |port| {
        // Only a request that is passed on has its body in the log.
        format!(
            r#"log_format seen escape=json '{{"method":"$request_method","target":"$request_uri",'
                '"body":"$request_body","status":"$status",'
                '"done":"$request_completion"}}';
            server {{
                listen 127.0.0.1:{port};
                access_log {seen} seen;
                client_body_buffer_size 64k;
                location / {{ proxy_pass http://127.0.0.1:{inner}; }}
                location = /marker {{ return 200 "marked"; }}
            }}
            server {{
                listen 127.0.0.1:{inner};
                access_log off;
                location / {{ return 200 "inner"; }}
            }}"#
        )
    })
    .await;
    let site = Site::new(folder.path());
    let text = format!(
        "{}[backends.nginx]\nendpoints = [\"{}\"]\n[[routes]]\nname = \"all\"\nprimary = \"nginx\"\n",
        site.head(),
        nginx.url()
    );
    let house = site.serve_text(&text).await;
    let (mut lines, mut passed, mut refused) = (0, 0, 0);
    let rows = rows();
    for row in &rows {
        let answers = talk(house.site.http, row);
        let from_nginx: Vec<_> = answers.iter().filter(|(_, nginx, _)| *nginx).collect();
        let what = format!(
            "{}: nginx's log has what it answered: {answers:?}",
            row.name
        );
        let saw = until(&what, Duration::from_secs(5), async || {
            let saw = logged(&log, lines);
            (saw.len() >= from_nginx.len()).then_some(saw)
        })
        .await;
        lines += saw.len();
        assert_eq!(saw.len(), from_nginx.len(), "{what}, and no more: {saw:?}");
        // nginx is stricter about methods and targets, and then logs no more than its refusal.
        let mut wanted = row.passing();
        for request in &saw {
            if request.target == "/marker" {
                continue;
            }
            let wanted = wanted.next().unwrap_or_else(|| panic!("{what}: {saw:?}"));
            if request.status == 200 {
                assert_eq!(request.method, wanted.method, "{what}");
                assert_eq!(request.target, wanted.target, "{what}");
                assert_eq!(request.body.as_bytes(), wanted.body, "{what}");
            }
        }
        assert!(wanted.next().is_none(), "{what}: {saw:?}");
        passed += row.passing().count();
        refused += usize::from(row.is_refused());
    }
    // Nothing came in late, either.
    house.stop().await;
    assert_eq!(logged(&log, 0).len(), lines);
    println!(
        "smuggling: {} payloads, {refused} refused, {passed} requests passed; nginx has logged {lines}",
        rows.len()
    );
}
