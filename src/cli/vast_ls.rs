//! `figshift vast ls`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::Args;
use serde_json::{Value, json};

use super::Exit;
use super::columns::{Side, columns, plain};
use super::print::{print, print_json};
use super::serve::{on_control_runtime, say};
use super::tenant::{instances, price, read, rented, tenants};
use crate::config::model::VastDiscovery;
use crate::control::selects;
use crate::vast::{Instance, Standing};

/// A rental that ends sooner is worth a word.
const SOON: Duration = Duration::from_secs(48 * 3600);

/// The arguments.
#[derive(Debug, Args)]
pub(super) struct Ls {
    /// The configuration file; figshift.toml, if it is there, unless given.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// An instance, and the backends that take it.
struct Shown {
    instance: Instance,
    /// Each with its port.
    backends: Vec<(String, u16)>,
}

/// Shows the instances of all accounts that the file means.
pub(super) fn run(args: &Ls) -> Exit {
    let file = match read(args.config.as_ref()) {
        Ok(file) => file,
        Err(problem) => return say(&problem, Exit::BadInput),
    };
    on_control_runtime(async {
        let config = file.as_ref().map(|(_, loaded)| &loaded.config);
        let rented = config.map(rented).unwrap_or_default();
        let mut shown: BTreeMap<u64, Shown> = BTreeMap::new();
        let (mut good, mut exit) = (0, Exit::Done);
        for tenant in tenants(&rented) {
            let Some((vast, _)) = &tenant.key else {
                exit = say(NO_KEY, Exit::No);
                continue;
            };
            match instances(vast).await {
                Ok(all) => {
                    good += 1;
                    let own = |name: &str| tenant.backends.iter().any(|known| known == name);
                    let own = rented.iter().filter(|(name, _)| own(name));
                    add(&mut shown, all, &own.copied().collect::<Vec<_>>());
                }
                Err(trouble) => {
                    let code = match trouble.may_pass() {
                        true => Exit::Unreachable,
                        false => Exit::No,
                    };
                    let hint = trouble.hint();
                    exit = say(&format!("{}{trouble}\n  remedy: {hint}", tenant.api), code);
                }
            }
        }
        if good == 0 {
            return exit;
        }
        let exit = match exit {
            Exit::Done => Exit::Done,
            _ => Exit::Partial,
        };
        let shown: Vec<_> = shown.into_values().collect();
        exit.after(match args.json {
            true => print_json(&shown.iter().map(Shown::json).collect::<Vec<_>>()),
            false => print(&table(&shown)),
        })
    })
}

/// What to say without a key.
const NO_KEY: &str = "no API key of Vast.ai: set VAST_API_KEY, write `api_key` into `discover.vastai`, or run \
                      `vastai set api-key KEY`, which keeps it in ~/.config/vastai/vast_api_key";

fn add(shown: &mut BTreeMap<u64, Shown>, all: Vec<Instance>, rented: &[(&str, &VastDiscovery)]) {
    for instance in all {
        let takers = rented
            .iter()
            .filter(|(_, vastai)| selects(vastai, &instance));
        let takers: Vec<_> = takers
            .map(|(name, vastai)| ((*name).to_owned(), vastai.port))
            .collect();
        let place = shown.entry(instance.id).or_insert(Shown {
            instance,
            backends: Vec::new(),
        });
        place.backends.extend(takers);
    }
}

fn table(shown: &[Shown]) -> String {
    if shown.is_empty() {
        return "no instances\n".to_owned();
    }
    let head = [
        ("ID", Side::Right),
        ("LABEL", Side::Left),
        ("BACKEND", Side::Left),
        ("STATE", Side::Left),
        ("STATUS", Side::Left),
        ("GPU", Side::Left),
        ("$/H", Side::Right),
        ("INTERRUPTIBLE", Side::Left),
        ("ADDRESS", Side::Left),
        ("NOTE", Side::Left),
    ];
    let rows: Vec<_> = shown.iter().map(Shown::row).collect();
    columns(head, &rows)
}

impl Shown {
    fn row(&self) -> [String; 10] {
        let instance = &self.instance;
        let dash = || "-".to_owned();
        let names: Vec<_> = self
            .backends
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        let gpu = match (instance.num_gpus, &instance.gpu_name) {
            (Some(n), Some(name)) if n > 1 => format!("{n}x {name}"),
            (_, Some(name)) => name.clone(),
            _ => dash(),
        };
        let addresses = self.addresses();
        let addresses: Vec<_> = addresses
            .iter()
            .map(|(port, at)| format!("{port}={at}"))
            .collect();
        let or_dash = |text: String| if text.is_empty() { dash() } else { text };
        [
            instance.id.to_string(),
            instance.label.as_deref().map_or_else(dash, plain),
            or_dash(names.join(",")),
            instance.standing().word().to_owned(),
            instance.words(),
            gpu,
            price(instance).map_or_else(dash, |dollars| format!("{dollars:.4}")),
            if instance.is_interruptible {
                "yes"
            } else {
                "no"
            }
            .to_owned(),
            or_dash(addresses.join(" ")),
            note(instance),
        ]
    }

    /// Of the ports that backends ask for; without any, of all that are mapped.
    fn addresses(&self) -> BTreeMap<u16, String> {
        let asked: Vec<_> = self.backends.iter().map(|(_, port)| *port).collect();
        let ports = match asked.is_empty() {
            true => self.instance.ports.keys().copied().collect(),
            false => asked,
        };
        let at = |port| Some((port, self.instance.address_of(port)?.to_string()));
        ports.into_iter().filter_map(at).collect()
    }

    fn json(&self) -> Value {
        let instance = &self.instance;
        let standing = instance.standing();
        let backends: Vec<_> = self.backends.iter().map(|(name, _)| name).collect();
        json!({
            "id": instance.id, "label": instance.label, "backends": backends,
            "state": standing.word(), "why": standing.why(),
            "actual_status": instance.actual_status, "intended_status": instance.intended_status,
            "cur_state": instance.cur_state, "next_state": instance.next_state,
            "status_msg": instance.status_msg,
            "gpu_name": instance.gpu_name, "num_gpus": instance.num_gpus,
            "dollars_per_hour": price(instance),
            "running_dollars_per_hour": instance.dollars_per_hour,
            "interruptible": instance.is_interruptible,
            "addresses": self.addresses(), "direct_port_count": instance.direct_port_count,
            "static_ip": instance.static_ip, "reliability": instance.reliability,
            "geolocation": instance.geolocation, "end_date": instance.end_date,
        })
    }
}

/// What an operator should know.
fn note(instance: &Instance) -> String {
    let standing = instance.standing();
    let mut notes = Vec::new();
    if standing != Standing::Runs {
        notes.push(standing.why().to_owned());
        notes.extend(instance.status_msg.clone());
    }
    if instance.direct_port_count == Some(0) {
        notes.push("its host has no direct ports".to_owned());
    }
    notes.extend(ends_soon(instance));
    notes.join("; ")
}

/// `the rental ends in 5 h`.
pub(super) fn ends_soon(instance: &Instance) -> Option<String> {
    let end = Duration::try_from_secs_f64(instance.end_date?).ok()?;
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()?;
    let left = end.checked_sub(now).filter(|left| *left < SOON)?;
    Some(format!("the rental ends in {} h", left.as_secs() / 3600))
}
