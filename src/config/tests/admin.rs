//! `[admin]`: a port that others reach needs a token, and the token stays one.

use super::{Fake, GOOD, check};
use crate::config::{keep_running_values, parse};

const TOKEN: &str = "correct-horse-battery";

fn listening(admin: &str, rest: &str) -> String {
    GOOD.replace("8080\"", &format!("8080\"\nadmin = \"{admin}\"")) + rest
}

#[test]
fn beyond_this_machine_a_token_is_needed() {
    for admin in ["0.0.0.0:9901", "[::]:9901", "10.0.0.7:9901", "0.0.0.0:0"] {
        let problems = check(&listening(admin, "")).unwrap_err();
        assert_eq!(problems.list.len(), 1, "{problems}");
        let problem = &problems.list[0];
        assert_eq!(problem.path, "listen.admin");
        assert_eq!((problem.line, problem.column), (3, 9));
        assert!(problem.hint.as_deref().unwrap().contains("127.0.0.1"));
        let token = format!("[admin]\ntoken = \"{TOKEN}\"\n");
        assert!(check(&listening(admin, &token)).is_ok());
        assert!(check(&listening(admin, "[admin]\ntoken = \"\"\n")).is_ok());
    }
    for admin in [
        "127.0.0.1:9901",
        "127.9.9.9:1",
        "[::1]:1",
        "[::ffff:127.0.0.1]:1",
    ] {
        assert!(check(&listening(admin, "")).is_ok(), "{admin}");
    }
    // A bad token is one problem, not two.
    let short = check(&listening("0.0.0.0:1", "[admin]\ntoken = \"short\"\n")).unwrap_err();
    assert_eq!(short.list.len(), 1, "{short}");
    assert!(!short.to_string().contains("`short"), "{short}");
}

#[test]
fn the_token_comes_from_a_file_and_never_shows() {
    let mut env = Fake::default();
    env.files.insert("/run/token", "correct-horse-battery\n");
    let text = listening("0.0.0.0:1", "[admin]\ntoken = \"${file:/run/token}\"\n");
    let config = parse(&text, "test.toml", &env).unwrap();
    let token = config.admin.token.clone().unwrap();
    assert_eq!(token.expose(), TOKEN);
    for shown in [
        format!("{config:?}"),
        format!("{:?}", config.admin),
        format!("{token:#?}"),
    ] {
        assert!(!shown.contains("horse"), "{shown}");
    }
}

#[test]
fn a_token_goes_only_with_the_address_that_needed_it() {
    let token = format!("[admin]\ntoken = \"{TOKEN}\"\n");
    let running = check(&listening("0.0.0.0:9901", &token)).unwrap();
    let mut new = check(&listening("127.0.0.1:9901", "")).unwrap();
    keep_running_values(&running, &mut new);
    assert_eq!(
        new.admin.token, running.admin.token,
        "the old address is still open"
    );
    let mut other = check(&listening(
        "0.0.0.0:9901",
        "[admin]\ntoken = \"0123456789abcdef\"\n",
    ))
    .unwrap();
    keep_running_values(&running, &mut other);
    assert_ne!(
        other.admin.token, running.admin.token,
        "a new token holds at once"
    );
}
