//! What the blocking client is sent piece by piece: views of a subscription, packets of a capture.

use super::{Client, ClientError, step_of, view_of};
use crate::capture::{CaptureEnded, CaptureStep, CapturedPacket, Capturing};
use crate::request::Request;
use crate::views::View;

/// Views as they come, one a tick. Dropping it ends the subscription.
#[derive(Debug)]
pub struct Subscription<'a> {
    client: &'a mut Client,
    id: u64,
    failed: bool,
}

impl<'a> Subscription<'a> {
    pub(super) fn new(client: &'a mut Client, id: u64) -> Self {
        Self { client, id, failed: false }
    }
}

impl Iterator for Subscription<'_> {
    type Item = Result<View, ClientError>;

    /// The next view; after an error, nothing.
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let view = self.client.receive_next(self.id).and_then(view_of);
        self.failed = view.is_err();
        Some(view)
    }
}

impl Drop for Subscription<'_> {
    fn drop(&mut self) {
        // a refusal does not end it; when this fails the connection is gone, and with it the subscription
        let _ = self.client.send_now(&Request::Unsubscribe(self.id));
    }
}

/// Packets as they come, in batches, at least one a second and an empty one when there are none.
/// The iterator ends with the capture. Dropping it ends the capture.
#[derive(Debug)]
pub struct Capture<'a> {
    client: &'a mut Client,
    id: u64,
    capturing: Capturing,
    ended: Option<CaptureEnded>,
    failed: bool,
}

impl<'a> Capture<'a> {
    pub(super) fn new(client: &'a mut Client, id: u64, capturing: Capturing) -> Self {
        Self { client, id, capturing, ended: None, failed: false }
    }

    /// Where packets are captured, and the bounds that the daemon keeps.
    pub fn capturing(&self) -> &Capturing {
        &self.capturing
    }

    /// How it ended; none while it goes on, or when it failed.
    pub fn ended(&self) -> Option<CaptureEnded> {
        self.ended
    }

    /// Asks for its end. Packets under way still come, then the iterator ends.
    ///
    /// # Errors
    /// When the request cannot be sent in time.
    pub fn stop(&mut self) -> Result<(), ClientError> {
        self.client.send_now(&Request::Unsubscribe(self.id)).map(drop)
    }
}

impl Iterator for Capture<'_> {
    type Item = Result<Vec<CapturedPacket>, ClientError>;

    /// The next packets; after the end or an error, nothing.
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.ended.is_some() {
            return None;
        }
        match self.client.receive_next(self.id).and_then(step_of) {
            Ok(CaptureStep::Packets(packets)) => Some(Ok(packets)),
            Ok(CaptureStep::Ended(ended)) => {
                self.ended = Some(ended);
                None
            }
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }
}

impl Drop for Capture<'_> {
    fn drop(&mut self) {
        if !self.failed && self.ended.is_none() {
            // when this fails the connection is gone, and with it the capture
            let _ = self.stop();
        }
    }
}
