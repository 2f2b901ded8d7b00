//! Every exit code, documented. Scripts and CI gates rely on them.

use std::process::ExitCode;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: the command did its work; for a verdict: go.
    Done,
    /// 1: something other than usage kept the command from doing its work, or a check found damage.
    Failed,
    /// 2: the words, the configuration or the target are wrong; nothing was done.
    Usage,
    /// 10: no-go.
    NoGo,
    /// 20: inconclusive.
    Inconclusive,
}

impl Exit {
    /// The number.
    pub(crate) fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::NoGo => 10,
            Exit::Inconclusive => 20,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

/// An error of usage or configuration: exit code 2. Wraps a message, or marks another error's chain.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

/// What to try, as the outermost context of an error; printed on a line of its own.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Hint(pub(crate) String);

/// The exit code of an error: 2 where a [`UsageError`] is anywhere in its chain, else 1.
pub(crate) fn of_error(error: &anyhow::Error) -> Exit {
    let usage =
        error.downcast_ref::<UsageError>().is_some() || error.chain().any(|cause| cause.is::<UsageError>());
    if usage { Exit::Usage } else { Exit::Failed }
}

/// Prints clap's message; help and version are no errors.
pub(crate) fn of_clap(error: &clap::Error) -> Exit {
    // A closed pipe while printing help is no failure of ours.
    let _ = error.print();
    if error.use_stderr() { Exit::Usage } else { Exit::Done }
}
