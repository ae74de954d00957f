//! The kernel's names for queueing disciplines and classes.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A traffic-control handle, `major:minor` in hexadecimal as `tc` writes it.
///
/// A queueing discipline has minor 0; its classes share its major (`include/uapi/linux/pkt_sched.h`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TcHandle(u32);

impl TcHandle {
    /// `TC_H_ROOT`: the parent of a device's root queueing discipline.
    pub const ROOT: Self = Self(0xffff_ffff);

    /// The handle `major:minor`.
    pub const fn new(major: u16, minor: u16) -> Self {
        Self((major as u32) << 16 | minor as u32)
    }

    /// The handle as the kernel passes it.
    pub const fn from_raw(raw: u32) -> Self {
        Self(raw)
    }

    /// The handle as the kernel takes it.
    pub const fn raw(self) -> u32 {
        self.0
    }

    /// The queueing discipline's half.
    pub const fn major(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// The class's half.
    pub const fn minor(self) -> u16 {
        (self.0 & 0xffff) as u16
    }
}

impl fmt::Display for TcHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ROOT {
            f.pad("root")
        } else if self.minor() == 0 {
            f.pad(&format!("{:x}:", self.major()))
        } else {
            f.pad(&format!("{:x}:{:x}", self.major(), self.minor()))
        }
    }
}

impl FromStr for TcHandle {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let part = |half: &str| match half {
            "" => Ok(0),
            digits => u16::from_str_radix(digits, 16),
        };
        match (text, text.split_once(':')) {
            ("root", _) => Ok(Self::ROOT),
            (_, Some((major, minor))) if !major.is_empty() => match (part(major), part(minor)) {
                (Ok(major), Ok(minor)) => Ok(Self::new(major, minor)),
                _ => Err(format!("{text:?} is not a handle like 1:2a")),
            },
            _ => Err(format!("{text:?} is not a handle like 1:2a")),
        }
    }
}

impl Serialize for TcHandle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_u32(self.0)
        }
    }
}

impl JsonSchema for TcHandle {
    fn schema_name() -> Cow<'static, str> {
        "TcHandle".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^(root|[0-9a-f]+:[0-9a-f]*)$", "description": "A handle as tc writes it: root, or major:minor in hexadecimal."})
    }
}

impl<'de> Deserialize<'de> for TcHandle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
        } else {
            u32::deserialize(deserializer).map(Self)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_and_read_as_tc_does() {
        for (handle, text) in [
            (TcHandle::new(1, 0x2a), "1:2a"),
            (TcHandle::new(0x7f00, 0), "7f00:"),
            (TcHandle::ROOT, "root"),
        ] {
            assert_eq!(handle.to_string(), text);
            assert_eq!(text.parse(), Ok(handle));
        }
        for bad in ["", ":", "1", "1:10000", "x:1"] {
            assert!(bad.parse::<TcHandle>().is_err(), "{bad}");
        }
    }
}
