//! A provider's three files, as text.

pub(crate) use testkit::{ADMIN_GROUP, Circuit, Provider, READ_GROUP, two_nics};
