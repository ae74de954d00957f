//! What the bus sends, as Python objects.
//!
//! A struct becomes an instance of the Python class of its name, given its fields in their order; the
//! classes are made from the same declarations. Lists become tuples, and a variant that holds
//! something becomes what it holds.

use std::fmt;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use serde::ser::{self, Impossible, Serialize};

/// Turns values into Python objects.
#[derive(Clone, Copy)]
pub(crate) struct Objects<'a, 'py> {
    /// Classes by name.
    pub(crate) classes: &'a Bound<'py, PyDict>,
}

/// A Python exception on its way through serde.
#[derive(Debug)]
pub(crate) struct Failed(PyErr);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Failed {}

impl ser::Error for Failed {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self(PyTypeError::new_err(text.to_string()))
    }
}

impl From<PyErr> for Failed {
    fn from(error: PyErr) -> Self {
        Self(error)
    }
}

impl From<Failed> for PyErr {
    fn from(failed: Failed) -> Self {
        failed.0
    }
}

type Made<'py> = Result<Bound<'py, PyAny>, Failed>;

impl<'a, 'py> Objects<'a, 'py> {
    fn py(self) -> Python<'py> {
        self.classes.py()
    }

    /// The class of this name.
    pub(crate) fn class(self, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let no_class = || PyTypeError::new_err(format!("no class is made of {name}"));
        self.classes.get_item(name)?.ok_or_else(no_class)
    }

    fn gather(self, class: Option<Bound<'py, PyAny>>, len: Option<usize>) -> Gathering<'a, 'py> {
        Gathering { objects: self, class, items: Vec::with_capacity(len.unwrap_or_default()) }
    }
}

/// The parts of an object that is being made.
pub(crate) struct Gathering<'a, 'py> {
    objects: Objects<'a, 'py>,
    /// What they are given to; none makes a tuple of them.
    class: Option<Bound<'py, PyAny>>,
    items: Vec<Bound<'py, PyAny>>,
}

impl<'py> Gathering<'_, 'py> {
    fn add<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Failed> {
        self.items.push(value.serialize(self.objects)?);
        Ok(())
    }

    fn finish(self) -> Made<'py> {
        let items = PyTuple::new(self.objects.py(), self.items)?;
        match self.class {
            Some(class) => Ok(class.call1(items)?),
            None => Ok(items.into_any()),
        }
    }
}

/// Numbers and truth values are Python's own.
macro_rules! plain {
    ($($method:ident: $number:ty),*) => { $(
        fn $method(self, value: $number) -> Made<'py> {
            let object = value.into_pyobject(self.py()).map_err(PyErr::from)?;
            Ok(object.to_owned().into_any())
        }
    )* };
}

impl<'a, 'py> ser::Serializer for Objects<'a, 'py> {
    type Ok = Bound<'py, PyAny>;
    type Error = Failed;
    type SerializeSeq = Gathering<'a, 'py>;
    type SerializeTuple = Gathering<'a, 'py>;
    type SerializeTupleStruct = Impossible<Self::Ok, Failed>;
    type SerializeTupleVariant = Impossible<Self::Ok, Failed>;
    type SerializeMap = Impossible<Self::Ok, Failed>;
    type SerializeStruct = Gathering<'a, 'py>;
    type SerializeStructVariant = Impossible<Self::Ok, Failed>;

    plain! {
        serialize_bool: bool,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_f64: f64
    }

    /// The decimal number that it is shown as: 12.3 rather than 12.300000190734863.
    fn serialize_f32(self, value: f32) -> Made<'py> {
        self.serialize_f64(value.to_string().parse().unwrap_or_else(|_| value.into()))
    }

    fn serialize_char(self, value: char) -> Made<'py> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Made<'py> {
        Ok(PyString::new(self.py(), value).into_any())
    }

    fn serialize_bytes(self, value: &[u8]) -> Made<'py> {
        Ok(value.into_pyobject(self.py())?.into_any())
    }

    fn serialize_none(self) -> Made<'py> {
        self.serialize_unit()
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Made<'py> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Made<'py> {
        Ok(self.py().None().into_bound(self.py()))
    }

    fn serialize_unit_struct(self, _: &'static str) -> Made<'py> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Made<'py> {
        Ok(PyString::intern(self.py(), variant).into_any())
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        value: &T,
    ) -> Made<'py> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Made<'py> {
        value.serialize(self)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, Failed> {
        Ok(self.gather(None, len))
    }

    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, Failed> {
        Ok(self.gather(None, Some(len)))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Failed> {
        Err(ser::Error::custom(format!("{name} has no names for its fields")))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Failed> {
        Err(ser::Error::custom(format!("{name} has no names for its fields")))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Failed> {
        Err(ser::Error::custom("a map has no class"))
    }

    fn serialize_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStruct, Failed> {
        Ok(self.gather(Some(self.class(name)?), Some(len)))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Failed> {
        Err(ser::Error::custom(format!("a variant of {name} has no class")))
    }
}

impl<'py> ser::SerializeSeq for Gathering<'_, 'py> {
    type Ok = Bound<'py, PyAny>;
    type Error = Failed;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Failed> {
        self.add(value)
    }

    fn end(self) -> Made<'py> {
        self.finish()
    }
}

impl<'py> ser::SerializeTuple for Gathering<'_, 'py> {
    type Ok = Bound<'py, PyAny>;
    type Error = Failed;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Failed> {
        self.add(value)
    }

    fn end(self) -> Made<'py> {
        self.finish()
    }
}

impl<'py> ser::SerializeStruct for Gathering<'_, 'py> {
    type Ok = Bound<'py, PyAny>;
    type Error = Failed;

    fn serialize_field<T: ?Sized + Serialize>(
        &mut self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Failed> {
        self.add(value)
    }

    fn end(self) -> Made<'py> {
        self.finish()
    }
}
