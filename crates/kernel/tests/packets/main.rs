//! Packets through the loaded programs (`BPF_PROG_TEST_RUN`): tables of cases in `tests/packets`,
//! and random packets on which a second parser in Rust must agree.
//!
//! A packet comes in by one NIC and leaves by the other; each program sees the loopback interface
//! in that NIC's stead, so the programs are loaded once for either end. What a program did is read
//! from the change in its counters. A packet that was changed on its way fails the test.
//!
//! A slot that metadata carries past a change of the tables cannot be tried in this way: the
//! kernel runs `tc_egress` on packets that have no metadata.

mod agreement;
mod case;
mod catalogue;
mod model;
mod network;
mod outcome;
mod random;
mod stage;
mod tables;
