//! Every table of `tests/packets`, through the programs and through the model.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::case::{Case, Expectation, Expected, parse, render};
use crate::catalogue;
use crate::model::Model;
use crate::outcome::Outcome;
use crate::stage::{Stage, obstacle};

/// Set to anything, it makes the catalogue's tables anew instead of checking them. What the
/// programs do then becomes what is expected: read the difference before you keep it.
const WRITE_VARIABLE: &str = "TIDEGATE_WRITE_PACKETS";

#[test]
fn tables_hold() {
    if let Some(reason) = obstacle() {
        println!("skipped: {reason}");
        return;
    }
    let mut tester = Tester { stage: Stage::new(16), model: Model::new() };
    if std::env::var_os(WRITE_VARIABLE).is_some() {
        for table in catalogue::tables() {
            let cases: Vec<_> = table
                .cases
                .into_iter()
                .map(|(case, lengths)| Expected {
                    expectations: tester.observe(&case, lengths),
                    case,
                })
                .collect();
            fs::write(
                folder().join(table.name).with_extension("txt"),
                render(table.comment, &cases),
            )
            .unwrap();
        }
    }
    let mut wrong = Vec::new();
    for (name, cases) in read_all() {
        for Expected { case, expectations } in cases {
            for Expectation { lengths, text } in expectations {
                for length in lengths {
                    let seen = tester.run(&case, length);
                    if seen != text {
                        wrong.push(format!(
                            "{name}, {}, {length} bytes:\n  expected {text}\n  seen     {seen}",
                            case.name
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn frames_in_the_tables_are_those_of_the_catalogue() {
    let files = read_all();
    for table in catalogue::tables() {
        let file = files.get(table.name).unwrap_or_else(|| panic!("no table {}", table.name));
        let wanted: Vec<_> = table.cases.iter().map(|(case, _)| case).collect();
        let written: Vec<_> = file.iter().map(|expected| &expected.case).collect();
        assert!(wanted == written, "{}: set {WRITE_VARIABLE} to write it anew", table.name);
    }
}

/// The tables, by name.
fn read_all() -> BTreeMap<String, Vec<Expected>> {
    let mut tables = BTreeMap::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let cases = parse(&fs::read_to_string(&path).unwrap());
            tables
                .insert(name, cases.unwrap_or_else(|error| panic!("{}: {error}", path.display())));
        }
    }
    assert!(!tables.is_empty(), "no tables in {}", folder().display());
    tables
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/packets")
}

struct Tester {
    stage: Stage,
    model: Model,
}

impl Tester {
    /// Runs the first `length` bytes of a case; the model must agree, whatever the table says.
    fn run(&mut self, case: &Case, length: usize) -> String {
        let frame = &case.frame[..length];
        let (setting, direction) = (case.setting, case.direction);
        let mut seen = self.stage.run(setting, direction, frame);
        let listed = self.stage.unknown(setting);
        assert!(listed.len() <= 1, "one packet made {} unknown hosts", listed.len());
        seen.ingress.unknown = listed.into_keys().next();
        self.stage.forget_unknown();
        let predicted = Outcome {
            egress: seen.egress.and(self.model.run(setting, direction, frame).egress),
            ..self.model.run(setting, direction, frame)
        };
        assert!(
            seen == predicted,
            "{}, {length} bytes:\n  the programs say {seen}\n  the model says   {predicted}",
            case.name
        );
        if let Some(counted) = seen.ingress.counted {
            assert_eq!(counted.bytes, length as u64, "{}: counts whole frames", case.name);
        }
        seen.to_string()
    }

    /// What becomes of a case at each length, equal neighbours together.
    fn observe(
        &mut self,
        case: &Case,
        lengths: std::ops::RangeInclusive<usize>,
    ) -> Vec<Expectation> {
        let mut expectations: Vec<Expectation> = Vec::new();
        for length in lengths {
            let text = self.run(case, length);
            match expectations.last_mut() {
                Some(last) if last.text == text => {
                    last.lengths = *last.lengths.start()..=length;
                }
                _ => expectations.push(Expectation { lengths: length..=length, text }),
            }
        }
        expectations
    }
}
