//! Who is told, and the command that tells it.

use figshift::api::Explanation;

use super::asking::{answer, get};
use crate::commands::has;
use crate::desk::{Desk, TOKEN};
use crate::served::Served;
use crate::support::client::Client;

#[tokio::test]
async fn it_is_told_to_whoever_has_the_token() {
    let desk = Desk::with(&format!("[admin]\ntoken = {TOKEN:?}\n")).await;
    get(&desk.house, "mine").await;
    assert_eq!(answer(&desk.house, "mine", &[]).await.status, 401);
    let token = format!("authorization: Bearer {TOKEN}");
    assert_eq!(answer(&desk.house, "mine", &[&token]).await.status, 200);
    desk.house.stop().await;
}

#[tokio::test]
async fn the_command_tells_it_and_exits_by_what_it_knows() {
    let mut served = Served::start("").await;
    let answer = Client::new(served.http()).await.get("/").await;
    let id = answer.get("x-request-id").unwrap().to_owned();
    let said = served.command(&["explain", &id]).await;
    assert_eq!((said.code, &*said.err), (0, ""), "{said:?}");
    let by = answer.text();
    has(
        &said.out,
        &[
            &format!("request {id}\ncame 20"),
            "Z on route all, epoch 1\ngiven to the ",
            " 25 %, sticky by client_ip\nin force then: 25 % ← file 25 %\n\n",
            &format!(" ms  goes to {by} at http://127.0.0.1:"),
            " ms  status 200\n",
            " ms  first byte of the body\n",
            &format!(" ms  ok: served by {by}\n"),
        ],
    );
    let said = served.command(&["explain", &id, "--json"]).await;
    assert_eq!(said.code, 0);
    let told: Explanation = serde_json::from_value(said.json()).unwrap();
    assert_eq!((told.id, told.served_by), (id.clone(), Some(by)));

    let said = served.command(&["explain", "nobody"]).await;
    assert_eq!((said.code, &*said.out), (1, ""), "{said:?}");
    has(&said.err, &["No request with this id is remembered"]);
    for wrong in ["", "a b", "..", "ä"] {
        let said = served.command(&["explain", wrong]).await;
        assert_eq!(said.code, 2, "{said:?}");
        has(&said.err, &["x-request-id"]);
    }
    assert_eq!(served.command(&["explain"]).await.code, 2);
    let said = served.command(&["explain", "--help"]).await;
    assert_eq!(said.code, 0);
    has(&said.out, &["x-request-id", "Exits with 0", "Example:"]);

    served.kill();
    let said = served.command(&["explain", &id]).await;
    assert_eq!(said.code, 4, "{said:?}");
    has(&said.err, &["no answer from the admin port"]);
}
