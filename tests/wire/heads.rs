//! What a head becomes between protocols.

use super::far::{Far, Origin};
use super::matrix::before;
use super::near::{Client, Fed, Near, Whole};

#[tokio::test]
async fn the_host_is_the_clients_in_either_protocol() {
    for far in Far::ALL {
        let origin = Origin::start(far).await;
        let house = before(&origin, far).await;
        for near in Near::ALL {
            let mut client = Client::new(near, near.door(&house)).await;
            let whole = client.get("/hello?a=b").await;
            let head = origin.last();
            let (uri, host) = (head.uri.as_str(), head.headers.get("host"));
            let proto = match near {
                Near::H1 | Near::H2 => "http",
                Near::H1Tls | Near::H2Tls => "https",
            };
            assert_eq!(head.headers["x-forwarded-proto"], proto);
            match far {
                Far::H1 | Far::H1Tls => {
                    assert_eq!(uri, "/hello?a=b");
                    assert_eq!(host.unwrap(), "test");
                }
                Far::H2 | Far::H2Tls => {
                    // The scheme is that of the connection to the backend.
                    let scheme = if far == Far::H2 { "http" } else { "https" };
                    assert_eq!(uri, format!("{scheme}://test/hello?a=b"));
                    assert_eq!(host, None);
                }
            }
            let version = if near.is_h2() { "2.0" } else { "1.1" };
            assert_eq!(head.headers["via"], format!("{version} figshift"));
            assert_eq!(head.headers["x-forwarded-host"], "test");
            let version = if far.is_h2() { "2.0" } else { "1.1" };
            assert_eq!(whole.get("via").unwrap(), format!("{version} figshift"));
            assert!(whole.get("x-request-id").is_some());
        }
        house.stop().await;
    }
}

#[tokio::test]
async fn cookie_crumbs_are_one_line_for_http1() {
    let origin = Origin::start(Far::H1).await;
    let house = before(&origin, Far::H1).await;
    let mut client = Client::new(Near::H2, house.app.http).await;
    let crumbs = [("cookie", "a=1"), ("cookie", "b=2")];
    let response = client
        .send_with("GET", "/hello", &crumbs, Fed::none())
        .await;
    assert_eq!(Whole::read(response.unwrap()).await.unwrap().status, 200);
    let cookies: Vec<_> = origin
        .last()
        .headers
        .get_all("cookie")
        .iter()
        .cloned()
        .collect();
    assert_eq!(cookies, ["a=1; b=2"]);
    house.stop().await;
}

#[tokio::test]
async fn a_get_with_a_body_of_unknown_length_keeps_it() {
    for far in Far::ALL {
        let origin = Origin::start(far).await;
        let house = before(&origin, far).await;
        let mut client = Client::new(Near::H2, house.app.http).await;
        let response = client
            .send("GET", "/echo", Fed::whole(b"body".to_vec()))
            .await;
        assert_eq!(Whole::read(response.unwrap()).await.unwrap().body, "body");
        house.stop().await;
    }
}
