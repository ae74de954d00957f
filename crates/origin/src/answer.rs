//! What is known of an address, each distinct answer kept once.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

/// The most bytes of a name that are kept.
pub const NAME_MAX: usize = 96;

/// Two letters of ISO 3166-1, upper case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CountryCode([u8; 2]);

impl CountryCode {
    /// The code of two ASCII letters in either case.
    pub fn new(text: &str) -> Option<Self> {
        let code: [u8; 2] = text.as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_alphabetic).then(|| Self(code.map(|c| c.to_ascii_uppercase())))
    }

    /// The two letters.
    pub const fn bytes(self) -> [u8; 2] {
        self.0
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(str::from_utf8(&self.0).unwrap_or_default())
    }
}

impl fmt::Debug for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// What is known of an address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The number of its autonomous system; never 0.
    pub asn: Option<u32>,
    /// The country.
    pub country: Option<CountryCode>,
    /// The name of the autonomous system, at most [`NAME_MAX`] bytes; only where there is a number.
    pub name: Option<Arc<str>>,
}

/// The place of an answer among those of its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AnswerId(u32);

impl AnswerId {
    /// Nothing is known.
    pub(crate) const NOTHING: Self = Self(0);
}

/// The distinct answers of one table.
#[derive(Debug)]
pub(crate) struct Answers(Box<[Origin]>);

impl Answers {
    pub(crate) fn get(&self, id: AnswerId) -> &Origin {
        &self.0[id.0 as usize]
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> usize {
        let names: HashSet<_> = self.0.iter().filter_map(|origin| origin.name.as_ref()).collect();
        let names: usize = names.iter().map(|name| name.len() + 2 * size_of::<usize>()).sum();
        size_of_val(&*self.0) + names
    }
}

/// Answers while their file is read.
#[derive(Debug)]
pub(crate) struct Collector {
    ids: HashMap<Origin, AnswerId>,
    answers: Vec<Origin>,
    names: HashSet<Arc<str>>,
}

impl Collector {
    pub(crate) fn new() -> Self {
        let nothing = Origin::default();
        Self {
            ids: HashMap::from([(nothing.clone(), AnswerId::NOTHING)]),
            answers: vec![nothing],
            names: HashSet::new(),
        }
    }

    /// The place of this answer. AS 0 is none, and a name without a number is not kept.
    pub(crate) fn id(
        &mut self,
        asn: Option<u32>,
        country: Option<CountryCode>,
        name: Option<&str>,
    ) -> AnswerId {
        let asn = asn.filter(|asn| *asn != 0);
        let name = name.map(|name| bounded(name.trim())).filter(|name| !name.is_empty());
        let name = asn.and(name).map(|name| self.name(name));
        let origin = Origin { asn, country, name };
        if let Some(id) = self.ids.get(&origin) {
            return *id;
        }
        // a file has far fewer than 2^32 ranges
        let id = AnswerId(self.answers.len() as u32);
        self.answers.push(origin.clone());
        self.ids.insert(origin, id);
        id
    }

    fn name(&mut self, name: &str) -> Arc<str> {
        if let Some(name) = self.names.get(name) {
            return Arc::clone(name);
        }
        let name: Arc<str> = name.into();
        self.names.insert(Arc::clone(&name));
        name
    }

    pub(crate) fn finish(self) -> Answers {
        Answers(self.answers.into())
    }
}

/// As much of the text as is kept.
fn bounded(text: &str) -> &str {
    &text[..text.floor_char_boundary(NAME_MAX)]
}

/// The number in `123` or `AS123`.
pub(crate) fn parse_asn(text: &str) -> Option<u32> {
    let digits = match text.get(..2) {
        Some(prefix) if prefix.eq_ignore_ascii_case("as") => &text[2..],
        _ => text,
    };
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// Whether the text is one of those by which files say that they know no country.
pub(crate) fn is_no_country(text: &str) -> bool {
    ["", "-", "zz", "none", "unknown"].iter().any(|none| text.eq_ignore_ascii_case(none))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_two_letters() {
        assert_eq!(CountryCode::new("nl").unwrap().to_string(), "NL");
        for bad in ["", "N", "NLD", "N1", "\u{e9}", "--"] {
            assert_eq!(CountryCode::new(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_may_be_marked() {
        for (text, asn) in [("64500", 64500), ("AS64500", 64500), ("as1", 1), ("0", 0)] {
            assert_eq!(parse_asn(text), Some(asn), "{text}");
        }
        for bad in ["", "AS", "+1", "-1", "1.1", "4294967296", "AS AS1", "\u{e9}\u{e9}"] {
            assert_eq!(parse_asn(bad), None, "{bad}");
        }
    }

    #[test]
    fn equal_answers_and_names_are_one() {
        let mut collector = Collector::new();
        let nl = CountryCode::new("NL");
        let first = collector.id(Some(64500), nl, Some("EXAMPLE"));
        assert_eq!(collector.id(Some(64500), nl, Some(" EXAMPLE ")), first);
        let other = collector.id(Some(64500), None, Some("EXAMPLE"));
        assert_ne!(other, first);
        assert_eq!(collector.id(Some(0), None, Some("Not routed")), AnswerId::NOTHING);
        let answers = collector.finish();
        let name = |id| answers.get(id).name.clone().unwrap();
        assert!(Arc::ptr_eq(&name(first), &name(other)));
    }

    #[test]
    fn names_are_cut_between_characters() {
        let mut collector = Collector::new();
        let id = collector.id(Some(1), None, Some(&"\u{e9}x".repeat(NAME_MAX)));
        let name = collector.finish().get(id).name.clone().unwrap();
        assert!(name.len() <= NAME_MAX && name.len() > NAME_MAX - 3, "{}", name.len());
    }
}
