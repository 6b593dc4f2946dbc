//! Programs and what they give, as jq does. A row is: program, input, outputs (with spaces between),
//! or `!` and a part of the error.

use std::time::Duration;

use super::*;

const LIMITS: Limits = Limits {
    time: Duration::from_secs(60),
    steps: 1_000_000,
    bytes: 1 << 20,
};

fn outputs(program: &str, input: &str) -> String {
    let filter = match Filter::compile(program, &["model", "now"]) {
        Ok(filter) => filter,
        Err(refused) => return format!("refused {refused}"),
    };
    let variables = [Val::from("gpt"), Val::from(17_i64)];
    let input = Val::parse(input.as_bytes()).unwrap();
    match filter.run_many(input, &variables, &LIMITS, 100) {
        Ok(outputs) => {
            let print = |value: &Val| {
                let mut text = Vec::new();
                value.write(&mut text);
                String::from_utf8(text).unwrap()
            };
            outputs.iter().map(print).collect::<Vec<_>>().join(" ")
        }
        Err(fault) => format!("! {}", fault.detail()),
    }
}

#[test]
fn programs_give_what_jq_gives() {
    let mut wrong = String::new();
    let mut rows = 0;
    for row in include_str!("conformance.txt").lines() {
        if row.is_empty() || row.starts_with('#') {
            continue;
        }
        let parts: Vec<&str> = row.split(" ;; ").collect();
        let [program, input, wanted] = parts[..] else {
            panic!("a row has three parts: {row}");
        };
        rows += 1;
        let given = outputs(program, input);
        let fits = match wanted.strip_prefix("! ") {
            Some(part) => given.starts_with('!') && given.contains(part),
            None => given == wanted,
        };
        if !fits {
            wrong += &format!("{program} of {input}\n  wanted {wanted}\n  given  {given}\n");
        }
    }
    assert!(rows >= 120, "{rows} rows");
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn variables_come_from_outside_and_are_known() {
    let filter = Filter::compile("{m: $model}", &["model", "now"]).unwrap();
    assert!(filter.uses("model") && !filter.uses("now"));
    let run = |variables: &[Val]| {
        filter
            .run(Val::Null, variables, &LIMITS)
            .unwrap()
            .to_string()
    };
    assert_eq!(run(&[Val::from("x"), Val::Null]), r#"{"m":"x"}"#);
    assert_eq!(run(&[]), r#"{"m":null}"#);
}

#[test]
fn one_output_is_wanted_or_a_few() {
    let run = |program: &str| {
        let filter = Filter::compile(program, &[]).unwrap();
        filter
            .run(Val::Null, &[], &LIMITS)
            .map_err(|fault| fault.label())
    };
    assert_eq!(run("1").unwrap(), Val::from(1_i64));
    assert_eq!(run("empty"), Err("no_output"));
    assert_eq!(run("1, 2"), Err("many_outputs"));
    assert_eq!(run("error(\"x\")"), Err("failed"));
    let filter = Filter::compile("range(5)", &[]).unwrap();
    let most = |most| {
        filter
            .run_many(Val::Null, &[], &LIMITS, most)
            .map(|all| all.len())
    };
    assert_eq!(most(5), Ok(5));
    assert_eq!(most(4), Err(Fault::ManyOutputs));
}

#[test]
fn what_a_program_quotes_is_not_logged() {
    let filter = Filter::compile(".a.b", &[]).unwrap();
    let input = Val::parse(br#"{"a":"secret prompt"}"#).unwrap();
    let fault = filter.run(input, &[], &LIMITS).unwrap_err();
    assert!(!format!("{fault} {fault:?}").contains("secret"));
    assert!(fault.detail().contains("secret prompt"));
}

#[test]
fn a_filter_is_shared_between_threads() {
    fn is_shared<T: Send + Sync + 'static>() {}
    is_shared::<Filter>();
    is_shared::<Val>();
    is_shared::<Fault>();
}
