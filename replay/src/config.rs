//! What a caller asks of a replay: plain data, checked by [`prepare()`](fn@crate::prepare).
//!
//! Holds secrets only inside [`Secret`], which never shows its value.

use corpus::Overwrite;
use corpus::run::{BodyKeeping, Scale};
use corpus::units::{Fraction, Percent, RequestRate};
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

/// Everything that one replay depends on, apart from the corpus' own content.
#[derive(Debug, Clone)]
pub struct Config {
    /// The corpus to replay.
    pub corpus: PathBuf,
    /// The run file to write.
    pub output: PathBuf,
    /// What to do where `output` exists.
    pub overwrite: Overwrite,
    /// The legacy backend, or its recording.
    pub baseline: Baseline,
    /// The new backend.
    pub candidate: Target,
    /// A second instance of the legacy backend. Where there is none, requests are repeated for noise.
    pub control: Option<Target>,
    /// How much load.
    pub scale: Scale,
    /// How long to replay; the corpus repeats. `None`: one pass.
    pub duration: Option<Duration>,
    /// How connections are used.
    pub connections: Connections,
    /// Seed of everything drawn.
    pub seed: u64,
    /// A ceiling on planned requests a second for each backend, repeats included.
    pub max_rate: Option<RequestRate>,
    /// From the real send (or the start of connecting) to giving up.
    pub deadline: Duration,
    /// The share of requests sent to the control too, or repeated.
    pub noise_share: Fraction,
    /// The common lag of repeats.
    pub repeat_lag: Duration,
    /// The Host field of every request.
    pub host_header: HostHeader,
    /// Where roots of trust come from, for `https` backends.
    pub roots: Roots,
    /// Whether certificates are checked.
    pub certificates: Certificates,
    /// Addresses to use instead of asking the resolver, `host:port:address` each.
    pub resolve: Vec<String>,
    /// Hosts that may be targets although they are not private, or were recorded.
    pub allow_hosts: Vec<String>,
    /// Which response bodies are kept.
    pub bodies: BodyKeeping,
    /// Wall clock at the start, nanoseconds since 1970. Kept in the run for people; nothing depends on it.
    pub started_unix_ns: u64,
}

impl Config {
    /// A configuration with the defaults of the command line, seed 0.
    pub fn new(corpus: PathBuf, output: PathBuf, baseline: Baseline, candidate: Target) -> Config {
        Config {
            corpus,
            output,
            overwrite: Overwrite::Refuse,
            baseline,
            candidate,
            control: None,
            scale: Scale::Percent(Percent::HUNDRED),
            duration: None,
            connections: Connections::AsRecorded,
            seed: 0,
            max_rate: None,
            deadline: Duration::from_secs(10),
            noise_share: Fraction::new(0.2).expect("0.2 lies in 0..=1"),
            repeat_lag: Duration::from_millis(500),
            host_header: HostHeader::Target,
            roots: Roots::System,
            certificates: Certificates::Checked,
            resolve: Vec::new(),
            allow_hosts: Vec::new(),
            bodies: BodyKeeping::All,
            started_unix_ns: 0,
        }
    }
}

/// What candidates are compared with.
#[derive(Debug, Clone)]
pub enum Baseline {
    /// A running backend.
    Backend(Target),
    /// The responses in the corpus.
    Recorded,
}

/// A backend to send to.
#[derive(Debug, Clone)]
pub struct Target {
    /// `http://host[:port]` or `https://host[:port]`, without path and user information.
    pub url: String,
    /// Header fields to set on every request to it.
    pub headers: Vec<HeaderSetting>,
}

impl Target {
    /// A backend at `url` with no header fields of its own.
    pub fn new(url: impl Into<String>) -> Target {
        Target { url: url.into(), headers: Vec::new() }
    }
}

/// A header field set on requests. Its name stands in the run, its value nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderSetting {
    /// The field's name.
    pub name: String,
    /// The field's value.
    pub value: Secret,
}

/// A value that is sent and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<Vec<u8>>) -> Secret {
        Secret(value.into())
    }

    /// The value, for the wire only.
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// How connections are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connections {
    /// Recorded connections are the carriers; where one is busy another is opened, so that no session waits
    /// for another.
    AsRecorded,
    /// At most this many connections to each backend; requests wait for a free one.
    Pool(NonZeroU32),
}

/// The Host field of every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostHeader {
    /// The host and port of the backend's URL.
    Target,
    /// As recorded; the target's where none was.
    Recorded,
    /// This name.
    Name(String),
}

/// Where roots of trust come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Roots {
    /// The system's.
    System,
    /// A PEM file, and nothing else.
    File(PathBuf),
}

/// Whether certificates of `https` backends are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificates {
    /// By the roots, and against the URL's host.
    Checked,
    /// Not at all; said in the run and on stderr.
    Unchecked,
}
