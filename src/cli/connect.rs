//! `figshift check --connect`: after the files, the way to every endpoint.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use tokio::task::JoinSet;

use super::Exit;
use super::check::summary;
use super::finding::{Findings, count};
use super::knock::knock;
use super::print::{print, print_json};
use super::serve::{on_control_runtime, say};
use super::serverless::of_workers;
use super::tenant::{instances, rented, tenants};
use crate::config::model::{Discover, ServerlessMode};
use crate::config::{self, Config, Loaded};
use crate::control::{addresses as addresses_of, found_now, look_once, read_files, selects};
use crate::outbound::Outside;
use crate::snapshot::{Address, Addresses, Backend, Snapshot, compile};

/// Checks the files and, of those that are in order, tries the backends.
pub(super) fn run(files: &[PathBuf], json: bool) -> Exit {
    on_control_runtime(async {
        let mut worst = Exit::Done;
        let mut documents = Vec::new();
        for file in files {
            let (exit, told) = match one(file).await {
                Ok((loaded, findings)) => {
                    let exit = findings.exit();
                    let name = file.display();
                    if json {
                        let document = json!({"file": name.to_string(), "findings": findings.list(), "exit": exit as u8});
                        documents.push(document);
                        (exit, Exit::Done)
                    } else {
                        let text = format!(
                            "{name}: in order{}\n{}",
                            summary(&loaded.config),
                            findings.text()
                        );
                        (exit, print(&text))
                    }
                }
                Err(problem) => (Exit::BadInput, say(&problem, Exit::Done)),
            };
            worst = worse(worst, exit).after(told);
        }
        match json {
            true => worst.after(print_json(&documents)),
            false => worst,
        }
    })
}

/// Of several files: a broken one, one where something is wrong, one that cannot be tried, one that works in part.
fn worse(a: Exit, b: Exit) -> Exit {
    let order = [Exit::BadInput, Exit::No, Exit::Unreachable, Exit::Partial];
    let worst = order.into_iter().find(|exit| [a, b].contains(exit));
    worst.unwrap_or(Exit::Done)
}

/// # Errors
///
/// The file is not in order, or one that it names cannot be used.
async fn one(file: &Path) -> Result<(Loaded, Findings), String> {
    let loaded = config::load(file).map_err(|problems| problems.to_string())?;
    let material = read_files(file, &loaded.config, &loaded.text);
    let material = material.map_err(|problems| problems.to_string())?;
    let mut all = Findings::default();
    let addresses = learn(&loaded.config, &mut all).await;
    let snapshot = compile(&loaded.config, &material, &addresses, &Snapshot::empty(), 1);
    let snapshot = snapshot.map_err(|unsound| unsound.to_string())?;
    for backend in &snapshot.backends {
        let written = loaded.config.backends.get(&*backend.name);
        let hires = written.and_then(|written| written.serverless.as_ref());
        if let Some(hires) = hires.filter(|hires| hires.mode == ServerlessMode::Worker) {
            all.append(of_workers(&backend.name, hires).await);
            continue;
        }
        let is_unknown = backend.source.is_some() && !addresses.contains_key(&*backend.name);
        if !is_unknown {
            all.append(of_backend(backend).await);
        }
    }
    Ok((loaded, all))
}

/// The endpoints of the backends that learn theirs, each as far as it can be found out.
async fn learn(config: &Config, all: &mut Findings) -> Addresses {
    let mut addresses = Addresses::new();
    let outside = Outside::default();
    let rented = rented(config);
    let accounts = match rented.is_empty() {
        true => Vec::new(),
        false => tenants(&rented),
    };
    for tenant in accounts {
        let names = tenant.backends.join("`, `");
        let mut own = Findings::about(format!("account at {}, for `{names}`", tenant.api));
        let asked = match &tenant.key {
            Some((vast, _)) => instances(vast).await,
            None => {
                own.wrong(
                    "discover",
                    "there is no API key",
                    "see `figshift vast check`",
                );
                all.append(own);
                continue;
            }
        };
        match asked {
            Ok(rows) => {
                for (name, vastai) in &rented {
                    if tenant.backends.iter().any(|own| own == name) {
                        let mine = rows.iter().filter(|row| selects(vastai, row));
                        let mine: Vec<_> = mine.cloned().collect();
                        addresses
                            .insert((*name).to_owned(), addresses_of(&found_now(vastai, &mine)));
                    }
                }
            }
            Err(trouble) if trouble.may_pass() => {
                own.unreachable("discover", trouble.to_string(), trouble.hint());
            }
            Err(trouble) => own.wrong("discover", trouble.to_string(), trouble.hint()),
        }
        all.append(own);
    }
    for (name, backend) in &config.backends {
        let Some(discover) = &backend.discover else {
            continue;
        };
        if discover.vastai.is_some() {
            continue;
        }
        match look_once(discover, &outside).await {
            Ok(found) => {
                let found = found.into_iter().filter_map(|found| {
                    Some(Address {
                        url: found.url?,
                        key: found.key,
                        weight: found.weight,
                    })
                });
                addresses.insert(name.clone(), found.collect());
            }
            Err(why) => {
                let mut own = Findings::about(format!("backend `{name}`")).of(name, None);
                own.unreachable("discover", why, source_remedy(discover));
                all.append(own);
            }
        }
    }
    addresses
}

fn source_remedy(discover: &Discover) -> &'static str {
    match discover.source() {
        "dns" => "check the name in `discover.dns`, and the name servers",
        "file" => {
            "write the file of `discover.file`, as JSON like [{\"targets\": [\"10.0.0.5:8000\"]}]"
        }
        _ => "check `discover.http`, and what answers there",
    }
}

async fn of_backend(backend: &Arc<Backend>) -> Findings {
    let source = match backend.source {
        Some(source) => format!("found by {source}"),
        None => "in the file".to_owned(),
    };
    let (name, members) = (&backend.name, backend.members.len());
    let mut own = Findings::about(format!(
        "backend `{name}`: {} {source}",
        count(members, "endpoint")
    ));
    if members == 0 {
        match backend.source {
            Some("vastai") => own.wrong(
                "discover",
                "no instance can be connected to",
                "`figshift vast check` says why",
            ),
            Some(_) => own.wrong("discover", "its source names none", "write some there"),
            None => own.odd(
                "endpoints",
                "there are none: this side is out",
                "write some into `endpoints`, if it shall serve",
            ),
        }
        return own;
    }
    let mut knocking = JoinSet::new();
    for index in 0..members {
        let backend = Arc::clone(backend);
        knocking.spawn(async move {
            let Some(member) = backend.members.get(index) else {
                return (index, Findings::default());
            };
            let endpoint = &member.endpoint;
            let called = match endpoint.key == endpoint.url {
                true => endpoint.url.to_string(),
                false => format!("{} at {}", endpoint.key, endpoint.url),
            };
            let mut own = Findings::about(format!("{called} of backend `{}`", backend.name));
            own = own.of(&backend.name, None);
            knock(&backend, member, &mut own).await;
            (index, own)
        });
    }
    let mut found = knocking.join_all().await;
    found.sort_by_key(|(index, _)| *index);
    let good = found.iter().filter(|(_, own)| own.is_good()).count();
    match good {
        0 => own.wrong(
            "serves",
            format!("none of {members} can serve"),
            "see below",
        ),
        good if good < members => own.ok("serves", format!("{good} of {members}")),
        good => own.ok("serves", format!("all {good}")),
    }
    for (_, findings) in found {
        own.append(findings);
    }
    own
}
