//! The real daemon between real traffic, in a lab.
//!
//! Each test makes its provider, starts `tidegated` in the box, and looks at what arrives. They
//! need root and take the machine for themselves.

#![forbid(unsafe_code)]

mod capturing;
mod changing;
mod clients;
mod crowding;
mod doctoring;
mod editing;
mod events;
mod flows;
mod forwarding;
mod hanging;
mod lazy;
mod lifecycle;
mod links;
mod metrics;
mod origins;
mod passing;
mod provider;
mod python;
mod quality;
mod refusing;
mod reloading;
mod service;
mod shaping;
mod shrinking;
mod stage;
mod tuning;
mod upgrading;
