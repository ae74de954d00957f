//! Running the loaded programs many times, each time on another packet, for measuring
//! (`BPF_PROG_TEST_RUN`).
//!
//! The packets are made by a driver in front of the program: see `ebpf/bench.bpf.c`. What the driver
//! itself costs is found by running it in front of an empty program.

use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use bytemuck::{Pod, Zeroable};
use libbpf_rs::{MapCore, MapFlags, Object, ObjectBuilder, ProgramInput};

use super::flow_table::FlowTable;
use super::load::{access, map_handle, program};
use super::{DatapathError, Loaded};

/// The section, and so the map, that holds the course.
const COURSE: &str = ".rodata.course";

/// Which packets are made, by rewriting one of [`Course::FRAME_BYTES`] bytes; `struct course` of
/// `ebpf/bench.bpf.c`. Offsets are into the frame; downloads have the customer as destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Course {
    /// Flows in rotation, a product of twos and fives; 0: each packet begins another.
    pub flows: u32,
    /// The last 32 bits of the first flow's customer.
    pub customer: u32,
    /// Likewise of the other end.
    pub internet: u32,
    /// How far the next flow's customer is.
    pub customer_step: u32,
    /// Likewise of the other end.
    pub internet_step: u32,
    /// Not 0: every other packet is an upload.
    pub alternates: u32,
    /// Where the last 32 bits of the source address are.
    pub source_at: u16,
    /// Likewise of the destination address.
    pub destination_at: u16,
    /// Where the two ports are.
    pub ports_at: u16,
    /// Where TCP's sequence number is, with the acknowledgement behind it; 0 without TCP.
    pub sequence_at: u16,
    /// Where TSval is, with TSecr behind it.
    pub timestamps_at: u16,
    /// Bytes of payload.
    pub payload: u16,
    /// Where the VLAN tag's id is; 0 without one.
    pub vlan_at: u16,
    /// The id for downloads.
    pub download_vlan: u16,
    /// The id for uploads.
    pub upload_vlan: u16,
    /// Nothing.
    pub padding: u16,
}

impl Course {
    /// How long the packets are.
    pub const FRAME_BYTES: usize = 128;
}

/// Where the program under test would be attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// `xdp_ingress`.
    Xdp,
    /// `tc_egress`.
    Tc,
}

/// What the driver runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The datapath's program.
    Datapath,
    /// A program that does nothing.
    Empty,
}

impl Subject {
    const ALL: [Self; 2] = [Self::Datapath, Self::Empty];
}

impl Hook {
    const fn driver(self) -> &'static str {
        match self {
            Self::Xdp => "drive_xdp",
            Self::Tc => "drive_tc",
        }
    }

    /// The map from which the driver takes what it runs.
    const fn stage(self) -> &'static str {
        match self {
            Self::Xdp => "xdp_subject",
            Self::Tc => "tc_subject",
        }
    }

    const fn program(self, subject: Subject) -> &'static str {
        match (self, subject) {
            (Self::Xdp, Subject::Datapath) => "xdp_ingress",
            (Self::Tc, Subject::Datapath) => "tc_egress",
            (Self::Xdp, Subject::Empty) => "empty_xdp",
            (Self::Tc, Subject::Empty) => "empty_tc",
        }
    }
}

/// Loaded programs and the drivers in front of them. Packets seem to come in and go out by the
/// loopback interface (index 1): load with that as one of the NICs.
#[derive(Debug)]
pub struct Rehearsal {
    loaded: Loaded,
    flows: FlowTable,
    /// A driver for each subject, so that each meets the flows in turn.
    drivers: [Object; Subject::ALL.len()],
}

impl Rehearsal {
    /// Loads drivers that take this course.
    ///
    /// # Errors
    /// When the kernel lacks what the drivers need, or does not let them and the programs go
    /// together.
    pub fn new(loaded: Loaded, course: &Course) -> Result<Self, DatapathError> {
        let drivers = [load_driver(course)?, load_driver(course)?];
        for subject in Subject::ALL {
            let driver = &drivers[subject as usize];
            let object = if subject == Subject::Datapath { &loaded.object } else { driver };
            for hook in [Hook::Xdp, Hook::Tc] {
                set_stage(driver, hook.stage(), object, hook.program(subject))?;
            }
        }
        let flows = FlowTable::new(&loaded.object, loaded.flow_shape)?;
        Ok(Self { loaded, flows, drivers })
    }

    /// Runs a driver `repeats` times on a frame and tells how long one took on average, cut to
    /// whole nanoseconds by the kernel.
    ///
    /// # Errors
    /// When the kernel refuses the frame, or is interrupted.
    pub fn run(
        &mut self,
        hook: Hook,
        subject: Subject,
        frame: &[u8; Course::FRAME_BYTES],
        repeats: u32,
    ) -> Result<Duration, DatapathError> {
        let program = hook.driver();
        let input =
            ProgramInput { data_in: Some(frame), repeat: repeats, ..ProgramInput::default() };
        self.drivers[subject as usize]
            .progs_mut()
            .find(|candidate| candidate.name() == OsStr::new(program))
            .ok_or(DatapathError::Missing(program))?
            .test_run(input)
            .map(|output| output.duration)
            .map_err(|source| DatapathError::Run { program, source })
    }

    /// How many unknown hosts the programs remember.
    ///
    /// # Errors
    /// When there is no such map.
    pub fn unknown_hosts(&self) -> Result<usize, DatapathError> {
        Ok(map_handle(&self.loaded.object, "tg_unknown")?.keys().count())
    }

    /// How many flows the programs remember.
    pub fn flows(&self) -> usize {
        self.keys().count()
    }

    /// Has them forget all flows.
    pub fn clear_flows(&self) {
        for key in self.keys() {
            if let Some((place, row)) = self.flows.find(&key) {
                self.flows.free(place, row);
            }
        }
    }

    fn keys(&self) -> impl Iterator<Item = abi::FlowKey> {
        (0..self.flows.rows()).filter_map(|row| self.flows.key(row))
    }
}

fn load_driver(course: &Course) -> Result<Object, DatapathError> {
    let mut open = ObjectBuilder::default()
        .name("tidegate_bench")
        .and_then(|builder| builder.open_memory(tidegate_ebpf::BENCH_OBJECT))
        .map_err(DatapathError::Load)?;
    open.maps_mut()
        .find(|map| map.name() == OsStr::new(COURSE))
        .ok_or(DatapathError::Missing(COURSE))?
        .set_initial_value(bytemuck::bytes_of(course))
        .map_err(DatapathError::Load)?;
    open.load().map_err(DatapathError::Load)
}

/// Puts a program where the driver finds what it runs.
fn set_stage(
    driver: &Object,
    stage: &'static str,
    object: &Object,
    name: &'static str,
) -> Result<(), DatapathError> {
    let file = program(object, name)?.as_fd().as_raw_fd().to_ne_bytes();
    map_handle(driver, stage)?
        .update(&0_u32.to_ne_bytes(), &file, MapFlags::ANY)
        .map_err(|source| access("put a program into", stage, source))
}
