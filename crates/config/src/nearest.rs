//! Names that may have been meant.

/// The most names that are suggested.
const SUGGESTIONS_MAX: usize = 3;

/// The names nearest to `given`, best first: near enough to be a slip of the finger.
pub(crate) fn nearest<'n>(given: &str, names: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
    let given = given.to_lowercase();
    let length = given.chars().count();
    let mut near: Vec<(usize, &str)> = names
        .into_iter()
        .filter_map(|name| {
            let lower = name.to_lowercase();
            // the difference in length bounds the distance from below, and is much cheaper
            let allowed = 1 + length.max(lower.chars().count()) / 4;
            if lower.chars().count().abs_diff(length) > allowed {
                return None;
            }
            let distance = strsim::osa_distance(&given, &lower);
            (distance <= allowed).then_some((distance, name))
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(SUGGESTIONS_MAX).map(|(_, name)| name).collect()
}

/// `did you mean "a", "b" or "c"?`, or nothing when no name is near.
pub fn did_you_mean<'n>(given: &str, names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    let names: Vec<String> =
        nearest(given, names).into_iter().map(|name| format!("{name:?}")).collect();
    let (last, others) = names.split_last()?;
    Some(match others {
        [] => format!("did you mean {last}?"),
        others => format!("did you mean {} or {last}?", others.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_near_and_other_words_are_not() {
        let names = ["internet", "customers", "mode"];
        assert_eq!(nearest("intrenet", names), ["internet"]);
        assert_eq!(nearest("customer", names), ["customers"]);
        assert!(nearest("banana", names).is_empty());
        assert_eq!(did_you_mean("banana", names), None);
        assert_eq!(
            did_you_mean("AP_4", ["AP_1", "AP_2", "AP_3", "Site"]).as_deref(),
            Some("did you mean \"AP_1\", \"AP_2\" or \"AP_3\"?")
        );
    }
}
