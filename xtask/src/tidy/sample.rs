//! The shipped tidegate.toml is what the program prints.

use super::Finding;
use super::files::Tree;

const SAMPLE: &str = "config/tidegate.toml";

/// Compares the two.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let shipped = tree.get(SAMPLE).map(|file| file.text.as_str());
    compare(shipped, &config::sample()).into_iter().collect()
}

fn compare(shipped: Option<&str>, printed: &str) -> Option<Finding> {
    let Some(shipped) = shipped else {
        return Some(Finding::error(SAMPLE, 1, "the sample configuration is missing"));
    };
    if shipped == printed {
        return None;
    }
    let same = shipped.lines().zip(printed.lines()).take_while(|(a, b)| a == b).count();
    let what = format!(
        "differs from what the program prints: {}",
        printed.lines().nth(same).unwrap_or("nothing more")
    );
    Some(Finding::error(SAMPLE, same + 1, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_shown() {
        assert_eq!(compare(Some("a\nb\n"), "a\nb\n"), None);
        let finding = compare(Some("a\nb\n"), "a\nc\n").unwrap();
        assert_eq!((finding.line, finding.what.ends_with(": c")), (2, true));
        assert!(compare(None, "a\n").is_some());
    }
}
