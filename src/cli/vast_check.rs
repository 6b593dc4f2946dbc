//! `figshift vast check`: from the key to the answer of every instance, what is wrong and what helps.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::json;
use tokio::task::JoinSet;

use super::Exit;
use super::finding::{Findings, count};
use super::knock::knock;
use super::print::{print, print_json};
use super::serve::{on_control_runtime, say};
use super::tenant::{Tenant, choice, instances, price, read, rented, tenants};
use super::vast_ls::ends_soon;
use crate::config::Loaded;
use crate::config::model::{Scheme, VastDiscovery};
use crate::control::{addresses as addresses_of, found_now, key_of, read_files, selects};
use crate::snapshot::{Addresses, Backend, Snapshot, compile};
use crate::vast::{Instance, KeySource, Standing, Trouble, TroubleKind, Vast};

/// So many labels are told.
const MOST_LABELS: usize = 12;
/// With less, all instances are stopped within hours.
const LITTLE_CREDIT: f64 = 5.0;

/// The arguments.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The configuration file; figshift.toml unless given.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Looks at everything between the key and an answer.
pub(super) fn run(args: &Check) -> Exit {
    let (path, loaded) = match read(args.config.as_ref()) {
        Ok(Some(file)) => file,
        Ok(None) => {
            let problem = "there is no figshift.toml here: name the file by --config";
            return say(problem, Exit::BadInput);
        }
        Err(problem) => return say(&problem, Exit::BadInput),
    };
    let rented = rented(&loaded.config);
    if rented.is_empty() {
        let problem = format!(
            "{}: no backend has `discover.vastai`\n  hint: write [backends.NAME.discover.vastai] with a label and a port",
            path.display()
        );
        return say(&problem, Exit::BadInput);
    }
    on_control_runtime(async {
        match check(&path, &loaded, &rented).await {
            Ok(all) => {
                let exit = all.exit();
                exit.after(match args.json {
                    true => print_json(&json!({"findings": all.list(), "exit": exit as u8})),
                    false => print(&all.text()),
                })
            }
            Err(problem) => say(&problem, Exit::BadInput),
        }
    })
}

/// # Errors
///
/// A file that the configuration names cannot be used.
async fn check(
    path: &Path,
    loaded: &Loaded,
    rented: &[(&str, &VastDiscovery)],
) -> Result<Findings, String> {
    // Certificates first: without them there is nothing to connect with.
    let config = &loaded.config;
    let material =
        read_files(path, config, &loaded.text).map_err(|problems| problems.to_string())?;
    let mut all = Findings::default();
    let mut addresses = Addresses::new();
    let mut known: Vec<(&str, &VastDiscovery, Vec<Instance>)> = Vec::new();
    for tenant in tenants(rented) {
        let Some(instances) = look(&tenant, &mut all).await else {
            continue;
        };
        for (name, vastai) in rented {
            if tenant.backends.iter().any(|own| own == name) {
                let own = instances
                    .iter()
                    .filter(|instance| selects(vastai, instance));
                let own: Vec<_> = own.cloned().collect();
                addresses.insert((*name).to_owned(), addresses_of(&found_now(vastai, &own)));
                if own.is_empty() {
                    all.append(nobody(name, vastai, &instances));
                } else {
                    known.push((name, vastai, own));
                }
            }
        }
    }
    let snapshot = compile(config, &material, &addresses, &Snapshot::empty(), 1);
    let snapshot = snapshot.map_err(|unsound| unsound.to_string())?;
    for (name, vastai, own) in known {
        let backend = snapshot
            .backends
            .iter()
            .find(|backend| *backend.name == *name);
        if let Some(backend) = backend {
            all.append(of_backend(backend, vastai, own).await);
        }
    }
    Ok(all)
}

/// The key, and what it may do; all instances, if they can be had.
async fn look(tenant: &Tenant, all: &mut Findings) -> Option<Vec<Instance>> {
    let names: Vec<_> = tenant
        .backends
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    let mut own = Findings::about(format!(
        "account at {}, for {}",
        tenant.api,
        names.join(", ")
    ));
    let found = of_account(tenant, &mut own).await;
    all.append(own);
    found
}

async fn of_account(tenant: &Tenant, own: &mut Findings) -> Option<Vec<Instance>> {
    let Some((vast, source)) = &tenant.key else {
        own.wrong(
            "key",
            "there is none: not in `api_key`, not in VAST_API_KEY, not in a file of the `vastai` command",
            "set VAST_API_KEY, or run `vastai set api-key KEY`; keys are made at https://console.vast.ai",
        );
        return None;
    };
    let instances = match instances(vast).await {
        Ok(instances) => instances,
        Err(trouble) => {
            refused(source, &trouble, own);
            return None;
        }
    };
    own.ok("key", format!("from {source}, accepted"));
    if let KeySource::Session(_) = source {
        own.odd(
            "key",
            "it is that of a session, which ends by itself",
            "make a key for figshift with the scope instance_read, and set it in VAST_API_KEY",
        );
    }
    let running = instances.iter();
    let running = running.filter(|instance| instance.standing() == Standing::Runs);
    let (all, running) = (count(instances.len(), "instance"), running.count());
    own.ok("list", format!("{all}, of which {running} run"));
    credit(vast, own).await;
    Some(instances)
}

fn refused(source: &KeySource, trouble: &Trouble, own: &mut Findings) {
    let text = trouble.to_string();
    match trouble.kind() {
        TroubleKind::Key => own.wrong(
            "key",
            format!("from {source}, refused: {text}"),
            trouble.hint(),
        ),
        TroubleKind::Scope => {
            own.ok("key", format!("from {source}, known"));
            own.wrong(
                "scope",
                format!("it may not list instances: {text}"),
                trouble.hint(),
            );
        }
        _ if trouble.may_pass() => {
            own.ok("key", format!("from {source}, not tried"));
            own.unreachable("list", text, trouble.hint());
        }
        _ => {
            own.ok("key", format!("from {source}"));
            own.wrong("list", text, trouble.hint());
        }
    }
}

/// What is left to pay with, which a key for discovery need not be able to tell.
async fn credit(vast: &Vast, own: &mut Findings) {
    match vast.account().await {
        Ok(account) => match account.credit {
            Some(credit) if credit < LITTLE_CREDIT => own.odd(
                "credit",
                format!("${credit:.2} are left"),
                "pay some in, or set up autobilling: without credit all instances are stopped",
            ),
            Some(credit) => own.ok("credit", format!("${credit:.2} are left")),
            None => own.ok("scope", "instance_read and user_read"),
        },
        Err(trouble) if trouble.kind() == TroubleKind::Scope => {
            own.ok(
                "scope",
                "instance_read, which is enough; not user_read, so the credit is unknown",
            );
        }
        Err(trouble) => own.odd("credit", trouble.to_string(), trouble.hint()),
    }
}

/// No instance is meant: what there is instead.
fn nobody(name: &str, vastai: &VastDiscovery, instances: &[Instance]) -> Findings {
    let mut own = Findings::about(heading(name, vastai)).of(name, None);
    let mut labels: BTreeMap<&str, usize> = BTreeMap::new();
    for instance in instances {
        *labels
            .entry(instance.label.as_deref().unwrap_or_default())
            .or_default() += 1;
    }
    let told = labels
        .iter()
        .take(MOST_LABELS)
        .map(|(label, n)| match *label {
            "" => format!("none ({n})"),
            label => format!("{label:?} ({n})"),
        });
    let told = told.collect::<Vec<_>>().join(", ");
    let there = match labels.len() {
        0 => "the account has no instances".to_owned(),
        n if n > MOST_LABELS => format!("labels that exist: {told} and {} more", n - MOST_LABELS),
        _ => format!("labels that exist: {told}"),
    };
    let remedy = match instances.is_empty() {
        true => "rent one, with this label; or use the key of the account that has it",
        false => {
            "correct the choice in `discover.vastai`, or give an instance the label: `vastai label instance ID LABEL`"
        }
    };
    own.wrong(
        "match",
        format!("no instance has {}; {there}", choice(vastai)),
        remedy,
    );
    own
}

fn heading(name: &str, vastai: &VastDiscovery) -> String {
    let scheme = vastai.scheme.as_str();
    format!(
        "backend `{name}`: {}, port {}, {scheme}",
        choice(vastai),
        vastai.port
    )
}

async fn of_backend(
    backend: &Arc<Backend>,
    vastai: &VastDiscovery,
    instances: Vec<Instance>,
) -> Findings {
    let mut own = Findings::about(heading(&backend.name, vastai)).of(&backend.name, None);
    own.ok("match", count(instances.len(), "instance"));
    let missing = vastai
        .ids
        .iter()
        .filter(|id| instances.iter().all(|known| known.id != **id));
    let missing: Vec<_> = missing.map(u64::to_string).collect();
    if !missing.is_empty() {
        let text = format!(
            "not found, or without the label or template: {}",
            missing.join(", ")
        );
        own.partly("match", text, "remove them from `ids`, or rent them again");
    }
    if vastai.scheme == Scheme::Http {
        own.odd(
            "scheme",
            "plain HTTP over the public network: who is between can read it",
            "set ENABLE_HTTPS=true in the instances and write scheme = \"https\" here, with `tls.ca`",
        );
    } else if backend
        .connector
        .as_ref()
        .is_some_and(|_| vastai.scheme == Scheme::Https)
    {
        own.ok("scheme", "https");
    }
    // At the same time: one that hangs shall not keep the others waiting.
    let mut asking = JoinSet::new();
    for (index, instance) in instances.into_iter().enumerate() {
        let (backend, port) = (Arc::clone(backend), vastai.port);
        asking.spawn(async move { (index, of_instance(&backend, port, &instance).await) });
    }
    let mut of_instances: Vec<(usize, Findings)> = asking.join_all().await;
    of_instances.sort_by_key(|(index, _)| *index);
    let good = of_instances
        .iter()
        .filter(|(_, findings)| findings.is_good())
        .count();
    match good {
        0 => own.wrong(
            "serves",
            format!("none of {} can serve", of_instances.len()),
            "see below",
        ),
        good => own.ok("serves", format!("{good} of {}", of_instances.len())),
    }
    for (_, findings) in of_instances {
        own.append(findings);
    }
    own
}

async fn of_instance(backend: &Backend, port: u16, instance: &Instance) -> Findings {
    let gpu = match (&instance.gpu_name, instance.num_gpus) {
        (Some(name), Some(n)) if n > 1 => format!(", {n}x {name}"),
        (Some(name), _) => format!(", {name}"),
        _ => String::new(),
    };
    let dollars = price(instance).map(|dollars| format!(", ${dollars:.4}/h"));
    let dollars = dollars.unwrap_or_default();
    let mut own = Findings::about(format!(
        "instance {} of backend `{}`{gpu}{dollars}",
        instance.id, backend.name
    ))
    .of(&backend.name, Some(instance.id));
    if !of_state(instance, &mut own) {
        return own;
    }
    if let Some(soon) = ends_soon(instance) {
        own.odd(
            "rental",
            soon,
            "extend it, or rent another one: it is stopped then",
        );
    }
    if !of_ports(port, instance, &mut own) {
        return own;
    }
    let key = key_of(instance.id);
    let member = backend
        .members
        .iter()
        .find(|member| *member.endpoint.key == *key);
    if let Some(member) = member {
        knock(backend, member, &mut own).await;
    }
    own
}

/// Whether it is worth while to go on.
fn of_state(instance: &Instance, own: &mut Findings) -> bool {
    let standing = instance.standing();
    let says = instance
        .status_msg
        .as_ref()
        .filter(|_| standing != Standing::Runs);
    let says = says
        .map(|says| format!("; its host says: {says}"))
        .unwrap_or_default();
    let text = format!("it {}{says} ({})", standing.why(), instance.words());
    match standing {
        Standing::Runs => own.ok("state", text),
        Standing::Waits(_) => own.partly("state", text, "wait; if it lasts, see what its host says, or rent another one"),
        Standing::Preempted => {
            let bid = instance.min_bid.map(|bid| format!("bid ${bid:.4}/h or more"));
            let bid = bid.unwrap_or_else(|| "bid more".to_owned());
            let remedy = format!(
                "it comes back by itself when nobody bids more: {bid}, wait, or rent one on demand; its storage is paid meanwhile"
            );
            own.partly("state", text, &remedy);
        }
        Standing::Out(_) => own.partly(
            "state",
            text,
            "start it (`vastai start instance ID`), or destroy it: its storage is paid as long as it exists",
        ),
        Standing::Unsure(_) => own.partly("state", text, "wait a minute; if it lasts, rent another one"),
    }
    matches!(standing, Standing::Runs | Standing::Unsure(_))
}

/// Whether there is an address to go to.
fn of_ports(port: u16, instance: &Instance, own: &mut Findings) -> bool {
    if let Some(at) = instance.address_of(port) {
        own.ok("port", format!("{port} is {at}"));
        return true;
    }
    if instance.direct_port_count == Some(0) {
        own.wrong(
            "port",
            "its host has no direct ports, so only SSH can reach it",
            "destroy it, and rent one whose offer has direct_port_count of 1 or more",
        );
    } else if instance.ports.is_empty() || instance.address.is_none() {
        own.partly(
            "port",
            "no port is mapped yet",
            "wait; ports appear some seconds after the start",
        );
    } else {
        let mapped: Vec<_> = instance.ports.keys().map(u16::to_string).collect();
        let mapped = mapped.join(", ");
        let text = format!("{port} is not mapped; these are: {mapped}");
        let remedy = format!(
            "ports are fixed when an instance is made: make it again with `-p {port}:{port}`, or write the port \
             that the service has into `discover.vastai.port`"
        );
        own.wrong("port", text, remedy);
    }
    false
}
