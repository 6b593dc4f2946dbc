//! The adapters in `config/` make of messages what their golden pairs say, and the command that compares them sees
//! what differs.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn example(name: &str) -> PathBuf {
    root().join(format!("config/adapter-{name}.toml"))
}

/// `figshift adapter` with these arguments.
fn adapter(args: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_figshift"));
    command.arg("adapter").args(args);
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may have ended by then, when it does not want it.
    let written = child.stdin.take().unwrap().write_all(input.as_bytes());
    assert!(written.is_ok() || input.is_empty() || child.try_wait().is_ok());
    child.wait_with_output().unwrap()
}

#[track_caller]
fn said(output: &Output, code: i32) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{out}{err}");
    (out, err)
}

fn test(folder: &Path, config: &Path, more: &[&str]) -> Output {
    let (folder, config) = (folder.to_str().unwrap(), config.to_str().unwrap());
    let mut args = vec!["test", folder, "--config", config];
    args.extend(more);
    adapter(&args, "")
}

fn run(config: &Path, args: &[&str], input: &str) -> Output {
    let mut all = vec!["run"];
    all.extend(args);
    all.extend(["--config", config.to_str().unwrap()]);
    adapter(&all, input)
}

/// A folder with a copy of the golden pairs of an example.
fn copy(name: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(root().join("config/golden").join(name)).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    folder
}

#[test]
fn examples_make_of_messages_what_their_pairs_say() {
    let mut names = Vec::new();
    for file in std::fs::read_dir(root().join("config")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let name = name.strip_prefix("adapter-");
        names.extend(name.and_then(|name| Some(name.strip_suffix(".toml")?.to_owned())));
    }
    assert!(names.len() >= 4, "{names:?}");
    for name in names {
        let folder = root().join("config/golden").join(&name);
        let (out, err) = said(&test(&folder, &example(&name), &[]), 0);
        let same: usize = out.split(' ').next().unwrap().parse().unwrap();
        assert!(same >= 6, "{name}: {out}{err}");
        let (list, _) = said(
            &adapter(&["check", example(&name).to_str().unwrap()], ""),
            0,
        );
        for operation in list.lines().skip(1) {
            let operation = operation.split(' ').next().unwrap();
            let is_tried = std::fs::read_dir(&folder).unwrap().any(|file| {
                let file = file.unwrap().file_name().into_string().unwrap();
                file.starts_with(&format!("{operation}."))
            });
            assert!(is_tried, "{operation} has no pair");
        }
    }
}

#[test]
fn a_difference_is_told_with_its_place() {
    let folder = copy("tgi");
    let edit = |name: &str, from: &str, to: &str| {
        let file = folder.path().join(name);
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{name}: {text}");
        std::fs::write(file, text.replace(from, to)).unwrap();
    };
    edit(
        "tgi.generate.request.all.out.json",
        "18446744073709551615",
        "18446744073709551614",
    );
    edit("tgi.stream.event.whole.out.sse", " weit", " breit");
    edit("tgi.generate.request.grammar.fault.txt", "grammar", "lama");
    edit("tgi.generate.request.plain.head.txt", "POST", "GET");
    let (out, _) = said(&test(folder.path(), &example("tgi"), &[]), 1);
    for line in [
        ".seed: expected 18446744073709551614, got 18446744073709551615",
        "tgi.stream.event.whole: differs\n    body, line 5:",
        "fault, line 1:",
        "head, line 1:\n      expected GET /v1/completions\n      got      POST /v1/completions",
        "14 same, 4 differ\n",
    ] {
        assert!(out.contains(line), "{line}\n{out}");
    }
    let (out, _) = said(&test(folder.path(), &example("tgi"), &["--update"]), 0);
    assert_eq!(out, "14 same, 4 written\n");
    let (out, _) = said(&test(folder.path(), &example("tgi"), &[]), 0);
    assert_eq!(out, "18 same\n");
}

#[test]
fn files_that_mean_nothing_are_problems() {
    let folder = copy("runpod");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("notes.txt", "");
    write("runpod.stauts.response.in.json", "{}");
    write("runpd.status.response.in.json", "{}");
    write("runpod.status.answer.in.json", "{}");
    write("runpod.status.response.alone.out.json", "{}");
    write(
        "runpod.status.response.unsaid.in.json",
        r#"{"state":"done"}"#,
    );
    write(
        "runpod.status.response.unsaid.vars.json",
        r#"{"path":{"id":"1"}}"#,
    );
    write("runpod.status.request.lost.in.json", "");
    write("runpod.status.error.good.in.json", "{}");
    write(
        "runpod.status.error.good.vars.json",
        r#"{"path":{"id":"1"},"status":200}"#,
    );
    write("runpod.run.request.odd.in.json", "{}");
    write("runpod.run.request.odd.vars.json", r#"{"pth":{}}"#);
    write("runpod.run.event.in.sse", "data: 1\n\n");
    let (out, err) = said(&test(folder.path(), &example("runpod"), &[]), 2);
    assert!(out.ends_with("19 same, 10 problems\n"), "{out}{err}");
    for line in [
        "notes.txt: a file here ends in",
        "there is no operation of `runpod` `stauts`\n    hint: did you mean `status`?",
        "there is no adapter `runpd`\n    hint: did you mean `runpod`?",
        "`answer` is no direction",
        "runpod.status.response.alone: there is no .in.json",
        "runpod.status.response.unsaid: nobody has said what comes out",
        "nothing is given for `{id}` of the path",
        "nothing runs for it with status 200",
        "there is no `pth`",
        "the operation has no events",
    ] {
        assert!(err.contains(line), "{line}\n{err}");
    }
    let empty = tempfile::tempdir().unwrap();
    let (_, err) = said(&test(empty.path(), &example("runpod"), &[]), 2);
    assert!(err.contains("there are no .in.json here"), "{err}");
}

#[test]
fn a_message_is_shown_as_it_would_be_sent() {
    let tgi = example("tgi");
    let body = r#"{"inputs":"a","parameters":{"seed":9007199254740993}}"#;
    let made =
        r#"{"model":"m","prompt":"a","max_tokens":100,"temperature":0,"seed":9007199254740993}"#;
    let (out, err) = said(&run(&tgi, &["tgi.generate", "request"], body), 0);
    assert_eq!((out.as_str(), err.as_str()), (made, ""));

    let args = [
        "runpod.cancel",
        "request",
        "--head",
        "--path",
        "id=a b",
        "--query",
        "x=1&2",
        "-H",
        "x-user: 7",
    ];
    let (out, _) = said(&run(&example("runpod"), &args, "{}"), 0);
    let head =
        "DELETE /v1/jobs/a%20b?x=1%262\naccept-encoding: identity\nx-api-key: ***\nx-user: 7\n\n";
    assert_eq!(out, head);

    let args = ["tgi.generate", "error", "--status", "503", "--head"];
    let (out, _) = said(&run(&tgi, &args, "<html>"), 0);
    assert!(out.starts_with("429\n"), "{out}");
    assert!(out.ends_with("\"error_type\":\"overloaded\"}"), "{out}");
}

#[test]
fn a_message_that_cannot_be_adapted_says_why_and_what_then() {
    let tgi = example("tgi");
    let body = r#"{"inputs":"a","parameters":{"watermark":true}}"#;
    let (out, err) = said(&run(&tgi, &["tgi.generate", "request"], body), 1);
    assert_eq!(out, "");
    assert!(
        err.contains("adapters.tgi.operations.generate.request: the program ended in an error: the candidate has no `watermark`"),
        "{err}"
    );
    assert!(err.contains("to the other side"), "{err}");
    let stream = "data: {\"choices\":[{\"text\":\"a\"}]}\n\ndata: x\n\n";
    let (out, err) = said(&run(&tgi, &["tgi.stream", "event"], stream), 1);
    assert!(out.starts_with("data: {") && out.ends_with("\n\n"), "{out}");
    assert!(
        err.contains("not JSON") && err.contains("break off"),
        "{err}"
    );

    for (args, line) in [
        (["tgi.generat", "request"], "did you mean `generate`?"),
        (["tgj.generate", "request"], "did you mean `tgi`?"),
        (["tgi", "request"], "`tgi` is no operation"),
        (
            ["tgi.generate", "answer"],
            "[possible values: request, response, error, event]",
        ),
        (["tgi.generate", "event"], "the operation has no events"),
    ] {
        let (_, err) = said(&run(&tgi, &args, "{}"), 2);
        assert!(err.contains(line), "{args:?}\n{err}");
    }
}

#[test]
fn a_program_that_is_not_accepted_is_a_problem_at_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("f.toml");
    let text = std::fs::read_to_string(example("runpod")).unwrap();
    let broken = text.replace("$path.id", "$paht.id");
    assert_ne!(text, broken);
    std::fs::write(&file, broken).unwrap();
    let (_, err) = said(&adapter(&["check", file.to_str().unwrap()], ""), 2);
    let place = "adapters.runpod.operations.cancel.response: there is no variable `$paht`";
    assert!(err.contains(place), "{err}");
    assert!(err.contains("1 problem"), "{err}");
}
