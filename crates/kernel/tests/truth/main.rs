//! What the programs measure of connections, against what a simulation knows of them: RTTs,
//! retransmissions, reordering.
//!
//! Packets are played in real time through the loaded programs (`BPF_PROG_TEST_RUN`) on a stick, where
//! the VLAN tells the direction.

mod observer;
mod retransmits;
mod rtt;
mod stacks;
