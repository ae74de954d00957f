//! How many clients a daemon takes, and what that costs it.

/// Places beyond the configured number for those who may change things: whoever fills the box with readers, root
/// can still get in.
pub const CONTROL_RESERVE: u32 = 8;

/// Places of those who may do nothing: they are heard for long enough to be refused, and take nobody's place.
pub const STRANGERS_MAX: u32 = 8;

/// Descriptors that a daemon needs besides its clients' connections: maps, links, rings, files.
const OTHER_DESCRIPTORS: u64 = 256;

/// Descriptors that a daemon needs which takes so many clients.
pub const fn descriptors(clients: u32) -> u64 {
    clients as u64 + CONTROL_RESERVE as u64 + STRANGERS_MAX as u64 + OTHER_DESCRIPTORS
}
