//! Times as tidegate.toml writes them: a whole number and a unit.

use std::time::Duration;

/// The units, and how many seconds each has.
const UNITS: [(&str, u64); 3] = [("s", 1), ("min", 60), ("h", 3_600)];

/// The time of a text like `30 s`, `10 min` or `1h`.
///
/// # Errors
/// Why the text is no such time, fit to follow the key's name.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let trimmed = text.trim();
    let end = trimmed.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = (&trimmed[..end], trimmed[end..].trim_start());
    let seconds = UNITS.iter().find_map(|(name, seconds)| (*name == unit).then_some(*seconds));
    let Some(seconds) = seconds.filter(|_| !number.is_empty()) else {
        return Err(format!("{text:?} is not a whole number with a unit: s, min or h"));
    };
    let number = number.parse::<u64>().ok();
    number
        .and_then(|number| number.checked_mul(seconds))
        .map(Duration::from_secs)
        .ok_or_else(|| format!("{text:?} is out of all bounds"))
}

/// The time in the largest unit that it is a whole number of.
pub(super) fn text(time: Duration) -> String {
    let all = time.as_secs();
    let fits = |(_, seconds): &&(&str, u64)| all > 0 && all.is_multiple_of(*seconds);
    let (unit, seconds) = UNITS.iter().rfind(fits).unwrap_or(&UNITS[0]);
    format!("{} {unit}", all / seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        for (written, seconds) in [("30 s", 30), ("10 min", 600), (" 2h ", 7_200), ("0 s", 0)] {
            assert_eq!(parse(written), Ok(Duration::from_secs(seconds)), "{written}");
        }
        for bad in ["", "30", "s", "-1 s", "1.5 min", "10 m", "10 minutes", "1 S", "1 s 2"] {
            assert!(parse(bad).unwrap_err().contains("with a unit"), "{bad}");
        }
        for bad in ["99999999999999999999 s", "9999999999999999999 h"] {
            assert!(parse(bad).unwrap_err().contains("out of all bounds"), "{bad}");
        }
    }

    #[test]
    fn texts_are_read_back() {
        for (seconds, written) in [(0, "0 s"), (59, "59 s"), (90, "90 s"), (600, "10 min")] {
            let time = Duration::from_secs(seconds);
            assert_eq!(text(time), written);
            assert_eq!(parse(&text(time)), Ok(time));
        }
        assert_eq!(text(Duration::from_secs(86_400)), "24 h");
    }
}
