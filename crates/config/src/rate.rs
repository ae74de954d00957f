//! Rates as network.json and ShapedDevices.csv write them: decimal megabits per second.

use units::BitsPerSec;

/// The least rate that can be asked for.
pub(crate) const RATE_MIN: BitsPerSec = BitsPerSec::new(10_000);
/// The most: beyond it, a slip of the unit is likelier than a link.
pub(crate) const RATE_MAX: BitsPerSec = BitsPerSec::from_mbps(10_000_000);

/// The rate of a decimal number like `25` or `2.5`: digits and at most one point.
///
/// # Errors
/// Why the text is no such rate, fit to follow the key's name.
pub(crate) fn mbps(text: &str) -> Result<BitsPerSec, String> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    match text.parse::<f64>() {
        Ok(number) if plain => checked(number, text),
        _ => Err(format!("{text:?} is not a number of Mbps like 25 or 2.5")),
    }
}

/// The rate of a number of Mbps within what can be asked for; `text` is how it was written.
pub(crate) fn checked(number: f64, text: &str) -> Result<BitsPerSec, String> {
    let rate = BitsPerSec::from_mbps_decimal(number).ok();
    match rate.filter(|rate| (RATE_MIN..=RATE_MAX).contains(rate)) {
        Some(rate) => Ok(rate),
        None if number.is_finite() && number < RATE_MIN.mbps() => {
            Err(format!("{text} Mbps is too low; the least is {} Mbps", RATE_MIN.mbps()))
        }
        None => Err(format!("{text} Mbps is too high; the most is {RATE_MAX}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_decimals_within_bounds_are_rates() {
        for (text, bits) in
            [("25", 25_000_000), ("2.5", 2_500_000), ("0.01", 10_000), (".5", 500_000)]
        {
            assert_eq!(mbps(text), Ok(BitsPerSec::new(bits)), "{text}");
        }
        for bad in
            ["", ".", "NaN", "inf", "-5", "+5", "1e3", "2,5", "0", "0.009", "10000001", "25 Mbps"]
        {
            assert!(mbps(bad).is_err(), "{bad}");
        }
    }
}
