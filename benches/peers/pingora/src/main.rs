//! A proxy of Pingora's as its users would write it: two backends in turns, connections kept, the client's address
//! and `Via` set, rustls for TLS. One thread.
//!
//! pingora PLAIN TLS H2C BACKEND1 BACKEND2 CERT KEY, where all but the last two are ports of the loopback address.

use std::sync::Arc;

use async_trait::async_trait;
use pingora::apps::HttpServerOptions;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::lb::LoadBalancer;
use pingora::lb::selection::RoundRobin;
use pingora::listeners::tls::TlsSettings;
use pingora::prelude::{Error, HttpPeer, ProxyHttp, Result, Server, Session};
use pingora::proxy::http_proxy_service;
use pingora::server::configuration::ServerConf;

const VIA: &str = "1.1 pingora";

struct Split {
    backends: Arc<LoadBalancer<RoundRobin>>,
}

#[async_trait]
impl ProxyHttp for Split {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn upstream_peer(&self, _: &mut Session, _: &mut ()) -> Result<Box<HttpPeer>> {
        let Some(backend) = self.backends.select(b"", 8) else {
            return Err(Error::new_str("no backend"));
        };
        Ok(Box::new(HttpPeer::new(backend, false, String::new())))
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        _: &mut (),
    ) -> Result<()> {
        if let Some(client) = session.client_addr().and_then(|address| address.as_inet()) {
            let ip = client.ip().to_string();
            let known = request.headers.get("x-forwarded-for");
            let all = match known.and_then(|value| value.to_str().ok()) {
                Some(before) => format!("{before}, {ip}"),
                None => ip,
            };
            request.insert_header("x-forwarded-for", all)?;
        }
        request.append_header("via", VIA)?;
        Ok(())
    }

    async fn response_filter(
        &self,
        _: &mut Session,
        response: &mut ResponseHeader,
        _: &mut (),
    ) -> Result<()> {
        response.append_header("via", VIA)?;
        Ok(())
    }
}

fn main() {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let [plain, tls, h2c, first, second, cert, key] = words.as_slice() else {
        eprintln!("usage: pingora PLAIN TLS H2C BACKEND1 BACKEND2 CERT KEY");
        std::process::exit(2);
    };
    let at = |port: &str| format!("127.0.0.1:{port}");

    let conf = ServerConf {
        threads: 1,
        upstream_keepalive_pool_size: 256,
        grace_period_seconds: Some(0),
        graceful_shutdown_timeout_seconds: Some(1),
        ..ServerConf::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    server.bootstrap();

    let backends = LoadBalancer::try_from_iter([at(first), at(second)]).expect("two addresses");
    let backends = Arc::new(backends);
    let split = || Split {
        backends: Arc::clone(&backends),
    };

    let mut common = http_proxy_service(&server.configuration, split());
    common.add_tcp(&at(plain));
    let mut settings = TlsSettings::intermediate(cert, key).expect("a certificate and its key");
    settings.enable_h2();
    common.add_tls_with_settings(&at(tls), None, settings);
    server.add_service(common);

    // By itself, so that HTTP/1.1 does not pay for the look at the first bytes.
    let mut clear = http_proxy_service(&server.configuration, split());
    let mut options = HttpServerOptions::default();
    options.h2c = true;
    clear
        .app_logic_mut()
        .expect("it does not run yet")
        .server_options = Some(options);
    clear.add_tcp(&at(h2c));
    server.add_service(clear);

    server.run_forever();
}
