//! Health checks of what stands behind the portal of an instance.

use std::sync::Arc;

use crate::stage::placeholder;
use crate::support::eventually;
use crate::support::house::Plan;
use crate::support::origin::{Origin, ok, status};

#[tokio::test]
async fn the_portal_lets_checks_in_and_is_not_the_service() {
    const TOKEN: &str = "Bearer pass word";
    let service = Origin::new(|seen| match seen.head.get("authorization") {
        Some(TOKEN) => vec![ok(b"well")],
        _ => vec![status("401 Unauthorized", &[], b"")],
    });
    let plan = |auth: &str| {
        Plan::new(format!(
            "[backends.new]\nendpoints = [{:?}]\n{auth}\n\
             health = {{ path = \"/well?deep\", interval = \"500ms\", timeout = \"500ms\", healthy = 1, unhealthy = 1 }}\n\
             [[routes]]\nname = \"all\"\nprimary = \"new\"\n",
            service.url()
        ))
    };
    let house = plan("auth = { bearer = \"pass word\" }").start().await;
    let snapshot = house.app.publisher.current();
    let endpoint = Arc::clone(&snapshot.backends[0].members[0].endpoint);
    let is_well = || endpoint.fitness.sight().healthy;
    eventually("it is asked", || service.count() >= 3).await;
    assert!(is_well());
    for seen in service.seen() {
        assert_eq!((seen.method(), seen.target()), ("GET", "/well?deep"));
        assert_eq!(seen.head.get("host"), Some(&*service.address.to_string()));
        assert_eq!(seen.head.get("authorization"), Some(TOKEN));
    }
    // 200, from somebody else.
    service.set(|_| placeholder());
    eventually("it is out", || !is_well()).await;
    service.set(|_| vec![ok(b"well")]);
    eventually("it is back", is_well).await;
    house.stop().await;
}
