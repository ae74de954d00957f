//! `tidegate top`: the terminal viewer.

use std::env;
use std::path::Path;

use clap::{Args, ValueEnum};
use tui::shell::{self, Look};
use tui::theme::{Depth, Theme};

use crate::failure::Failure;
use crate::output::Output;

/// How it looks.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Colours for a dark or a light terminal; `auto` believes COLORFGBG and else takes dark.
    #[arg(long, value_enum, value_name = "THEME", default_value = "auto")]
    theme: ThemeKey,
}

/// What kind of terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ThemeKey {
    /// Light text on a dark ground.
    Dark,
    /// Dark text on a light ground.
    Light,
    /// What the terminal says.
    Auto,
}

/// Shows the viewer until it is quit.
pub(super) fn run(socket: &Path, options: &Options, output: Output) -> Result<(), Failure> {
    if output.json {
        return Err(Failure::NoJson);
    }
    let variable = |name| env::var(name).ok();
    let theme = match options.theme {
        ThemeKey::Dark => Theme::Dark,
        ThemeKey::Light => Theme::Light,
        ThemeKey::Auto => Theme::told_by(variable("COLORFGBG").as_deref()),
    };
    let [no_color, colorterm, term] = ["NO_COLOR", "COLORTERM", "TERM"].map(variable);
    let depth = Depth::told_by(no_color.as_deref(), colorterm.as_deref(), term.as_deref());
    shell::run(socket, Look { theme, depth }).map_err(|error| match error {
        shell::Error::Bus(error) => error.into(),
        other => Failure::Viewer(other),
    })
}
