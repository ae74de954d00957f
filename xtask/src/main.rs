//! Development verbs, each in a file of its own: `cargo xtask VERB`.
//!
//! This program builds without clang, so that `setup` can install it.

#![forbid(unsafe_code)]

mod bench;
mod ci;
mod demo;
mod lab;
mod packages;
mod setup;
mod step;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Development verbs of Tidegate.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Show shaping at work: a lab, the real daemon, real TCP, and a verdict.
    Demo(demo::Arguments),
    /// Install what is missing to build and test.
    Setup,
    /// Check the layout, the style and the lints, build everything and run all tests.
    Test,
    /// What .ci/run calls: the same as `test`.
    Ci,
    /// Measure.
    Bench(bench::Arguments),
    /// Check what a program can check of the project's rules.
    Tidy,
    /// Bring up a lab to look around in, until Enter or Ctrl-C.
    Lab(lab::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().verb {
        Verb::Demo(arguments) => demo::run(&arguments),
        Verb::Setup => setup::run(),
        Verb::Test => test::run(),
        Verb::Ci => ci::run(),
        Verb::Bench(arguments) => bench::run(&arguments),
        Verb::Tidy => tidy::run(),
        Verb::Lab(arguments) => lab::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
