//! Outcomes of a replay and their accounting: what a run file holds.
//!
//! A run holds one [`Planned`] record for every request that came due, and one [`Outcome`] for each arm
//! to which it was due. Records come in the order of completion; a reader joins them by [`PlanSeq`].

use crate::digest::Digest;
use crate::ids::{EndpointId, ExchangeId, PlanSeq, SessionId};
use crate::time::RunTime;
use crate::units::{Fraction, Percent, RequestRate, Speed};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;
use wire::http1::Headers;

/// The part a backend plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The legacy backend.
    Baseline,
    /// The new backend.
    Candidate,
    /// A second instance of the legacy backend: what differs from the baseline there is noise.
    Control,
}

impl Role {
    /// The name in JSON and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Role::Baseline => "baseline",
            Role::Candidate => "candidate",
            Role::Control => "control",
        }
    }
}

/// Whether a sending is the planned one or its repeat for noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sending {
    /// The planned request.
    First,
    /// The same request again after the common lag, where no control instance is there. Repeats are
    /// compared only with repeats, and with the first sending to the same backend to find noise.
    Repeat,
}

/// One arm of a planned request: a backend and a sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Arm {
    /// The backend.
    pub role: Role,
    /// Which sending.
    pub sending: Sending,
}

/// A request of the plan that came due.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// Its place in the plan.
    pub seq: PlanSeq,
    /// The recorded exchange it comes from.
    pub exchange: ExchangeId,
    /// Its endpoint: an index into [`RunHeader::endpoints`].
    pub endpoint: EndpointId,
    /// The recorded session. Clones and repetitions of a session share it: they are no new evidence.
    pub session: SessionId,
    /// Which copy of the session this is: 0 for the recorded one; counts clones and repetitions of the corpus.
    pub copy: u32,
    /// The planned send time of the first sending.
    pub at: RunTime,
    /// The method as recorded.
    #[serde(with = "serde_bytes")]
    pub method: Vec<u8>,
    /// The target as sent.
    #[serde(with = "serde_bytes")]
    pub target: Vec<u8>,
    /// The status in the recording, where a response was seen.
    pub recorded_status: Option<u16>,
    /// The arms to which it is due; each has one [`Outcome`], unless the run was cut.
    pub arms: Vec<Arm>,
}

/// What came of sending one exchange to one arm.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The planned request.
    pub seq: PlanSeq,
    /// The arm.
    pub arm: Arm,
    /// When things happened.
    pub times: Times,
    /// What happened.
    pub result: OutcomeResult,
}

/// The times of one sending, on the run's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Times {
    /// When it was planned (for a repeat: the first sending's plan plus the common lag).
    pub planned: RunTime,
    /// When its predecessor in the session had ended, if that was after `planned`; else equal to `planned`.
    /// `unblocked - planned` is *blocked*: the backend's doing, part of latency.
    pub unblocked: RunTime,
    /// When a connection was ready for it, if that was after `unblocked`; else equal to `unblocked`.
    pub ready: RunTime,
    /// When its first byte was handed to the kernel. `sent - ready` is *lateness*: the replayer's own fault.
    pub sent: Option<RunTime>,
    /// When the first byte of the final response arrived.
    pub first_byte: Option<RunTime>,
    /// When the response, or the failure, was complete.
    pub end: Option<RunTime>,
}

impl Times {
    /// Time from plan to end: what a user would have waited. `None` where it did not end.
    pub fn latency(&self) -> Option<Duration> {
        self.end.map(|end| end.since(self.planned))
    }

    /// Time from the real send to the end.
    pub fn service(&self) -> Option<Duration> {
        self.end.zip(self.sent).map(|(end, sent)| end.since(sent))
    }

    /// Time spent waiting for the predecessor in the session.
    pub fn blocked(&self) -> Duration {
        self.unblocked.since(self.planned)
    }

    /// How long after it could have been sent it was sent. `None` where it was not.
    pub fn lateness(&self) -> Option<Duration> {
        self.sent.map(|sent| sent.since(self.ready))
    }
}

/// The result of one sending.
#[derive(Debug, Clone, PartialEq)]
pub enum OutcomeResult {
    /// A whole response.
    Response(RecordedResponse),
    /// It was sent (at least in part) and no whole response came.
    Failure {
        /// What kind of failure.
        kind: FailureKind,
        /// Whose doing it was.
        fault: Fault,
        /// The status, where a head had come before the failure.
        status: Option<u16>,
    },
    /// It was not sent.
    NotSent {
        /// Why.
        reason: NotSent,
        /// Whose doing it was.
        fault: Fault,
    },
}

/// A response of a backend, as recorded in a run. With `--baseline recorded` the recording's own response
/// stands as the outcome of [`Role::Baseline`], at times that mean nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedResponse {
    /// The status, 200..=999 (101 is a response too).
    pub status: u16,
    /// Header fields in order, credentials replaced by keyed tokens.
    pub headers: Headers,
    /// Trailer fields.
    pub trailers: Headers,
    /// The body.
    pub body: RecordedBody,
}

/// The body of a backend's response: always digested, and kept where asked and possible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedBody {
    /// Length after transfer coding, in bytes.
    pub len: u64,
    /// Keyed digest of those bytes.
    pub digest: Digest,
    /// Where the bytes are.
    pub kept: Kept,
}

/// Whether the bytes of a body are in the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// In the run.
    Stored(StoredBody),
    /// Not asked for (`--bodies digest`, or not in the sample).
    NotAsked,
    /// Larger than the limit for one body.
    TooLarge,
    /// The recorder's queue was full.
    QueueFull,
}

/// A body's bytes: inline when handed to a writer, an address when read back.
///
/// Most pairs are equal by digest, so a reader loads bytes only when asked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredBody {
    /// The bytes themselves.
    Inline(bytes::Bytes),
    /// Where they are in the run file.
    At {
        /// The segment, counted from 0.
        segment: u32,
        /// The body within the segment, counted from 0.
        index: u32,
    },
}

/// How a sending failed after some of it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The deadline passed, counted from the real send.
    Timeout,
    /// The connection was reset.
    Reset,
    /// The connection was closed before the response's first byte.
    Closed,
    /// The connection was closed inside the response.
    Partial,
    /// What came is no HTTP.
    Garbage,
    /// The response is larger than the limit of what is read.
    TooLarge,
    /// Any other error of the connection.
    Io,
    /// The replay was stopped while this was on its way.
    Aborted,
}

/// Why a planned request was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotSent {
    /// The backend refused the connection.
    ConnectRefused,
    /// The connection was not made before the deadline.
    ConnectTimeout,
    /// Any other error on connecting.
    ConnectFailed,
    /// TLS could not be agreed.
    TlsFailed,
    /// The predecessor in the session never ended, up to the end of the run.
    Blocked,
    /// The replay was stopped before its time.
    Stopped,
    /// The replayer itself was out of something (file descriptors, ports, queue places).
    ReplayerLimit,
}

/// Whose doing a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The backend's: a measurement.
    Backend,
    /// The replayer's, or of the machine it runs on: a reason to doubt the run.
    Replayer,
    /// Somebody asked for it: a stop.
    Operator,
}

macro_rules! names {
    ($type:ident { $($variant:ident => $name:literal),+ $(,)? }) => {
        impl $type {
            /// Every value, in the order of the declaration.
            pub const ALL: &'static [$type] = &[$($type::$variant),+];

            /// The name in JSON and in tables.
            pub fn name(self) -> &'static str {
                match self { $($type::$variant => $name),+ }
            }
        }
    };
}

names!(FailureKind {
    Timeout => "timeout", Reset => "reset", Closed => "closed", Partial => "partial", Garbage => "garbage",
    TooLarge => "too_large", Io => "io", Aborted => "aborted",
});
names!(NotSent {
    ConnectRefused => "connect_refused", ConnectTimeout => "connect_timeout", ConnectFailed => "connect_failed",
    TlsFailed => "tls_failed", Blocked => "blocked", Stopped => "stopped", ReplayerLimit => "replayer_limit",
});

/// Known before the first request; written first. Holds no secret and no machine path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunHeader {
    /// Version of the tool that wrote the file.
    pub tool_version: String,
    /// Wall clock at the run's start, nanoseconds since 1970. Never enters a report's judgement.
    pub started_unix_ns: u64,
    /// The corpus: its digest, or of an unsealed one the digest of what was there.
    pub corpus: CorpusRef,
    /// The backends.
    pub backends: Vec<Backend>,
    /// Load.
    pub load: Load,
    /// Seed of everything drawn.
    pub seed: u64,
    /// From the real send to giving up.
    pub deadline: Duration,
    /// The share of requests sent also to the control, or repeated.
    pub noise_share: Fraction,
    /// The common lag of repeats.
    pub repeat_lag: Duration,
    /// Endpoint names (`GET /orders/{id}`), indexed by [`EndpointId`].
    pub endpoints: Vec<EndpointPlan>,
    /// Exchanges of the corpus that the plan leaves out, by reason (`unsafe_method`, `malformed`,
    /// `incomplete_request`, `not_http1`, ...), once per exchange of one pass over the corpus.
    pub left_out: BTreeMap<String, u64>,
    /// Exchanges of the corpus, of one pass.
    pub corpus_exchanges: u64,
    /// Requests the plan holds, over the whole duration.
    pub planned_requests: u64,
    /// The policy fixed before the first request: the text of its canonical JSON, and empty where none was given.
    pub policy_json: String,
    /// `--bodies`.
    pub bodies: BodyKeeping,
}

/// Which corpus a run replayed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorpusRef {
    /// Hex digest from the corpus' seal.
    pub digest: String,
    /// Recorded seconds, rate and completeness: what the report needs to judge the corpus itself.
    pub sealed: bool,
    /// Complete exchanges of the ledger.
    pub exchanges_complete: u64,
    /// Incomplete exchanges of the ledger.
    pub exchanges_incomplete: u64,
    /// Exchanges that could not be read because the file is damaged.
    pub exchanges_damaged: u64,
}

/// One backend under test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backend {
    /// Its role.
    pub role: Role,
    /// Its URL without user information; `recorded` where the recorded responses stand for it.
    pub url: String,
    /// Names of header fields that were set; their values are never kept.
    pub headers_set: Vec<String>,
    /// Whether its certificate was not checked (`--insecure`).
    pub insecure: bool,
}

/// How much load was asked for and planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// What was asked for.
    pub scale: Scale,
    /// Production's rate: recorded rate / sample fraction / represented fraction.
    pub production_rate: Option<RequestRate>,
    /// The rate that the plan has, per backend, without repeats.
    pub planned_rate: Option<RequestRate>,
    /// The percent of production that the plan achieves.
    pub percent_achieved: Option<Percent>,
    /// How long the plan runs.
    pub duration: Duration,
    /// How often the corpus is walked through, in full or in part.
    pub passes: u32,
    /// `--max-rate` in force.
    pub max_rate: Option<RequestRate>,
}

/// `--percent`, `--rate` or `--speed`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Scale {
    /// A percentage of production's rate.
    Percent(Percent),
    /// Requests a second for each backend.
    Rate(RequestRate),
    /// Recorded time, faster or slower.
    Speed(Speed),
}

/// One endpoint of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointPlan {
    /// `GET /orders/{id}`.
    pub name: String,
    /// Requests to it in one pass over the corpus, planned or left out.
    pub recorded: u64,
    /// Requests to it that the plan holds.
    pub planned: u64,
}

/// Which bodies are kept (`--bodies`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyKeeping {
    /// All, up to the limits.
    All,
    /// Those of a share of the requests, the same requests on all arms.
    Sample,
    /// None: digests only.
    Digest,
}

/// Known when a replay ends; written into the seal.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RunSeal {
    /// Why the replay ended.
    pub ended: Option<RunEnd>,
    /// When it ended, on the run's clock.
    pub at: RunTime,
    /// The balance of each backend.
    pub accounting: Vec<BackendAccounting>,
    /// Reasons of the replayer's own to doubt the run: a name and a number each (`cpu_saturated`, `fd_limit`, ...).
    pub warnings: BTreeMap<String, f64>,
}

/// Why a replay ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunEnd {
    /// The plan was carried out.
    Completed,
    /// Ctrl-C or a termination signal: the run is partial.
    Interrupted,
    /// 100 failures in a row at one backend.
    FailuresInARow,
    /// More than 5 % of requests failed over 10 s at one backend.
    FailureRate,
    /// The recorder could not keep up.
    RecorderOverrun,
    /// The recorder could not write.
    RecorderFailed,
}

impl RunEnd {
    /// The name in JSON and in tables.
    pub fn name(self) -> &'static str {
        match self {
            RunEnd::Completed => "completed",
            RunEnd::Interrupted => "interrupted",
            RunEnd::FailuresInARow => "failures_in_a_row",
            RunEnd::FailureRate => "failure_rate",
            RunEnd::RecorderOverrun => "recorder_overrun",
            RunEnd::RecorderFailed => "recorder_failed",
        }
    }
}

/// The balance of one backend: `planned = sent + sum of not_sent`, `sent = responses + sum of failures`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendAccounting {
    /// The backend.
    pub role: Role,
    /// Requests due to it, repeats included.
    pub planned: u64,
    /// Requests of which at least one byte was sent.
    pub sent: u64,
    /// Requests not sent, by reason.
    pub not_sent: BTreeMap<NotSent, u64>,
    /// Whole responses, without 1xx.
    pub responses: u64,
    /// Failures, by kind.
    pub failures: BTreeMap<FailureKind, u64>,
    /// Requests sent again on a new connection because a kept-alive one had been closed before they were sent.
    pub retried_stale: u64,
}

impl BackendAccounting {
    /// Whether both sums hold exactly.
    pub fn balances(&self) -> bool {
        self.planned == self.sent + self.not_sent.values().sum::<u64>()
            && self.sent == self.responses + self.failures.values().sum::<u64>()
    }
}

/// A planned request with its outcomes: what a run reader yields.
#[derive(Debug, Clone, PartialEq)]
pub struct Joined {
    /// The planned request.
    pub planned: Planned,
    /// Its outcomes, ordered by arm; fewer than `planned.arms` where the run was cut.
    pub outcomes: Vec<Outcome>,
}
