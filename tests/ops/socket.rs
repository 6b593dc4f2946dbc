//! The admin socket: whoever may open it is the operator.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use figshift::app::StartError;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::commands::has;
use super::desk::{Desk, TOKEN};
use super::served::{Lasting, Said, Served, bare};
use crate::support::{eventually, soon};

/// `[admin]` with a token and this socket.
fn tables(socket: &Path) -> String {
    format!("[admin]\ntoken = {TOKEN:?}\nsocket = {socket:?}\n")
}

/// Sends a request whose connection then ends; gives the answer.
async fn ask(socket: &Path, request: &str) -> String {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = soon("an answer", stream.read_to_string(&mut answer)).await;
    read.unwrap();
    answer
}

async fn desk_at(socket: &Path, folder: tempfile::TempDir) -> Desk {
    Desk::in_folder(folder, "25", &tables(socket)).await
}

#[tokio::test]
async fn it_asks_for_no_token_and_answers_to_any_name() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("admin.sock");
    let desk = desk_at(&socket, folder).await;
    let file = fs::symlink_metadata(&socket).unwrap();
    assert!(file.file_type().is_socket());
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    assert_eq!(file.uid(), rustix::process::getuid().as_raw());

    for host in ["localhost", "evil.com", "figshift.internal"] {
        for path in ["/livez", "/metrics", "/api/v1/state", "/api/v1/journal"] {
            let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n");
            let answer = ask(&socket, &request).await;
            assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
            assert!(answer.contains("cache-control: no-store\r\n"), "{answer}");
        }
    }
    let change = "POST /api/v1/rollback HTTP/1.1\r\nhost: x\r\norigin: http://evil.com\r\n\
                  content-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    let answer = ask(&socket, change).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(desk.in_force(), 0);

    // The port is as it was.
    let refused = desk
        .raw("GET /api/v1/state", &["host: localhost"], "")
        .await;
    assert_eq!(refused.status, 401);
    let refused = desk.raw("GET /livez", &["host: evil.com"], "").await;
    assert_eq!(refused.status, 421);

    let folder = desk.house.stop().await;
    assert!(!socket.exists(), "it ends with the house");
    drop(folder);
}

#[tokio::test]
async fn another_path_waits_for_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("admin.sock");
    let other = folder.path().join("other.sock");
    let desk = desk_at(&socket, folder).await;
    let rest = desk
        .house
        .plan
        .rest
        .replace("admin.sock", "other.sock")
        .replace("percent = 25", "percent = 30");
    let standing = desk.house.save(&rest).await;
    assert_eq!(standing.needs_restart, ["admin.socket"]);
    desk.comes_to(3_000).await;
    assert!(socket.exists() && !other.exists());
}

#[tokio::test]
async fn a_live_one_or_something_else_refuses_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let living = UnixListener::bind(at("live.sock")).unwrap();
    fs::write(at("file"), "precious").unwrap();
    for (path, why) in [
        (at("live.sock"), "somebody answers there"),
        (at("file"), "no socket"),
        (at("nowhere/admin.sock"), "there is no such folder"),
    ] {
        let plan = crate::support::house::Plan::new(format!(
            "{}[backends.a]\nendpoints = []\n[[routes]]\nname = \"a\"\nprimary = \"a\"\n",
            tables(&path)
        ));
        let started = plan.start_in(tempfile::tempdir().unwrap()).await;
        let Err(error @ StartError::Listen { .. }) = started.map(|_| ()) else {
            panic!("started at {}", path.display());
        };
        let error = error.to_string();
        has(&error, &["admin.socket: cannot listen on ", why]);
        has(&error, &[&path.display().to_string()]);
    }
    assert_eq!(fs::read_to_string(at("file")).unwrap(), "precious");
    drop(living);
}

impl Served {
    fn socket(&self) -> PathBuf {
        self.folder.path().join("admin.sock")
    }

    async fn with_socket() -> Self {
        let mut served = Self::on_disk("");
        let text = served.text() + &tables(&served.socket());
        fs::write(&served.file, text).unwrap();
        served.run(&[]).await;
        served
    }

    /// By its file alone, in which the port is 0 and so cannot be asked.
    async fn by_file(&self, args: &[&str]) -> Said {
        let file = self.file.display().to_string();
        self.elsewhere(&[args, &["--config", &file]].concat()).await
    }

    /// From a folder without a file.
    async fn elsewhere(&self, args: &[&str]) -> Said {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let folder = tempfile::tempdir().unwrap();
        bare(&args, folder.path(), &[]).await
    }
}

#[tokio::test]
async fn commands_find_it_by_the_file_or_by_its_path() {
    let mut served = Served::with_socket().await;
    let address = format!("unix:{}", served.socket().display());
    let said = served.by_file(&["status"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    has(&said.out, &[&format!("at {address}: ok, shifting")]);
    let said = served.elsewhere(&["status", "--admin", &address]).await;
    assert_eq!(said.code, 0, "no token: {said:?}");
    let args = ["rollback", "--admin", &address, "--reason", "by the socket"];
    let said = served.elsewhere(&args).await;
    assert_eq!((said.code, &*said.err), (0, ""), "{said:?}");
    has(&said.out, &["verified"]);
    assert_eq!(served.by_file(&["resume"]).await.code, 0);
    let said = served.by_file(&["shift", "all", "40"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let said = served.by_file(&["events"]).await;
    has(&said.out, &["by the socket", "resume", "all 25 % → 40 %"]);
    let health = ["health", "--admin", &address];
    let said = served.elsewhere(&health).await;
    assert_eq!((said.code, &*said.out), (0, "ok\n"), "{said:?}");
    let folder = tempfile::tempdir().unwrap();
    let env = [("FIGSHIFT_ADMIN", &*address)];
    let status = ["status".to_owned()];
    assert_eq!(bare(&status, folder.path(), &env).await.code, 0);
    // A file that is broken elsewhere still tells where it is.
    let whole = served.text();
    fs::write(&served.file, format!("{whole}[[[ broken")).unwrap();
    assert_eq!(served.by_file(&["resume"]).await.code, 0);
    fs::write(&served.file, whole).unwrap();

    served.kill();
    assert!(served.socket().exists());
    let said = served.elsewhere(&health).await;
    assert_eq!(said.code, 4, "{said:?}");
    has(&said.err, &[&address, "no answer"]);
    for wrong in ["unix:", "nothing at all"] {
        let said = served.elsewhere(&["status", "--admin", wrong]).await;
        assert_eq!(said.code, 2);
        has(&said.err, &["host:port or unix:/path"]);
    }
    // Nobody answers at what is left of it, so the port is asked, and then the files.
    let said = served.by_file(&["rollback"]).await;
    assert_eq!(said.code, 3, "{said:?}");
    has(&said.err, &["127.0.0.1:0: no answer", "KILL"]);

    // The next start takes its place.
    served.run(&[]).await;
    assert_eq!(served.by_file(&["resume"]).await.code, 0);
}

#[tokio::test]
async fn followed_events_go_on_after_a_crash() {
    let mut served = Served::with_socket().await;
    let file = served.file.display().to_string();
    let args = ["events", "-f", "--json", "--config", &file].map(str::to_owned);
    let follower = Lasting::start(&args, served.folder.path());
    assert_eq!(served.by_file(&["rollback"]).await.code, 0);
    follower.says("\"seq\":1,").await;
    served.kill();
    let waiting = "the stream broke off; waiting for it\n";
    eventually("it waits", || follower.err().contains(waiting)).await;
    served.run(&[]).await;
    assert_eq!(served.by_file(&["resume"]).await.code, 0);
    follower.says("\"seq\":2,").await;
    let lines: Vec<String> = follower.out().lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(follower.err().lines().count(), 1, "{}", follower.err());
    assert_eq!(follower.interrupt().await, 0);
}
