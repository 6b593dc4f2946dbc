//! The examples in the documents are real: every TOML block that is a whole file passes the check.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use figshift::config::{EmptyEnv, parse};

/// All documents, by their path in the repository.
fn documents() -> Vec<String> {
    let root = env!("CARGO_MANIFEST_DIR");
    let mut names: Vec<_> = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"]
        .map(str::to_owned)
        .into();
    for file in std::fs::read_dir(format!("{root}/docs")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        names.push(format!("docs/{name}"));
    }
    names
}

/// The ```toml blocks of a document.
fn blocks(text: &str) -> Vec<String> {
    text.split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

#[test]
fn toml_blocks_pass_the_check() {
    let mut checked = 0;
    for name in documents() {
        let path = format!("{}/{name}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap();
        for block in blocks(&text) {
            if let Err(problems) = parse(&block, &name, &EmptyEnv) {
                panic!("{name}:\n{block}\n{problems}");
            }
            checked += 1;
        }
    }
    assert!(checked > 0, "the README must have an example");
}

/// A reason that the README does not explain helps nobody.
#[test]
fn every_reason_is_explained() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    for fault in figshift::stats::Fault::ALL {
        let row = format!("| `{}` |", fault.as_str());
        assert!(readme.contains(&row), "{row} is missing");
    }
    for class in figshift::stats::Class::ALL {
        let name = format!("`{}`", class.as_str());
        assert!(readme.contains(&name), "{name} is missing");
    }
}

/// The words of guard and ramp, in metrics and answers.
#[test]
fn every_state_and_order_is_named() {
    use figshift::control::{Blame, GuardPhase, Order};
    use figshift::policy::ramp::State;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let phases = GuardPhase::ALL.map(GuardPhase::as_str);
    let blames = Blame::ALL.map(Blame::as_str);
    let orders = Order::ALL.map(Order::as_str);
    let words = phases.iter().chain(&blames).chain(&orders);
    for word in words.chain(&State::NAMES) {
        assert!(readme.contains(&format!("`{word}`")), "{word} is missing");
    }
}

/// The lines `key=value` of a unit, by section.
fn unit(name: &str) -> Vec<(String, String, String)> {
    let path = format!("{}/deploy/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut section = String::new();
    let mut lines = Vec::new();
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("{line}"));
        lines.push((section.clone(), key.to_owned(), value.to_owned()));
    }
    lines
}

/// A unit that starts something else than what there is would be found out in production.
#[test]
fn the_units_start_what_there_is() {
    use clap::Parser as _;
    let value = |unit: &[(String, String, String)], section: &str, key: &str| {
        let mut lines = unit
            .iter()
            .filter(|(at, name, _)| at == section && name == key);
        let (_, _, value) = lines
            .next()
            .unwrap_or_else(|| panic!("no {key} in [{section}]"));
        assert!(lines.next().is_none(), "{key} twice");
        value.clone()
    };
    let service = unit("figshift.service");
    let socket = unit("figshift.socket");
    let start = value(&service, "Service", "ExecStart");
    figshift::cli::Args::try_parse_from(start.split(' ')).unwrap();
    assert_eq!(value(&service, "Service", "Type"), "notify");
    assert_eq!(value(&service, "Service", "Sockets"), "figshift.socket");
    assert_eq!(value(&socket, "Socket", "FileDescriptorName"), "http");
    let address = value(&socket, "Socket", "ListenStream");
    address.parse::<std::net::SocketAddr>().unwrap();
}

/// What systemd says to them, where there is one.
#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    let folder = tempfile::tempdir().unwrap();
    let deploy = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    let mut files = Vec::new();
    for name in ["figshift.socket", "figshift.service"] {
        let text = std::fs::read_to_string(deploy.join(name)).unwrap();
        // It looks whether the program is there.
        let text = text.replace("/usr/local/bin/figshift", "/bin/true");
        files.push(folder.path().join(name));
        std::fs::write(files.last().unwrap(), text).unwrap();
    }
    let mut verify = std::process::Command::new("systemd-analyze");
    let verify = verify.arg("verify").args(&files);
    match verify.env("SYSTEMD_LOG_TARGET", "console").output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let about_us: Vec<_> = said
                .lines()
                .filter(|line| line.contains("figshift"))
                .collect();
            assert!(about_us.is_empty(), "{said}");
        }
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
    }
}
