//! A house with a listener for TLS.

use figshift::stats::WorkerCell;
use tempfile::TempDir;

use crate::support::house::{House, Plan};
use crate::support::tls::{Authority, Issued};

/// A house whose listener for TLS has a certificate for `localhost`, with further lines of
/// `[listen.tls]`, and the authority that has signed it.
pub(crate) async fn house(plan: Plan, tls: &str) -> (House, Authority) {
    let authority = Authority::new();
    let issued = authority.issue(&["localhost"]);
    (with(plan, &[&issued], tls).await, authority)
}

/// The same with these certificates.
pub(crate) async fn with(plan: Plan, certificates: &[&Issued], tls: &str) -> House {
    let folder = tempfile::tempdir().unwrap();
    let plan = listening(plan, &folder, certificates, tls);
    plan.start_in(folder).await.unwrap()
}

/// Writes the certificates `0.crt`, `1.crt` and so on, and says so in the plan.
pub(crate) fn listening(
    mut plan: Plan,
    folder: &TempDir,
    certificates: &[&Issued],
    tls: &str,
) -> Plan {
    let numbered = certificates.iter().enumerate();
    let entries = numbered.map(|(number, issued)| issued.write(folder.path(), &number.to_string()));
    let entries: Vec<_> = entries.map(|files| files.entry()).collect();
    plan.listen += &format!(
        "\nhttps = \"127.0.0.1:0\"\n[listen.tls]\ncertificates = [{}]\n{tls}\n",
        entries.join(", ")
    );
    plan
}

/// A figure of all workers.
pub(crate) fn sum(house: &House, figure: impl Fn(&WorkerCell) -> u64) -> u64 {
    house.app.workers.iter().map(figure).sum()
}
