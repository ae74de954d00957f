//! The state machine: what keys, views and losses lead to.

mod anything;
mod connection;
mod navigation;

use bus::{CircuitsQuery, Topic};

use super::{Slot, Wish};
use crate::samples::Viewer;

/// The question for circuits among the wishes of the last event.
fn circuits_wished(viewer: &Viewer) -> Option<CircuitsQuery> {
    viewer.wished.iter().find_map(|wish| match wish {
        Wish::Subscribe(Slot::Circuits, Topic::Circuits(query)) => Some(query.clone()),
        _ => None,
    })
}

/// The slots that are subscribed to.
fn slots(viewer: &Viewer) -> Vec<Slot> {
    viewer.app.subscriptions().into_iter().map(|(slot, _)| slot).collect()
}
