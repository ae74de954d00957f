//! Text from files and packets, made safe to show.

use pyo3::prelude::*;

/// The text with everything replaced that would act on a screen instead of being shown; line breaks
/// among it.
#[pyfunction]
pub(crate) fn inert(text: &str) -> String {
    bus::inert(text).into_owned()
}
