//! `figshift completions`.

use clap::{CommandFactory as _, ValueEnum};
use clap_complete::generate;

use super::Exit;
use super::args::Args;
use super::print::print;

/// A shell.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Prints the script that teaches the shell.
pub(super) fn run(shell: Shell) -> Exit {
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    // Into memory first: it gives up loudly when a pipe closes.
    let mut script = Vec::new();
    generate(shell, &mut Args::command(), "figshift", &mut script);
    print(&String::from_utf8_lossy(&script))
}
