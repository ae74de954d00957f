//! Running the loaded programs on packets of our own (`BPF_PROG_TEST_RUN`).

use std::ffi::OsStr;

use bytemuck::{Pod, Zeroable};
use libbpf_rs::{Object, ProgramInput};
use units::TcHandle;

use super::{DatapathError, Loaded};

/// Room that `xdp_ingress` may put in front of the packet.
const METADATA: usize = size_of::<abi::Metadata>();

/// `struct xdp_md` of `include/uapi/linux/bpf.h`.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
struct XdpContext {
    data: u32,
    data_end: u32,
    data_meta: u32,
    ingress_ifindex: u32,
    rx_queue_index: u32,
    egress_ifindex: u32,
}

/// The head of `struct __sk_buff`, as far as `priority`, with room for the rest.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct SkbContext {
    len: u32,
    pkt_type: u32,
    mark: u32,
    queue_mapping: u32,
    protocol: u32,
    vlan_present: u32,
    vlan_tci: u32,
    vlan_proto: u32,
    priority: u32,
    ingress_ifindex: u32,
    ifindex: u32,
    rest: [u32; 32],
    tail: [u32; 5],
}

/// What `xdp_ingress` did with a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XdpOutcome {
    /// `XDP_PASS` is 2, `XDP_REDIRECT` 4.
    pub action: u32,
    /// What it left in front of the packet.
    pub metadata: Option<abi::Metadata>,
    /// The packet as it left.
    pub packet: Vec<u8>,
}

/// What `tc_egress` did with a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcOutcome {
    /// The class that it chose; the zero handle for none.
    pub class: TcHandle,
    /// The packet as it left.
    pub packet: Vec<u8>,
}

/// Runs programs on single packets. Packets seem to come in by the loopback interface (index 1):
/// load with that as one of the NICs.
pub trait Trial {
    /// Runs `xdp_ingress`.
    ///
    /// # Errors
    /// When the kernel refuses the packet: shorter than an Ethernet header, or too long.
    fn xdp_ingress(&mut self, packet: &[u8]) -> Result<XdpOutcome, DatapathError>;

    /// Runs `tc_egress` and tells the class that it chose; the zero handle for none.
    ///
    /// # Errors
    /// Likewise.
    fn tc_egress(&mut self, packet: &[u8]) -> Result<TcHandle, DatapathError> {
        self.tc_egress_whole(packet).map(|outcome| outcome.class)
    }

    /// Runs `tc_egress` and tells all that it did.
    ///
    /// # Errors
    /// Likewise.
    fn tc_egress_whole(&mut self, packet: &[u8]) -> Result<TcOutcome, DatapathError>;
}

impl Trial for Loaded {
    fn xdp_ingress(&mut self, packet: &[u8]) -> Result<XdpOutcome, DatapathError> {
        let mut context_out = [0; size_of::<XdpContext>()];
        let mut data_out = vec![0; packet.len() + METADATA];
        let mut context_in = XdpContext { data_end: packet.len() as u32, ..XdpContext::default() };
        let input = ProgramInput {
            context_in: Some(bytemuck::bytes_of_mut(&mut context_in)),
            context_out: Some(&mut context_out),
            data_in: Some(packet),
            data_out: Some(&mut data_out),
            ..ProgramInput::default()
        };
        let output = run(&mut self.object, "xdp_ingress", input)?;
        let action = output.return_value;
        let mut packet = output.data.map(|data| data.to_vec()).unwrap_or_default();
        let context: XdpContext = bytemuck::pod_read_unaligned(&context_out);
        let front = context.data.saturating_sub(context.data_meta) as usize;
        let metadata = (front == METADATA && packet.len() >= METADATA)
            .then(|| bytemuck::pod_read_unaligned(&packet[..METADATA]));
        packet.drain(..front.min(packet.len()));
        Ok(XdpOutcome { action, metadata, packet })
    }

    fn tc_egress_whole(&mut self, packet: &[u8]) -> Result<TcOutcome, DatapathError> {
        let mut context_out = [0; size_of::<SkbContext>()];
        let mut data_out = vec![0; packet.len()];
        let input = ProgramInput {
            context_out: Some(&mut context_out),
            data_in: Some(packet),
            data_out: Some(&mut data_out),
            ..ProgramInput::default()
        };
        let output = run(&mut self.object, "tc_egress", input)?;
        let packet = output.data.map(|data| data.to_vec()).unwrap_or_default();
        let context: SkbContext = bytemuck::pod_read_unaligned(&context_out);
        Ok(TcOutcome { class: TcHandle::from_raw(context.priority), packet })
    }
}

fn run<'dat>(
    object: &mut Object,
    program: &'static str,
    input: ProgramInput<'dat>,
) -> Result<libbpf_rs::ProgramOutput<'dat>, DatapathError> {
    object
        .progs_mut()
        .find(|candidate| candidate.name() == OsStr::new(program))
        .ok_or(DatapathError::Missing(program))?
        .test_run(input)
        .map_err(|source| DatapathError::Run { program, source })
}
