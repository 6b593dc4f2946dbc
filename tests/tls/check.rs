//! `figshift check` looks into the files that a file names.

use std::path::Path;
use std::process::Command;

use crate::support::tls::{Authority, Issued};

/// The exit code and what was said.
fn check(file: &Path, flags: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_figshift"));
    let output = command.arg("check").args(flags).arg(file).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap(),
        String::from_utf8(said).unwrap(),
    )
}

#[test]
fn all_bad_files_are_told_at_their_places() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let files = Authority::new().issue(&["a"]).write(folder, "a");
    let other = Issued::by_itself(&["b"]).write(folder, "b");
    let file = folder.join("figshift.toml");
    let text = |key: &Path, ca: &Path| {
        format!(
            "[listen]\nhttp = \"127.0.0.1:0\"\nhttps = \"127.0.0.1:0\"\n[listen.tls]\n\
             certificates = [{{ cert = {:?}, key = {key:?} }}]\n\
             [backends.a]\nendpoints = [\"https://a\"]\n[backends.a.tls]\n\
             ca = [\"system\", {ca:?}]\n[backends.b]\nendpoints = [\"https://b\"]\ntls.insecure = true\n\
             [[routes]]\nname = \"r\"\nprimary = \"a\"\n",
            files.cert
        )
    };
    std::fs::write(&file, text(&other.key, &folder.join("none.pem"))).unwrap();
    let (code, said) = check(&file, &[]);
    assert_eq!(code, 2, "{said}");
    let name = file.display();
    for part in [
        format!("{name}:5:"),
        "listen.tls.certificates[0].key:".to_owned(),
        "it is not the key of the certificate in".to_owned(),
        format!("{name}:9:"),
        "backends.a.tls.ca[1]:".to_owned(),
        "none.pem: cannot read the file".to_owned(),
        "hint: check the path and the permissions".to_owned(),
        "2 problems".to_owned(),
    ] {
        assert!(said.contains(&part), "{part}\n{said}");
    }
    let (code, said) = check(&file, &["--no-files"]);
    assert_eq!(code, 0, "{said}");
    std::fs::write(&file, text(&files.key, &files.cert)).unwrap();
    let (code, said) = check(&file, &[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("note: backend `b` is insecure"), "{said}");
}

#[tokio::test]
async fn a_house_does_not_start_with_a_bad_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("figshift.toml");
    let text = "[listen]\nhttp = \"127.0.0.1:0\"\nhttps = \"127.0.0.1:0\"\n\
                tls.certificates = [{ cert = \"/nowhere/a\", key = \"/nowhere/b\" }]\n\
                [backends.a]\nendpoints = []\n[[routes]]\nname = \"r\"\nprimary = \"a\"\n";
    std::fs::write(&file, text).unwrap();
    let started = figshift::app::App::start(&file, None).await;
    let error = started.err().unwrap().to_string();
    assert!(
        error.contains("/nowhere/a: cannot read the file"),
        "{error}"
    );
}
