//! The table's requests with random faults in them. What must become of each is not known, but
//! nothing that fits no rule may ever come to the origin, and every answer must be that of a request
//! that the origin has seen. `MUTANTS_SEED=n` draws others.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::io::AsyncWriteExt as _;

use super::recorder::Recorder;
use super::support::client::Client;
use super::support::house::Plan;
use super::table::{Row, rows};

const MUTANTS: usize = 3000;
const AT_ONCE: usize = 100;
/// So long is an answer waited for that may not come.
const SILENCE: Duration = Duration::from_millis(300);

/// What parsers stumble over.
const PARTS: [&[u8]; 24] = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b" ",
    b"\t",
    b"\x0b",
    b":",
    b",",
    b";",
    b"0",
    b"3",
    b"f",
    b"-",
    b"+",
    b"chunked",
    b"Content-Length: 3\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"0\r\n\r\n",
    b"\r\n\r\n",
    b"Host: b\r\n",
    b"Connection: close\r\n",
    b"GET /evil HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\xff",
];

fn mutate(bytes: &mut Vec<u8>, rng: &mut SmallRng) {
    for _ in 0..rng.random_range(1..=3) {
        let at = rng.random_range(0..=bytes.len());
        let end = (at + rng.random_range(0..=6)).min(bytes.len());
        match rng.random_range(0..4) {
            0 => drop(bytes.drain(at..end)),
            1 => drop(bytes.splice(at..end, PARTS[rng.random_range(0..PARTS.len())].to_vec())),
            2 => drop(bytes.splice(at..at, PARTS[rng.random_range(0..PARTS.len())].to_vec())),
            _ => {
                let copy = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, copy));
            }
        }
    }
}

/// Sends it, and counts the answers that the origin gave.
async fn talk(mut client: Client, bytes: Vec<u8>) -> usize {
    let _ = client.stream.write_all(&bytes).await;
    let mut served = 0;
    while let Ok(Ok(answer)) = tokio::time::timeout(SILENCE, client.read()).await {
        served += usize::from(answer.status == 200);
    }
    served
}

#[tokio::test]
async fn nothing_dubious_comes_through_whatever_is_sent() {
    let recorder = Recorder::start().await;
    let text = format!(
        "[backends.old]\nendpoints = [\"http://{}\"]\n[[routes]]\nname = \"all\"\nprimary = \"old\"\n",
        recorder.address
    );
    let house = Plan::new(text).start().await;
    let seed = std::env::var("MUTANTS_SEED").map_or(9112, |seed| seed.parse().unwrap());
    let mut rng = SmallRng::seed_from_u64(seed);
    // Most of the table is refused as it stands; what passes is the better half to begin with.
    let short = rows().into_iter().filter(|row| row.bytes.len() < 2000);
    let (refused, passing): (Vec<_>, Vec<_>) = short.partition(Row::is_refused);
    let mut served = 0;
    for _ in 0..MUTANTS / AT_ONCE {
        let mut talks = Vec::new();
        for _ in 0..AT_ONCE {
            let rows = if rng.random_bool(0.3) {
                &refused
            } else {
                &passing
            };
            let mut bytes = rows[rng.random_range(0..rows.len())].bytes.clone();
            mutate(&mut bytes, &mut rng);
            bytes.extend_from_slice(b"GET /marker HTTP/1.1\r\nHost: marker.test\r\n\r\n");
            talks.push(tokio::spawn(talk(house.client().await, bytes)));
        }
        for talk in talks {
            served += talk.await.unwrap();
        }
    }
    house.at_rest().await;
    house.stop().await;
    let (whole, wrong) = recorder.take().await;
    println!(
        "smuggling, {MUTANTS} mutants: {} requests at the origin, {served} answered",
        whole.len()
    );
    assert!(
        wrong.is_empty(),
        "{} at the origin fit no rule:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    // A few answers get lost with connections that are closed after a refusal.
    assert!(served <= whole.len() && served + MUTANTS / 10 > whole.len());
    assert!(served > MUTANTS / 4, "most never came to the origin");
}
