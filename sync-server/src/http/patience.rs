//! A connection that gives up on a peer who does not take what it asked for: while bytes wait to be written, each [`WRITE_WINDOW`] must
//! move [`WRITE_BYTES_PER_WINDOW_MIN`], so that nobody holds an answer in memory by taking a byte now and then.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// While writing does not end, this long at a time is looked at.
pub const WRITE_WINDOW: Duration = Duration::from_secs(30);
/// So many bytes a window must move: 136 bytes a second, a twentieth of a 20 kbit/s line.
pub const WRITE_BYTES_PER_WINDOW_MIN: usize = 4 << 10;

/// A stream with a limit on how slowly it may take what is written.
#[derive(Debug)]
pub struct Patient<S> {
    stream: S,
    window_time: Duration,
    /// The end of the present window; runs while bytes wait.
    window: Option<Pin<Box<Sleep>>>,
    /// Bytes that moved within it.
    moved: usize,
}

impl<S> Patient<S> {
    /// Wraps a stream.
    #[must_use]
    pub const fn new(stream: S) -> Self {
        Self::with_window(stream, WRITE_WINDOW)
    }

    const fn with_window(stream: S, window_time: Duration) -> Self {
        Self { stream, window_time, window: None, moved: 0 }
    }

    /// Notes that a write moved bytes. The window goes on: a trickle does not begin it anew.
    const fn note(&mut self, bytes: usize) {
        self.moved = self.moved.saturating_add(bytes);
    }

    /// Nothing waits any more.
    fn rest(&mut self) {
        (self.window, self.moved) = (None, 0);
    }

    /// The peer takes nothing now: waits on, or gives up at the end of a window in which too little moved.
    fn wait<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        loop {
            let time = self.window_time;
            let window = self.window.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + time)));
            ready!(window.as_mut().poll(context));
            if self.moved < WRITE_BYTES_PER_WINDOW_MIN {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.rest();
        }
    }

    fn written(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match outcome {
            Poll::Ready(Ok(bytes)) => {
                self.note(bytes);
                // Enough moved: the next window begins when somebody waits again.
                if self.moved >= WRITE_BYTES_PER_WINDOW_MIN {
                    self.rest();
                }
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.wait(context),
        }
    }

    fn ended(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<()>>) -> Poll<io::Result<()>> {
        if outcome.is_ready() {
            self.rest();
            return outcome;
        }
        self.wait(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, outcome)
    }
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(context);
        // Flushed is what came before: nothing of it waits any more.
        self.ended(context, outcome)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(context);
        self.ended(context, outcome)
    }
    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.written(context, outcome)
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Real time, a short window: how long a writer lasts against a reader who takes `bytes` thirty times a window.
    async fn lasts(bytes: usize, windows_max: u32) -> Result<(), io::ErrorKind> {
        let window = Duration::from_millis(150);
        let (mut reader, writer) = tokio::io::duplex(64);
        let mut writer = Patient::with_window(writer, window);
        let reading = tokio::spawn(async move {
            let mut buffer = vec![0; bytes];
            loop {
                tokio::time::sleep(window / 30).await;
                if bytes > 0 && reader.read_exact(&mut buffer).await.is_err() {
                    return;
                }
            }
        });
        let written = tokio::time::timeout(window * windows_max, writer.write_all(&vec![7; 64 << 20])).await;
        reading.abort();
        match written {
            Err(_) => Ok(()),
            Ok(ended) => Err(ended.unwrap_err().kind()),
        }
    }

    #[tokio::test]
    async fn nobody_holds_an_answer_by_taking_nothing_or_next_to_nothing() {
        assert_eq!(lasts(0, 40).await, Err(io::ErrorKind::TimedOut));
        assert_eq!(lasts(1, 40).await, Err(io::ErrorKind::TimedOut), "a byte now and then");
        assert_eq!(lasts(WRITE_BYTES_PER_WINDOW_MIN, 6).await, Ok(()), "a slow line is waited for");
    }
}
