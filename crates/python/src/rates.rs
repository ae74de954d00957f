//! Bit rates as text.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use units::BitsPerSec;

/// Bits per second of a text like `50 Mbps`.
///
/// # Errors
/// `ValueError` says what is wrong with it.
#[pyfunction]
pub(crate) fn parse_rate(text: &str) -> PyResult<u64> {
    let rate: BitsPerSec =
        text.parse().map_err(|error| PyValueError::new_err(format!("{error}")))?;
    Ok(rate.get())
}

/// The text of a rate.
#[pyfunction]
pub(crate) fn format_rate(bps: u64) -> String {
    BitsPerSec::new(bps).to_string()
}
