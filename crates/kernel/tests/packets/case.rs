//! Cases as text: a frame, where it comes in, and what becomes of it.
//!
//! A file is a table: comment lines, then cases apart by empty lines. In a case `expect LENGTHS:`
//! says what becomes of the frame when only its first so many bytes are there; a case without
//! those lines has nothing to say and is refused. See `tests/packets/README.md`.

use std::fmt::Write;
use std::ops::RangeInclusive;

use abi::Direction;
use testkit::{from_hex, to_hex};

use crate::stage::Setting;

/// A frame and where it comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    /// What is special about it.
    pub(crate) name: String,
    /// How the box is set up.
    pub(crate) setting: Setting,
    /// Which way it travels; on a stick its VLAN has the last word.
    pub(crate) direction: Direction,
    /// All of it.
    pub(crate) frame: Vec<u8>,
}

/// What becomes of a frame that is cut to any of these lengths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expectation {
    /// Bytes that are left.
    pub(crate) lengths: RangeInclusive<usize>,
    /// An outcome as text.
    pub(crate) text: String,
}

/// A case with what is expected of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    /// What is sent.
    pub(crate) case: Case,
    /// What becomes of it.
    pub(crate) expectations: Vec<Expectation>,
}

/// Runs of one byte at the end that are longer than this are not written down.
const FILL_LEAST: usize = 256;

/// Reads a table.
pub(crate) fn parse(text: &str) -> Result<Vec<Expected>, String> {
    let lines = || text.lines().filter(|line| !line.starts_with('#'));
    let text: String = lines().flat_map(|line| [line, "\n"]).collect();
    text.split("\n\n").filter(|block| !block.trim().is_empty()).map(parse_case).collect()
}

fn parse_case(block: &str) -> Result<Expected, String> {
    let wrong = |what: &str| format!("{what} in this case:\n{block}");
    let (head, hex) = block.split_once("frame\n").ok_or_else(|| wrong("no frame"))?;
    let (mut name, mut fill) = (None, None);
    let (mut setting, mut direction) = (Setting::Bridge, Direction::Download);
    let mut expectations = Vec::new();
    for line in head.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (key, value) = line.split_once(' ').ok_or_else(|| wrong("no value"))?;
        match key {
            "case" => name = Some(value.to_owned()),
            "setting" => {
                let named = Setting::ALL.into_iter().find(|setting| setting.name() == value);
                setting = named.ok_or_else(|| wrong("unknown setting"))?;
            }
            "direction" => {
                let named = Direction::ALL.iter().find(|direction| direction.name() == value);
                direction = *named.ok_or_else(|| wrong("unknown direction"))?;
            }
            "fill" => fill = Some(parse_fill(value).ok_or_else(|| wrong(line))?),
            "expect" => expectations.push(parse_expectation(value).ok_or_else(|| wrong(line))?),
            _ => return Err(wrong("unknown key")),
        }
    }
    if expectations.is_empty() {
        return Err(wrong("nothing is expected"));
    }
    let mut frame = from_hex(hex).map_err(|error| wrong(&error.to_string()))?;
    if let Some((length, byte)) = fill {
        frame.resize(length, byte);
    }
    let within =
        |lengths: &RangeInclusive<usize>| !lengths.is_empty() && *lengths.end() <= frame.len();
    if !expectations.iter().all(|expectation| within(&expectation.lengths)) {
        return Err(wrong("lengths that the frame does not have"));
    }
    let name = name.ok_or_else(|| wrong("no name"))?;
    Ok(Expected { case: Case { name, setting, direction, frame }, expectations })
}

/// How long the frame is, and what is behind the bytes that are written down.
fn parse_fill(value: &str) -> Option<(usize, u8)> {
    let (length, byte) = value.split_once(" with ")?;
    Some((length.parse().ok()?, u8::from_str_radix(byte, 16).ok()?))
}

fn parse_expectation(value: &str) -> Option<Expectation> {
    let (lengths, text) = value.split_once(": ")?;
    let (first, last) = lengths.split_once("..").unwrap_or((lengths, lengths));
    let lengths = first.parse().ok()?..=last.parse().ok()?;
    Some(Expectation { lengths, text: text.to_owned() })
}

/// Writes a table that [`parse`] reads.
pub(crate) fn render(comment: &str, cases: &[Expected]) -> String {
    let mut text = String::new();
    for line in comment.lines() {
        let _ = writeln!(text, "# {line}");
    }
    for Expected { case, expectations } in cases {
        let _ = writeln!(text, "\ncase {}", case.name);
        if case.setting != Setting::Bridge {
            let _ = writeln!(text, "setting {}", case.setting.name());
        }
        let _ = writeln!(text, "direction {}", case.direction.name());
        for Expectation { lengths, text: outcome } in expectations {
            let (first, last) = lengths.clone().into_inner();
            let range = if first == last { first.to_string() } else { format!("{first}..{last}") };
            let _ = writeln!(text, "expect {range}: {outcome}");
        }
        let written = written(&case.frame);
        if let Some(byte) = case.frame.get(written) {
            let _ = writeln!(text, "fill {} with {byte:02x}", case.frame.len());
        }
        let _ = writeln!(text, "frame\n{}", to_hex(&case.frame[..written]));
    }
    text
}

/// How many bytes are written down: a long run of one byte at the end is not.
fn written(frame: &[u8]) -> usize {
    let run = frame.iter().rev().take_while(|byte| Some(*byte) == frame.last()).count();
    if run > FILL_LEAST { frame.len() - run } else { frame.len() }
}

#[test]
fn a_table_reads_back() {
    let case = |frame| Case {
        name: "some case".to_owned(),
        setting: Setting::Stick,
        direction: Direction::Upload,
        frame,
    };
    let expectation = |lengths, text: &str| Expectation { lengths, text: text.to_owned() };
    let long = [vec![1; 20], vec![2; 20], vec![7; 9000]].concat();
    let cases = [
        Expected {
            case: case((0..60).collect()),
            expectations: vec![expectation(14..=20, "pass: not"), expectation(60..=60, "pass")],
        },
        Expected { case: case(long), expectations: vec![expectation(9040..=9040, "pass")] },
    ];
    let text = render("of two\nlines", &cases);
    assert!(text.len() < 1_000, "a long run is written down:\n{text}");
    assert_eq!(parse(&text).unwrap(), cases);
}

#[test]
fn a_case_that_says_nothing_is_refused() {
    for (text, why) in [
        ("case a\nframe\n00", "nothing is expected"),
        ("case a\nexpect 1: pass", "no frame"),
        ("expect 1: pass\nframe\n00", "no name"),
        ("case a\nsetting moon\nexpect 1: pass\nframe\n00", "unknown setting"),
        ("case a\ndirection up\nexpect 1: pass\nframe\n00", "unknown direction"),
        ("case a\ncolour red\nexpect 1: pass\nframe\n00", "unknown key"),
        ("case a\nexpect pass\nframe\n00", "expect pass"),
        ("case a\nexpect 1: pass\nframe\n0", "hex digits"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
    // What is cut to no length at all would be checked by nobody.
    assert!(parse("case a\nexpect 9..8: pass\nframe\n00").is_err());
    assert!(parse("case a\nexpect 9: pass\nframe\n00").is_err());
}
