//! Messages as bytes. Nothing here reads or writes a socket: Python's own sockets do, in a thread or in an
//! event loop, so that waiting can be interrupted as everywhere in Python.

use bus::{CapturedPacket, ClientCodec, Reply, Request};
use bytes::BytesMut;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};
use pythonize::depythonize;
use serde::Serialize as _;
use tokio_util::codec::{Decoder as _, Encoder as _};

use crate::objects::Objects;

/// The frame of a request that is written as JSON would write it.
///
/// # Errors
/// `TypeError` when it is no request, `ValueError` when it is too large.
#[pyfunction]
pub(crate) fn encode<'py>(
    py: Python<'py>,
    id: u64,
    request: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyBytes>> {
    let request: Request =
        depythonize(request).map_err(|error| PyTypeError::new_err(error.to_string()))?;
    let mut frame = BytesMut::new();
    py.detach(|| ClientCodec.encode((id, &request), &mut frame)).map_err(|error| told(&error))?;
    Ok(PyBytes::new(py, &frame))
}

/// Takes a stream's bytes as they come and gives the replies in them.
#[pyclass]
pub(crate) struct Decoder {
    received: BytesMut,
    classes: Py<PyDict>,
}

#[pymethods]
impl Decoder {
    /// One that makes objects of these classes, by name.
    #[new]
    fn new(classes: Bound<'_, PyDict>) -> Self {
        Self { received: BytesMut::new(), classes: classes.unbind() }
    }

    /// The replies that are whole now, each with the id of its request.
    ///
    /// # Errors
    /// `ValueError` when the stream is past repair.
    fn feed<'py>(
        &mut self,
        py: Python<'py>,
        data: &[u8],
    ) -> PyResult<Vec<(u64, Bound<'py, PyAny>)>> {
        self.received.extend_from_slice(data);
        let mut replies = Vec::new();
        let received = &mut self.received;
        py.detach(|| -> Result<(), bus::FrameError> {
            while let Some(reply) = ClientCodec.decode(received)? {
                replies.push(reply);
            }
            Ok(())
        })
        .map_err(|error| told(&error))?;
        let objects = Objects { classes: self.classes.bind(py) };
        replies.iter().map(|(id, reply)| Ok((*id, object(reply, objects)?))).collect()
    }
}

fn object<'py>(reply: &Reply, objects: Objects<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    let Reply::Captured(packets) = reply else { return Ok(reply.serialize(objects)?) };
    let class = objects.class("CapturedPacket")?;
    let packets = packets.iter().map(|packet| captured(packet, &class));
    Ok(PyTuple::new(class.py(), packets.collect::<PyResult<Vec<_>>>()?)?.into_any())
}

/// A packet, whose bytes are bytes and not a list of numbers.
fn captured<'py>(
    packet: &CapturedPacket,
    class: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let CapturedPacket { seen_ns, interface, direction, length, bytes } = packet;
    let bytes = PyBytes::new(class.py(), bytes);
    class.call1((*seen_ns, *interface, direction.to_string(), *length, bytes))
}

/// An error with its causes.
fn told(error: &dyn std::error::Error) -> PyErr {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    PyValueError::new_err(text)
}
