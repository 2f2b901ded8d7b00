//! Ctrl-C and termination signals as a stop of the replay under way.

use anyhow::{Context, Result};
use replay::StopHandle;
use std::thread::JoinHandle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// Stops the replay on the first signal; until dropped.
#[derive(Debug)]
pub(crate) struct StopOnSignal {
    done: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl StopOnSignal {
    /// Watches for signals on a thread of its own.
    ///
    /// # Errors
    /// Where the system gives no thread, no runtime or no handler.
    pub(crate) fn watch(stop: StopHandle) -> Result<StopOnSignal> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.context("watch for signals")?;
        let (mut interrupt, mut terminate) = {
            let _inside = runtime.enter();
            let listen = |kind| signal(kind).context("watch for signals");
            (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?)
        };
        let (done, ended) = oneshot::channel();
        let watch = async move {
            tokio::select! {
                _ = interrupt.recv() => stop.stop(),
                _ = terminate.recv() => stop.stop(),
                _ = ended => {}
            }
        };
        let thread =
            std::thread::Builder::new().name("signals".to_owned()).spawn(move || runtime.block_on(watch));
        Ok(StopOnSignal { done: Some(done), thread: Some(thread.context("watch for signals")?) })
    }
}

impl Drop for StopOnSignal {
    fn drop(&mut self) {
        if let Some(done) = self.done.take() {
            // Fails only where a signal has ended the thread already.
            let _ = done.send(());
        }
        if let Some(thread) = self.thread.take() {
            // It neither fails nor holds anything.
            let _ = thread.join();
        }
    }
}
