//! The client for tokio, with a deadline on every exchange.

use std::io;
use std::path::Path;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::UnixStream;
use tokio::time::timeout;
use tokio_util::codec::Framed;

use super::{ClientError, capturing_of, hello, step_of, view_of, welcome_of};
use crate::capture::{CaptureRequest, CaptureStep, Capturing};
use crate::codec::ClientCodec;
use crate::frame::FrameError;
use crate::reply::{Reply, Welcome};
use crate::request::{Request, Topic};
use crate::views::View;

/// A connection to the daemon. Each call takes at most the time given at [`AsyncClient::connect`].
///
/// Dropping a call's future before it is done loses the reply, not the connection.
#[derive(Debug)]
pub struct AsyncClient {
    stream: Framed<UnixStream, ClientCodec>,
    timeout: Duration,
    next_id: u64,
    welcome: Welcome,
}

impl AsyncClient {
    /// Connects and says hello. `deadline` bounds this and every later exchange.
    ///
    /// # Errors
    /// As [`crate::Client::connect`].
    pub async fn connect(path: &Path, deadline: Duration) -> Result<Self, ClientError> {
        let stream = timeout(deadline, UnixStream::connect(path))
            .await
            .map_err(|_| ClientError::Timeout { waited: deadline })?
            .map_err(|error| ClientError::connect(path, deadline, error))?;
        let nobody = Welcome { version: 0, daemon_version: String::new(), role: crate::Role::Read };
        let stream = Framed::new(stream, ClientCodec);
        let mut client = Self { stream, timeout: deadline, next_id: 1, welcome: nobody };
        client.welcome = welcome_of(client.call(&hello()).await?)?;
        Ok(client)
    }

    /// What the daemon said at the start.
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// The view of `topic`, now.
    ///
    /// # Errors
    /// When the daemon does not answer in time or refuses.
    pub async fn show(&mut self, topic: Topic) -> Result<View, ClientError> {
        view_of(self.call(&Request::Show(topic)).await?)
    }

    /// Sends one request and waits for its reply; a refusal is a reply.
    ///
    /// # Errors
    /// When the daemon does not answer in time.
    pub async fn call(&mut self, request: &Request) -> Result<Reply, ClientError> {
        let waited = self.timeout;
        let exchange = async {
            let id = self.send(request).await?;
            self.receive(id).await
        };
        timeout(waited, exchange).await.unwrap_or(Err(ClientError::Timeout { waited }))
    }

    /// Asks for one view of `topic` a tick; [`AsyncClient::next`] with the id returned takes them.
    ///
    /// # Errors
    /// When the request cannot be sent in time.
    pub async fn subscribe(&mut self, topic: Topic) -> Result<u64, ClientError> {
        self.send_in_time(&Request::Subscribe(topic)).await
    }

    /// The next view of the subscription `id`. Views of others are passed over.
    ///
    /// # Errors
    /// When none comes in time, or the daemon refuses or ends the subscription.
    pub async fn next(&mut self, id: u64) -> Result<View, ClientError> {
        view_of(self.receive_in_time(id).await?)
    }

    /// Asks for one view of `topic`; [`AsyncClient::next_of_any`] takes it, with the id returned.
    ///
    /// # Errors
    /// When the request cannot be sent in time.
    pub async fn ask(&mut self, topic: Topic) -> Result<u64, ClientError> {
        self.send_in_time(&Request::Show(topic)).await
    }

    /// The next reply to anything that was asked, with the request's id: for those who have several
    /// subscriptions. It waits for as long as it takes; dropping the future loses nothing.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn next_of_any(&mut self) -> Result<(u64, Reply), ClientError> {
        match self.stream.next().await {
            Some(received) => received.map_err(|error| self.broken(error)),
            None => Err(ClientError::Closed),
        }
    }

    /// Begins a capture; [`AsyncClient::next_step`] with the id returned takes the packets.
    ///
    /// # Errors
    /// When the daemon does not answer in time or refuses.
    pub async fn capture(
        &mut self,
        request: CaptureRequest,
    ) -> Result<(u64, Capturing), ClientError> {
        let id = self.send_in_time(&Request::Capture(request)).await?;
        Ok((id, capturing_of(self.receive_in_time(id).await?)?))
    }

    /// What comes next of the capture `id`. What belongs to others is passed over.
    ///
    /// # Errors
    /// When nothing comes in time, or the daemon refuses.
    pub async fn next_step(&mut self, id: u64) -> Result<CaptureStep, ClientError> {
        step_of(self.receive_in_time(id).await?)
    }

    /// Ends the subscription or the capture `id`. A capture's packets under way and its end still
    /// come.
    ///
    /// # Errors
    /// When the request cannot be sent in time.
    pub async fn unsubscribe(&mut self, id: u64) -> Result<(), ClientError> {
        self.send_in_time(&Request::Unsubscribe(id)).await.map(drop)
    }

    async fn send_in_time(&mut self, request: &Request) -> Result<u64, ClientError> {
        let waited = self.timeout;
        let sent = timeout(waited, self.send(request)).await;
        sent.unwrap_or(Err(ClientError::Timeout { waited }))
    }

    async fn receive_in_time(&mut self, id: u64) -> Result<Reply, ClientError> {
        let waited = self.timeout;
        let received = timeout(waited, self.receive(id)).await;
        received.unwrap_or(Err(ClientError::Timeout { waited }))
    }

    async fn send(&mut self, request: &Request) -> Result<u64, ClientError> {
        let id = self.next_id;
        self.next_id += 1;
        let sent = self.stream.send((id, request)).await;
        sent.map(|()| id).map_err(|error| ClientError::exchange(self.timeout, error))
    }

    async fn receive(&mut self, id: u64) -> Result<Reply, ClientError> {
        loop {
            match self.stream.next().await {
                // id 0 is the daemon's own: it could not tell what it was asked
                Some(Ok((from, reply))) if from == id || from == 0 => return Ok(reply),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(self.broken(error)),
                None => return Err(ClientError::Closed),
            }
        }
    }

    fn broken(&self, error: FrameError) -> ClientError {
        match error {
            // the codec's word for a stream that ended inside a frame
            FrameError::Io(error) if error.kind() == io::ErrorKind::Other => ClientError::Closed,
            error => ClientError::exchange(self.timeout, error),
        }
    }
}
