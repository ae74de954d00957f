//! `tidegate completions`: a shell's script that completes this program's command line.

use clap::{Args, CommandFactory as _, ValueEnum};

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::output::Output;

/// For whom.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// The shells.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    /// For /usr/share/bash-completion/completions/tidegate.
    Bash,
    /// For /usr/share/zsh/vendor-completions/_tidegate.
    Zsh,
    /// For /usr/share/fish/vendor_completions.d/tidegate.fish.
    Fish,
}

/// Prints the script.
pub(super) fn run(options: &Options, output: Output) -> Result<(), Failure> {
    let shell = match options.shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "tidegate", &mut script);
    output.show(&String::from_utf8_lossy(&script), |script, _| script.to_string())
}
