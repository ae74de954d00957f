//! What is wrong with the box: a list of checks, each a pure function from what was seen to findings.
//!
//! - `patient`: all that is looked at, gathered once;
//! - `finding`: what a check says;
//! - the checks, by what they are about: `system`, `tuning`, `nics`, `forwarding`, `programs`, `service`.

mod finding;
mod forwarding;
mod nics;
mod patient;
mod programs;
mod service;
mod system;
mod tuning;

pub(crate) use finding::{Finding, State};
pub(crate) use patient::{Daemon, Patient, names, wanted};

/// A check.
type Check = fn(&Patient<'_>) -> Vec<Finding>;

/// All checks, in the order in which equally bad findings are told.
const CHECKS: [Check; 23] = [
    service::rights,
    service::configuration,
    service::daemon,
    service::put_in_force,
    service::threads,
    service::maps,
    service::drops,
    service::open_files,
    system::kernel,
    system::qdiscs,
    system::clock,
    system::bpffs,
    system::memlock,
    nics::presence,
    nics::link,
    nics::mtu,
    nics::driver,
    nics::tags,
    nics::xps,
    forwarding::bridge,
    forwarding::netfilter,
    programs::programs,
    programs::queues,
];

/// What all checks find, the worst first.
pub(crate) fn examine(patient: &Patient<'_>) -> Vec<Finding> {
    let mut findings: Vec<_> = CHECKS.iter().flat_map(|check| check(patient)).collect();
    findings.extend(tuning::all(patient));
    findings.sort_by_key(|finding| finding.state);
    findings
}

#[cfg(test)]
mod tests;
