//! Parses the command line and maps the result to an exit code.

fn main() {}
