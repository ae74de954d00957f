//! The faults that must be survived: each has a test that carries its number, and the table in
//! ARCHITECTURE.md names tests that exist.

use std::collections::BTreeSet;

use super::Finding;
use super::files::Tree;

const TABLE: &str = "ARCHITECTURE.md";
/// The heading above the table.
const HEADING: &str = "## Faults";
/// They are numbered from 1.
const FAULTS: usize = 21;

/// Compares the table with the tests.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let functions: BTreeSet<&str> = tree.rust().flat_map(|file| tests(&file.text)).collect();
    let text = tree.get(TABLE).map_or("", |file| file.text.as_str());
    compare(text, &functions)
}

/// The names of all tests that run without being asked for.
fn tests(text: &str) -> Vec<&str> {
    let (mut is_test, mut is_ignored) = (false, false);
    let mut names = Vec::new();
    for line in text.lines().map(str::trim_start) {
        if line.starts_with("#[") {
            is_test |= matches!(line.trim_end(), "#[test]" | "#[tokio::test]");
            is_ignored |= line.starts_with("#[ignore");
        } else if !line.starts_with("//") {
            names.extend(function(line).filter(|_| is_test && !is_ignored));
            (is_test, is_ignored) = (false, false);
        }
    }
    names
}

fn compare(text: &str, functions: &BTreeSet<&str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut numbers = BTreeSet::new();
    let mut named = BTreeSet::new();
    let lines = text.lines().enumerate().skip_while(|(_, line)| *line != HEADING).skip(1);
    let rows = lines.take_while(|(_, line)| !line.starts_with("## "));
    for (i, row) in rows.filter(|(_, line)| line.starts_with('|')) {
        let number = row.split('|').nth(1).and_then(|cell| cell.trim().parse::<usize>().ok());
        let Some(number) = number else { continue };
        numbers.insert(number);
        let tests: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        let own = format!("fault_{number:02}_");
        if !tests.iter().any(|test| test.starts_with(&own)) {
            let what = format!("no test of fault {number} is called {own}...");
            findings.push(Finding::error(TABLE, i + 1, what));
        }
        for test in tests.iter().filter(|test| !functions.contains(*test)) {
            findings.push(Finding::error(TABLE, i + 1, format!("there is no test {test}")));
        }
        named.extend(tests.into_iter().filter(|test| test.starts_with(&own)));
    }
    for test in functions.iter().filter(|test| test.starts_with("fault_") && !named.contains(*test))
    {
        let what = format!("{test} is not in the row of its number below {HEADING:?}");
        findings.push(Finding::error(TABLE, 1, what));
    }
    let missing = (1..=FAULTS).filter(|number| !numbers.contains(number));
    findings.extend(missing.map(|number| {
        Finding::error(TABLE, 1, format!("fault {number} is not in the table below {HEADING:?}"))
    }));
    findings
}

/// The name of the function that a line begins.
fn function(line: &str) -> Option<&str> {
    let line = line.strip_prefix("async ").unwrap_or(line);
    let (name, _) = line.strip_prefix("fn ")?.split_once('(')?;
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_run_is_a_test() {
        let text = "#[test]\n/// Why.\n#[should_panic]\nfn a() {}\nfn b() {}\n\
                    #[test]\n#[ignore]\nfn c() {\n}\n    #[tokio::test]\n    async fn d() {}\n";
        assert_eq!(tests(text), ["a", "d"]);
    }

    #[test]
    fn rows_name_tests_that_exist_and_carry_the_number() {
        let functions = BTreeSet::from(["fault_01_a", "b", "fault_02_d"]);
        let rows: String =
            (3..=FAULTS).map(|n| format!("| {n} | x | `fault_{n:02}_c` |\n")).collect();
        let text =
            format!("{HEADING}\n| 1 | x | `fault_01_a`, `b` |\n| 2 | y | `b` |\n{rows}## Next\n");
        let found: Vec<_> = compare(&text, &functions).into_iter().map(|one| one.what).collect();
        assert_eq!(found[0], "no test of fault 2 is called fault_02_...");
        assert_eq!(found[1], "there is no test fault_03_c");
        assert_eq!(
            found[FAULTS - 1],
            "fault_02_d is not in the row of its number below \"## Faults\""
        );
        assert_eq!(found.len(), 1 + FAULTS - 2 + 1);
        assert_eq!(compare("", &functions).len(), FAULTS + 2);
    }
}
