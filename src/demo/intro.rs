//! The introduction: what is where, and what to try.

use std::path::PathBuf;

/// Addresses (as URLs without a slash at the end) and the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intro {
    /// The proxy.
    pub proxy: String,
    /// Its admin port.
    pub admin: String,
    /// The old backend.
    pub legacy: String,
    /// Its successor.
    pub vastai: String,
    /// The control of both backends.
    pub control: String,
    /// The demo's `figshift.toml`.
    pub file: PathBuf,
    /// The program itself.
    pub figshift: PathBuf,
}

impl Intro {
    /// The text, in lines that fit 80 columns as long as the file's path is a short one.
    pub fn text(&self) -> String {
        let Self {
            proxy,
            admin,
            legacy,
            vastai,
            control,
            ..
        } = self;
        let file = self.file.display();
        let shell_file = shell_word(&file.to_string());
        let figshift = shell_word(&self.figshift.display().to_string());
        let admin_port = admin.trim_start_matches("http://");
        format!(
            "\
figshift demo: a backend, its successor, and the proxy that moves users over
  proxy    {proxy:<22} takes the requests
  admin    {admin:<22} /metrics /health
  legacy   {legacy:<22} serves today
  vastai   {vastai:<22} is to take over
  control  {control:<22} makes them misbehave
  file     {file}

Try in a second terminal, and watch the table:
  alias figshift={figshift}; export FIGSHIFT_ADMIN={admin_port}
1 move half of the users, by saving the file
  sed -i.bak 's/^percent.*/percent = 50/' {shell_file}
2 let the others follow by themselves, step by step
  figshift ramp start chat
3 vastai fails half the time: clients do not see it, the guard takes it all back
  curl '{control}/vastai?error_rate=0.5'
4 mend it, and begin again; or try ?latency_ms=400 in its place
  curl '{control}/vastai/reset'
  figshift resume chat
5 vastai dies, later it comes back
  curl '{control}/vastai?crash=on'    # and crash=off
6 ask for yourself, and what became of it (ID is the x-request-id)
  curl -iN {proxy}/v1/completions -H 'x-user-id: 7' \\
    -d '{{\"prompt\":\"hello\",\"stream\":true}}'
  figshift explain ID
7 see what holds and why, and what an alert would see
  figshift status; curl -s {admin}/metrics | grep ^figshift
"
        )
    }
}

/// The path as one word of a shell, in quotes only where it needs them.
fn shell_word(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@%".contains(c);
    if path.chars().all(plain) {
        return path.to_owned();
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::demo) fn intro() -> Intro {
        let local = |port: u16| format!("http://127.0.0.1:{port}");
        Intro {
            proxy: local(8080),
            admin: local(9901),
            legacy: local(41001),
            vastai: local(41002),
            control: local(41003),
            file: "/tmp/figshift-4194304/figshift.toml".into(),
            figshift: "/usr/bin/figshift".into(),
        }
    }

    #[test]
    fn it_fits_eighty_columns() {
        for line in intro().text().lines() {
            assert!(line.chars().count() <= 80, "too long: {line}");
        }
    }

    #[test]
    fn commands_carry_the_real_addresses_and_path() {
        let text = intro().text();
        assert!(text.contains("curl 'http://127.0.0.1:41003/vastai?error_rate=0.5'"));
        assert!(text.contains("percent = 50/' /tmp/figshift-4194304/figshift.toml"));
    }

    #[test]
    fn an_odd_path_is_quoted_for_the_shell() {
        assert_eq!(shell_word("/tmp/x/f.toml"), "/tmp/x/f.toml");
        assert_eq!(shell_word("/tmp/it's here"), r"'/tmp/it'\''s here'");
    }
}
