//! What is known of drivers that they do not tell.

/// Drivers that run XDP programs themselves, so that the kernel does not have to make a socket buffer
/// first.
const NATIVE_XDP: [&str; 26] = [
    "atlantic",
    "bnxt_en",
    "bond",
    "ena",
    "fsl_dpaa2_eth",
    "fsl_enetc",
    "gve",
    "hv_netvsc",
    "i40e",
    "ice",
    "igb",
    "igc",
    "ixgbe",
    "ixgbevf",
    "mana",
    "mlx4_core",
    "mlx5_core",
    "mvneta",
    "mvpp2",
    "nfp",
    "qede",
    "sfc",
    "tun",
    "veth",
    "virtio_net",
    "vmxnet3",
];

/// Drivers that take an XDP program only with at most half of the channels that they could have, as
/// they keep the others for what XDP sends.
const HALF_FOR_XDP: [&str; 1] = ["ena"];

/// Whether a driver is known to run XDP programs itself.
pub fn has_native_xdp(driver: &str) -> bool {
    NATIVE_XDP.contains(&driver)
}

/// The most channels with which a driver takes an XDP program, of those that it could have.
pub fn channels_with_xdp(driver: &str, max: u32) -> u32 {
    if HALF_FOR_XDP.contains(&driver) { (max / 2).max(1) } else { max }
}
