//! Certificates made for the test: whom each is for, and which files cannot be used.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::ServerName;

use super::{
    Acceptor, At, Authority, BadFile, ClientAuth, Connecting, Files, Listening, Material, Pair,
    server_name,
};

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

fn pair(folder: &Path, name: &str) -> Pair {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let cert = params.self_signed(&key).unwrap();
    Pair {
        cert: write(folder, &format!("{name}.crt"), &cert.pem()),
        key: write(folder, &format!("{name}.key"), &key.serialize_pem()),
    }
}

fn authority(folder: &Path, name: &str) -> PathBuf {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let made = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    write(folder, name, &made.pem())
}

fn listening(certificates: &[&Pair], clients: ClientAuth) -> Listening {
    Listening {
        certificates: certificates.iter().map(|pair| (*pair).clone()).collect(),
        clients,
        alpn: vec![b"http/1.1".to_vec()],
    }
}

fn load(
    listening: &Listening,
    previous: Option<&Arc<Acceptor>>,
) -> Result<Arc<Acceptor>, Vec<BadFile>> {
    Acceptor::load(listening, &mut Files::default(), previous, &mut Vec::new())
}

#[test]
fn each_bad_file_is_named_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (good, other) = (pair(folder, "good"), pair(folder, "other"));
    let empty = write(folder, "empty", "");
    let cut = fs::read_to_string(&good.cert)
        .unwrap()
        .replace("-----END", "");
    let cut = write(folder, "cut", &cut);
    let noise = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let noise = write(folder, "noise", noise);
    let large = write(folder, "large", &"#".repeat(1024 * 1024 + 1));
    let none = folder.join("none");
    let with = |cert: &PathBuf, key: &PathBuf| Pair {
        cert: cert.clone(),
        key: key.clone(),
    };
    let (cert, key) = (At::Cert(0), At::Key(0));
    for (pair, at, why) in [
        (
            with(&none, &good.key),
            cert,
            "cannot read the file: No such file",
        ),
        (with(&folder.to_owned(), &good.key), cert, "it is no file"),
        (with(&large, &good.key), cert, "larger than 1 MiB"),
        (
            with(&empty, &good.key),
            cert,
            "there is no certificate in it",
        ),
        (
            with(&good.key, &good.key),
            cert,
            "there is no certificate in it",
        ),
        (with(&cut, &good.key), cert, "cannot be read as PEM"),
        (
            with(&noise, &good.key),
            cert,
            "the certificate cannot be used",
        ),
        (with(&good.cert, &none), key, "cannot read the file"),
        (
            with(&good.cert, &empty),
            key,
            "there is no private key in it",
        ),
        (
            with(&good.cert, &good.cert),
            key,
            "there is no private key in it",
        ),
        (
            with(&good.cert, &other.key),
            key,
            "it is not the key of the certificate in",
        ),
    ] {
        let bad = load(&listening(&[&pair], ClientAuth::Off), None).unwrap_err();
        assert_eq!((bad.len(), bad[0].at), (1, at), "{bad:?}");
        let text = bad[0].to_string();
        let file = if at == cert { &pair.cert } else { &pair.key };
        assert!(text.starts_with(&file.display().to_string()), "{text}");
        assert!(text.contains(why), "{text}: {why}");
        assert!(!bad[0].hint().is_empty());
    }
    let both = [&with(&none, &none), &good, &with(&empty, &other.key)];
    let clients = ClientAuth::Required(good.key.clone());
    let bad = load(&listening(&both, clients), None).unwrap_err();
    let places: Vec<_> = bad.iter().map(|bad| bad.at).collect();
    assert_eq!(places, [cert, key, At::Cert(2), At::Authority(0)]);
}

#[test]
fn tickets_outlive_a_certificate_but_not_whom_it_trusts() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (one, two) = (pair(folder, "one"), pair(folder, "two"));
    let ca = authority(folder, "ca");
    let first = load(&listening(&[&one], ClientAuth::Off), None).unwrap();
    let same = load(&listening(&[&one], ClientAuth::Off), Some(&first)).unwrap();
    assert!(Arc::ptr_eq(&first, &same));
    let other = load(&listening(&[&two], ClientAuth::Off), Some(&first)).unwrap();
    let tickets = |acceptor: &Acceptor| Arc::as_ptr(&acceptor.config.ticketer).cast::<()>();
    assert!(!Arc::ptr_eq(&first, &other));
    assert_eq!(tickets(&first), tickets(&other));
    let asked = listening(&[&two], ClientAuth::Required(ca.clone()));
    let asked = load(&asked, Some(&other)).unwrap();
    assert_ne!(tickets(&asked), tickets(&other));
    fs::copy(authority(folder, "other-ca"), &ca).unwrap();
    let next = listening(&[&two], ClientAuth::Required(ca));
    let next = load(&next, Some(&asked)).unwrap();
    assert_ne!(tickets(&next), tickets(&asked));
}

#[test]
fn a_connector_is_kept_while_nothing_changes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let ca = authority(folder, "ca");
    let with = |change: &dyn Fn(&mut Connecting)| {
        let mut wanted = Connecting {
            authorities: vec![Authority::File(ca.clone())],
            ..Connecting::default()
        };
        change(&mut wanted);
        BTreeMap::from([("b".to_owned(), wanted)])
    };
    let load = |wanted, previous: &Material| Material::load(None, &wanted, previous).unwrap();
    let first = load(with(&|_| {}), &Material::default());
    let same = load(with(&|_| {}), &first);
    assert!(Arc::ptr_eq(&first.connectors["b"], &same.connectors["b"]));
    assert_eq!(first.files.keys().collect::<Vec<_>>(), [&ca]);
    for change in [
        (&|wanted: &mut Connecting| wanted.name = Some("a".to_owned())) as &dyn Fn(&mut Connecting),
        &|wanted| wanted.pins.push([7; 32]),
        &|wanted| wanted.insecure = true,
        &|wanted| wanted.alpn.push(b"h2".to_vec()),
        &|wanted| wanted.authorities.push(Authority::System),
    ] {
        let other = load(with(change), &first);
        assert_ne!(first.connectors["b"].id, other.connectors["b"].id);
    }
    fs::copy(authority(folder, "other"), &ca).unwrap();
    let other = load(with(&|_| {}), &first);
    assert_ne!(first.connectors["b"].id, other.connectors["b"].id);
}

#[test]
fn what_is_odd_is_remarked() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["old".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(1999, 1, 2);
    params.not_after = rcgen::date_time_ymd(2001, 3, 4);
    let old = Pair {
        cert: write(folder, "old.crt", &params.self_signed(&key).unwrap().pem()),
        key: write(folder, "old.key", &key.serialize_pem()),
    };
    params.not_before = rcgen::date_time_ymd(2060, 1, 2);
    params.not_after = rcgen::date_time_ymd(2070, 3, 4);
    let early = Pair {
        cert: write(
            folder,
            "early.crt",
            &params.self_signed(&key).unwrap().pem(),
        ),
        key: old.key.clone(),
    };
    let listening = listening(&[&old, &early, &pair(folder, "good")], ClientAuth::Off);
    let insecure = Connecting {
        insecure: true,
        ..Connecting::default()
    };
    let backends = BTreeMap::from([("b".to_owned(), insecure)]);
    let material = Material::load(Some(&listening), &backends, &Material::default()).unwrap();
    let remarks = &material.remarks;
    assert_eq!(remarks.len(), 3, "{remarks:?}");
    assert!(
        remarks[0].ends_with("old.crt has expired: it was good until 2001-03-04T00:00:00Z"),
        "{remarks:?}"
    );
    assert!(
        remarks[1].ends_with("early.crt is not good yet: it will be from 2060-01-02T00:00:00Z"),
        "{remarks:?}"
    );
    assert!(remarks[2].contains("insecure"), "{remarks:?}");
}

#[test]
fn hosts_become_names() {
    let address =
        |text: &str| ServerName::IpAddress(text.parse::<std::net::IpAddr>().unwrap().into());
    assert_eq!(server_name("10.0.0.5"), Some(address("10.0.0.5")));
    assert_eq!(server_name("[2001:db8::5]"), Some(address("2001:db8::5")));
    assert_eq!(server_name("0.0.0.0"), Some(address("0.0.0.0")));
    for host in ["a.example.com", "a.example.com.", "a_b", "localhost"] {
        assert!(
            matches!(server_name(host), Some(ServerName::DnsName(_))),
            "{host}"
        );
    }
    assert_eq!(server_name("a b"), None);
}
