//! The file in force as the API shows it.

use std::fs;

use figshift::api::{ConfigStatus, ConfigText};

use super::desk::{Desk, TOKEN};

const VAULT: &str = "staple-battery-horse-correct";

#[tokio::test]
async fn secrets_are_shown_neither_as_written_nor_as_filled_in() {
    let vault = tempfile::tempdir().unwrap();
    let token = vault.path().join("token");
    fs::write(&token, VAULT).unwrap();
    let lines = format!(
        "ramp.steps = [50]\n\
         ramp.gate = {{ url = \"http://127.0.0.1:1/\", token = {TOKEN:?} }} # was {TOKEN}\n\
         [[routes]]\nname = \"none\"\nmatch.path = \"/none\"\nprimary = \"old\"\ncandidate = \"new\"\n\
         ramp.steps = [50]\n\
         ramp.gate = {{ url = \"http://127.0.0.1:1/\", token = \"${{file:{}}}\" }}",
        token.display()
    );
    // The first of the routes takes all.
    let desk = Desk::with_route(25.0, &format!("match.path = \"/x\"\n{lines}")).await;
    let shown: ConfigText = desk.get("/api/v1/config").await;
    assert_eq!(shown.file, desk.house.path.display().to_string());
    assert_eq!(
        (shown.status, &*shown.needs_restart),
        (ConfigStatus::Applied, &[][..])
    );
    for secret in [TOKEN, VAULT] {
        assert!(!shown.text.contains(secret), "{}", shown.text);
    }
    let written = fs::read_to_string(&desk.house.path).unwrap();
    let black = written.replace(&format!("{TOKEN:?}"), "\"redacted\"");
    assert_eq!(shown.text, black.replace(TOKEN, "redacted"));
    assert!(shown.text.contains("token = \"${file:"), "{}", shown.text);
}

#[tokio::test]
async fn it_is_the_text_in_force_and_not_the_last_that_was_saved() {
    let desk = Desk::open().await;
    let good = fs::read_to_string(&desk.house.path).unwrap();
    let broken = desk
        .house
        .plan
        .rest
        .replace("percent = 25", "percent = 250");
    desk.house.save(&broken).await;
    let shown: ConfigText = desk.get("/api/v1/config").await;
    assert_eq!((shown.status, shown.text), (ConfigStatus::Refused, good));
    desk.save("30").await;
    let shown: ConfigText = desk.get("/api/v1/config").await;
    assert_eq!(shown.status, ConfigStatus::Applied);
    assert!(shown.text.contains("percent = 30"), "{}", shown.text);
}
