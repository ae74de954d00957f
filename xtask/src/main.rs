//! Development verbs, each in a file of its own: `cargo xtask VERB`.
//!
//! This program builds without clang, so that `setup` can install it.

#![forbid(unsafe_code)]

mod bench;
mod ci;
mod demo;
mod dist;
mod fuzz;
mod lab;
mod packages;
mod python;
mod screens;
mod setup;
mod step;
mod test;
mod tidy;
mod vm;

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
    /// Install what is missing to build, to test, here and in the VM lab, and to package.
    Setup,
    /// Check the layout, the style and the lints, build everything, run the VM lab and all tests.
    Test,
    /// What .ci/run calls: the same as `test`.
    Ci,
    /// Measure.
    Bench(bench::Arguments),
    /// Feed the bus's decoders bytes that nobody meant.
    Fuzz(fuzz::Arguments),
    /// Write what the viewer's panes look like into docs/screens.
    Screens,
    /// Build the Python package and run its tests against a daemon in a lab.
    Python(python::Arguments),
    /// Check what a program can check of the project's rules.
    Tidy,
    /// Run scenarios on Debian's stock kernel, which has CAKE and netem, in an emulated machine.
    Vm(vm::Arguments),
    /// Make the Debian package, from a release build; with --try install, upgrade and remove it in a system of
    /// its own.
    Dist(dist::Arguments),
    /// Bring up a lab to look around in, until Enter or Ctrl-C.
    Lab(lab::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().verb {
        Verb::Demo(arguments) => demo::run(&arguments),
        Verb::Setup => setup::run_for_all(),
        Verb::Test => test::run(),
        Verb::Ci => ci::run(),
        Verb::Bench(arguments) => bench::run(&arguments),
        Verb::Fuzz(arguments) => fuzz::run(&arguments),
        Verb::Screens => screens::run(),
        Verb::Python(arguments) => python::run(&arguments),
        Verb::Tidy => tidy::run(),
        Verb::Vm(arguments) => vm::run(&arguments),
        Verb::Dist(arguments) => dist::run(&arguments),
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
