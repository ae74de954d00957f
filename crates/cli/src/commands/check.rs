//! `tidegate check`: what is wrong in the configuration, without the daemon.

use std::error::Error;
use std::path::PathBuf;

use bus::Exit;
use clap::Args;
use config::{Config, Severity};
use schemars::JsonSchema;
use serde::Serialize;

use crate::arguments::ConfigFile;
use crate::failure::Failure;
use crate::files;
use crate::output::{Look, Output, Tone, inert_lines};

/// What to check.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    config: ConfigFile,

    /// Also plan the network for the machine described in this file. `tidegated --facts` describes
    /// the machine that it runs on.
    #[arg(long, value_name = "FILE")]
    facts: Option<PathBuf>,
}

/// What the check found.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "Check")]
pub(crate) struct Findings {
    valid: bool,
    errors: usize,
    warnings: usize,
    problems: Vec<Finding>,
}

/// One problem, of the files or of the plan.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CheckFinding")]
pub(crate) struct Finding {
    /// None when it is about the network as a whole on this machine.
    file: Option<String>,
    line: Option<u32>,
    /// The key or column; what a problem of the plan is about.
    key: Option<String>,
    severity: &'static str,
    why: String,
    help: Option<String>,
    /// All of it as a person reads it.
    #[serde(skip)]
    text: String,
}

/// Checks the files and whether their rates contradict each other, and the plan when there are facts.
pub(super) fn run(options: &Options, output: Output) -> Result<Exit, Failure> {
    let facts = options.facts.as_deref().map(files::facts).transpose()?;
    let mut findings = Findings::default();
    match Config::load(&options.config.config) {
        Ok(loaded) => {
            findings.add_files(&loaded.warnings);
            findings.add_origins(&loaded.config.files.origins);
            findings.add_plan(match facts {
                Some(facts) => {
                    plan::plan(&loaded.config, &facts, None).map(|planned| planned.warnings)
                }
                None => plan::contradictions(&loaded.config),
            });
        }
        Err(problems) => findings.add_files(&problems),
    }
    findings.valid = findings.errors == 0;
    output.show(&findings, text)?;
    Ok(if findings.valid { Exit::Done } else { Exit::Invalid })
}

impl Findings {
    fn add_files(&mut self, problems: &config::Problems) {
        for problem in problems {
            self.add(
                problem.severity,
                Finding {
                    file: Some(problem.file.to_string_lossy().into_owned()),
                    line: problem.line,
                    key: problem.key.clone(),
                    severity: "",
                    why: problem.why.clone(),
                    help: problem.help.clone(),
                    text: problem.to_string(),
                },
            );
        }
    }

    /// Without them the daemon starts all the same.
    fn add_origins(&mut self, files: &[PathBuf]) {
        for file in files {
            let (Ok(origin::Loaded { warnings: problems, .. }) | Err(origin::Problems(problems))) =
                origin::Origins::load(std::slice::from_ref(file));
            for problem in problems {
                let severity = Severity::Warning;
                let (line, why) = (problem.line, with_cause(&problem.trouble));
                let file = problem.file.to_string_lossy().into_owned();
                let place = line.map_or_else(|| file.clone(), |line| format!("{file}:{line}"));
                let text = format!("{place}: {severity}: {why}\n");
                let (key, help) = (None, None);
                let file = Some(file);
                self.add(severity, Finding { file, line, key, severity: "", why, help, text });
            }
        }
    }

    fn add_plan(&mut self, planned: Result<Vec<plan::Problem>, plan::Problems>) {
        let (severity, problems) = match planned {
            Ok(warnings) => (Severity::Warning, warnings),
            Err(plan::Problems(problems)) => (Severity::Error, problems),
        };
        for problem in problems {
            self.add(
                severity,
                Finding {
                    file: None,
                    line: None,
                    key: Some(problem.subject()),
                    severity: "",
                    why: problem.why(),
                    help: Some(problem.way_out()),
                    text: format!("plan: {severity}: {problem}"),
                },
            );
        }
    }

    fn add(&mut self, severity: Severity, finding: Finding) {
        let (name, counted) = match severity {
            Severity::Error => ("error", &mut self.errors),
            Severity::Warning => ("warning", &mut self.warnings),
        };
        *counted += 1;
        self.problems.push(Finding { severity: name, ..finding });
    }
}

fn with_cause(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

fn text(findings: &Findings, look: &Look) -> String {
    let mut shown: String =
        findings.problems.iter().map(|problem| inert_lines(&problem.text)).collect();
    let counted = format!("errors: {}, warnings: {}", findings.errors, findings.warnings);
    let verdict = if findings.valid {
        format!("the configuration is valid ({counted})")
    } else {
        look.paint(Tone::Alarming, &format!("the configuration is invalid ({counted})"))
    };
    shown.push_str(&verdict);
    shown.push('\n');
    shown
}
