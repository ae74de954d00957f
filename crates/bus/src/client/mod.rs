//! The two clients: one that blocks and one for tokio. Both put a deadline on everything.

mod asynchronous;
mod blocking;
mod error;
mod stream;

pub use asynchronous::AsyncClient;
pub use blocking::Client;
pub use error::ClientError;
pub use stream::{Capture, Subscription};

use crate::capture::{CaptureStep, Capturing};
use crate::reply::{Reply, Welcome};
use crate::request::{Hello, Request};
use crate::version::VersionRange;
use crate::views::View;

/// How this crate introduces itself.
fn hello() -> Request {
    let client = concat!("tidegate ", env!("CARGO_PKG_VERSION")).to_owned();
    Request::Hello(Hello { client, versions: VersionRange::SUPPORTED })
}

fn welcome_of(reply: Reply) -> Result<Welcome, ClientError> {
    match reply {
        Reply::Welcome(welcome) => Ok(welcome),
        other => Err(unexpected("hello", other)),
    }
}

fn view_of(reply: Reply) -> Result<View, ClientError> {
    match reply {
        Reply::View(view) => Ok(view),
        other => Err(unexpected("show", other)),
    }
}

fn capturing_of(reply: Reply) -> Result<Capturing, ClientError> {
    match reply {
        Reply::Capturing(capturing) => Ok(capturing),
        other => Err(unexpected("capture", other)),
    }
}

fn step_of(reply: Reply) -> Result<CaptureStep, ClientError> {
    match reply {
        Reply::Captured(packets) => Ok(CaptureStep::Packets(packets)),
        Reply::CaptureEnded(ended) => Ok(CaptureStep::Ended(ended)),
        other => Err(unexpected("capture", other)),
    }
}

/// A refusal becomes itself; any other reply answers a question that was not asked.
fn unexpected(asked: &'static str, reply: Reply) -> ClientError {
    match reply {
        Reply::Error(refusal) => ClientError::Refused(refusal),
        _ => ClientError::Unexpected { asked },
    }
}
