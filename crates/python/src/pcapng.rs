//! Captured packets as pcapng.

use std::io::{self, Write};

use bus::{CaptureInterface, CapturedPacket, Pcapng};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use pythonize::depythonize;

/// Writes a capture to a binary file of Python's.
#[pyclass]
pub(crate) struct PcapngWriter {
    /// None once it is finished.
    file: Option<Pcapng<PythonFile>>,
}

#[pymethods]
impl PcapngWriter {
    /// Begins a capture of what `comment` says, made by `program`, on interfaces given as dicts.
    #[new]
    fn new(
        file: Py<PyAny>,
        program: &str,
        comment: &str,
        interfaces: &Bound<'_, PyAny>,
        snap_length: u16,
    ) -> PyResult<Self> {
        let interfaces: Vec<CaptureInterface> =
            depythonize(interfaces).map_err(|error| PyTypeError::new_err(error.to_string()))?;
        let file = Pcapng::begin(PythonFile(file), program, comment, &interfaces, snap_length)?;
        Ok(Self { file: Some(file) })
    }

    /// Adds a packet, given by its fields.
    fn packet(
        &mut self,
        seen_ns: u64,
        interface: u16,
        direction: &Bound<'_, PyAny>,
        length: u32,
        bytes: Vec<u8>,
    ) -> PyResult<()> {
        let direction =
            depythonize(direction).map_err(|error| PyTypeError::new_err(error.to_string()))?;
        let finished = || PyValueError::new_err("the capture is finished");
        let file = self.file.as_mut().ok_or_else(finished)?;
        Ok(file.packet(&CapturedPacket { seen_ns, interface, direction, length, bytes })?)
    }

    /// Ends the capture, of which so many packets were lost.
    fn finish(&mut self, lost: u64) -> PyResult<()> {
        self.file.take().map_or(Ok(()), |file| Ok(file.finish(lost)?))
    }
}

/// A binary file of Python's.
struct PythonFile(Py<PyAny>);

impl Write for PythonFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Python::attach(|py| self.0.call_method1(py, "write", (PyBytes::new(py, bytes),)))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Python::attach(|py| self.0.call_method0(py, "flush")).map(drop).map_err(io::Error::from)
    }
}
