//! The kernel programs' header and its mirror in Rust say the same.
//!
//! Both sides are read into the same form, in Rust's names: `TG_VERDICT_NOT_IP` of
//! `enum tg_verdict` is `Verdict`'s `NotIp`, and `struct tg_place place[2]` is `place: [Place; 2]`.

use std::collections::BTreeMap;

use super::Finding;
use super::files::Tree;

const HEADER: &str = "ebpf/include/abi.h";
const MIRROR: &str = "crates/abi/src/";

/// Everything that the two agree on, by name, with the line where it stands.
#[derive(Debug, Default)]
struct Contract {
    items: BTreeMap<String, (String, usize, Item)>,
}

#[derive(Debug, PartialEq, Eq)]
enum Item {
    /// A value.
    Const(u64),
    /// Names in the order of their values.
    Codes(Vec<String>),
    /// Size, then fields with their types.
    Record(Option<u64>, Vec<String>),
}

/// Compares the two. A workspace without a header has nothing to compare.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(header) = tree.get(HEADER) else { return Vec::new() };
    let mut c = Contract::default();
    c.read_c(&header.text);
    let mut rust = Contract::default();
    for file in tree.rust().filter(|file| file.path.starts_with(MIRROR)) {
        rust.read_rust(&file.path, &file.text);
    }
    compare(&c, &rust)
}

fn compare(c: &Contract, rust: &Contract) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, (path, line, item)) in &c.items {
        match rust.items.get(name) {
            None => findings.push(Finding::error(path, *line, format!("{name} has no mirror"))),
            Some((path, line, mirror)) if mirror != item => {
                let what = format!("{name} is {mirror:?} here and {item:?} in {HEADER}");
                findings.push(Finding::error(path, *line, what));
            }
            Some(_) => {}
        }
    }
    for (name, (path, line, _)) in &rust.items {
        if !c.items.contains_key(name) {
            findings.push(Finding::error(path, *line, format!("{name} is not in {HEADER}")));
        }
    }
    findings
}

impl Contract {
    fn add(&mut self, name: String, path: &str, line: usize, item: Item) {
        self.items.insert(name, (path.to_owned(), line, item));
    }

    fn read_c(&mut self, text: &str) {
        let text = without_c_comments(text);
        let mut open: Option<(String, usize, Item)> = None;
        for (i, line) in text.lines().enumerate() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match (words.as_slice(), &mut open) {
                (["#define", name, value], _) => {
                    if let (Some(name), Some(value)) = (name.strip_prefix("TG_"), number(value)) {
                        self.add(name.to_owned(), HEADER, i + 1, Item::Const(value));
                    }
                }
                (["enum", name, "{"], _) => {
                    open = Some((rust_name(name), i + 1, Item::Codes(Vec::new())));
                }
                (["struct", name, "{"], _) => {
                    open = Some((rust_name(name), i + 1, Item::Record(None, Vec::new())));
                }
                (["};"], _) => {
                    if let Some((name, line, item)) = open.take() {
                        self.add(name, HEADER, line, item);
                    }
                }
                (words, Some((name, _, Item::Codes(codes)))) => {
                    codes.extend(words.iter().filter_map(|word| rust_code(name, word)));
                }
                (words, Some((_, _, Item::Record(_, fields)))) if words.len() > 1 => {
                    fields.extend(rust_field(words));
                }
                _ => self.read_size(line),
            }
        }
    }

    /// `_Static_assert(sizeof(struct tg_x) == 8, "tg_x");`
    fn read_size(&mut self, line: &str) {
        let Some(rest) = line.trim().strip_prefix("_Static_assert(sizeof(struct ") else { return };
        let Some((name, rest)) = rest.split_once(") == ") else { return };
        let size = rest.split(',').next().and_then(number);
        if let Some((_, _, Item::Record(of, _))) = self.items.get_mut(&rust_name(name)) {
            *of = size;
        }
    }

    fn read_rust(&mut self, path: &str, text: &str) {
        let mut open: Option<(String, usize, Item)> = None;
        for (i, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default().trim();
            if let Some((name, value)) = rust_const(code) {
                self.add(name, path, i + 1, Item::Const(value));
            } else if let Some((name, size)) = rust_head(code) {
                let empty = match size {
                    Some(size) => Item::Record(Some(size), Vec::new()),
                    None => Item::Codes(Vec::new()),
                };
                open = Some((name, i + 1, empty));
            } else if code == "}" {
                // What has no such lines is some other block.
                if let Some((name, line, item)) = open.take()
                    && !matches!(&item, Item::Codes(codes) if codes.is_empty())
                {
                    self.add(name, path, line, item);
                }
            } else {
                match &mut open {
                    Some((_, _, Item::Codes(codes))) => {
                        codes.extend(code.split_once(" = \"").map(|(name, _)| name.to_owned()));
                    }
                    Some((_, _, Item::Record(_, fields))) if code.ends_with(',') => {
                        fields.push(code.trim_end_matches(',').to_owned());
                    }
                    _ => {}
                }
            }
        }
    }
}

/// `pub const NAME: u32 = 7;`
fn rust_const(code: &str) -> Option<(String, u64)> {
    let (name, rest) = code.strip_prefix("pub const ")?.strip_suffix(';')?.split_once(": ")?;
    let value = rest.strip_prefix("u32 = ").or_else(|| rest.strip_prefix("u64 = "))?;
    Some((name.to_owned(), number(value)?))
}

/// `Name {` of codes, `Name[8] {` of a record.
fn rust_head(code: &str) -> Option<(String, Option<u64>)> {
    let head = code.strip_suffix(" {")?;
    let (name, size) = match head.split_once('[') {
        Some((name, size)) => (name, Some(number(size.strip_suffix(']')?)?)),
        None => (head, None),
    };
    let is_name = name.starts_with(char::is_uppercase) && name.chars().all(char::is_alphanumeric);
    is_name.then(|| (name.to_owned(), size))
}

/// `tg_unknown_host` is `UnknownHost`.
fn rust_name(c: &str) -> String {
    camel_case(c.strip_prefix("tg_").unwrap_or(c))
}

/// `TG_VERDICT_NOT_IP,` of `Verdict` is `NotIp`; the count is no code.
fn rust_code(of: &str, word: &str) -> Option<String> {
    let name = camel_case(word.strip_suffix(',')?.strip_prefix("TG_")?);
    let short = name.strip_prefix(of).unwrap_or(&name);
    (short != "Count").then(|| short.to_owned())
}

/// `__u32 a;` is `a: u32`, `struct tg_count counts[8];` is `counts: [Count; 8]`.
fn rust_field(words: &[&str]) -> Option<String> {
    let (kind, name) = match words {
        ["struct", kind, name] => (rust_name(kind), *name),
        [kind, name] => (kind.strip_prefix("__")?.to_owned(), *name),
        _ => return None,
    };
    let name = name.strip_suffix(';')?;
    Some(match name.split_once('[') {
        Some((name, count)) => format!("{name}: [{kind}; {}]", count.strip_suffix(']')?),
        None => format!("{name}: {kind}"),
    })
}

fn camel_case(snake: &str) -> String {
    snake
        .split('_')
        .map(|part| {
            let (first, rest) = part.split_at(part.len().min(1));
            first.to_uppercase() + &rest.to_lowercase()
        })
        .collect()
}

fn number(text: &str) -> Option<u64> {
    let text = text.trim_end_matches(['u', 'U', 'l', 'L']).replace('_', "");
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Blanks comments and keeps the lines.
fn without_c_comments(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some((before, comment)) = rest.split_once("/*") {
        code.push_str(before);
        let (comment, after) = comment.split_once("*/").unwrap_or((comment, ""));
        code.extend(comment.chars().filter(|c| *c == '\n'));
        rest = after;
    }
    code + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const C: &str = "
#define TG_NONE 0xffu /* why */
enum tg_verdict {
	TG_VERDICT_OK,  /* fine,
	                   really */
	TG_VERDICT_NOT_IP,
	TG_VERDICT_COUNT,
};
struct tg_big_thing {
	__u32 a; /* first */
	struct tg_place place[2];
};
_Static_assert(sizeof(struct tg_big_thing) == 20, \"tg_big_thing\");
";
    const RUST: &str = "
/// None.
pub const NONE: u32 = 0xff;
codes! {
    Verdict {
        /// Fine.
        Ok = \"ok\",
        NotIp = \"not-ip\",
    }
}
records! {
    BigThing[20] {
        a: u32,
        place: [Place; 2],
    }
}
";

    fn differences(c: &str, rust: &str) -> Vec<String> {
        let (mut of_c, mut of_rust) = (Contract::default(), Contract::default());
        of_c.read_c(c);
        of_rust.read_rust("lib.rs", rust);
        assert_eq!(of_c.items.len(), 3, "{of_c:?}");
        compare(&of_c, &of_rust).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_true_mirror_passes() {
        assert_eq!(differences(C, RUST), Vec::<String>::new());
    }

    #[test]
    fn every_kind_of_difference_is_found() {
        for (from, to) in [
            ("0xff;", "0xfe;"),
            ("NONE", "NOTHING"),
            ("NotIp", "NoIp"),
            ("Ok = \"ok\",", ""),
            ("a: u32", "a: u16"),
            ("a: u32", "b: u32"),
            ("[Place; 2]", "[Place; 3]"),
            ("[20]", "[24]"),
        ] {
            assert!(!differences(C, &RUST.replace(from, to)).is_empty(), "{from} -> {to}");
        }
    }
}
