//! Runs made up for tests: two backends, each answering by a rule, written as a run file and judged from it.

use super::{Config, DEFAULT_SEED, ReportError, build};
use crate::policy;
use crate::stats::draw::Draw;
use crate::summary::Summary;
use corpus::digest::DigestKey;
use corpus::ids::{EndpointId, ExchangeId, PlanSeq, SessionId};
use corpus::run::{
    Arm, Backend, BackendAccounting, BodyKeeping, CorpusRef, EndpointPlan, FailureKind, Fault, Kept, Load,
    NotSent, Outcome, OutcomeResult, Planned, RecordedBody, RecordedResponse, Role, RunEnd, RunHeader,
    RunSeal, Scale, Sending, StoredBody, Times,
};
use corpus::time::RunTime;
use corpus::units::{Fraction, Percent, RequestRate};
use corpus::{Overwrite, RunWriter};
use std::collections::BTreeMap;
use std::time::Duration;
use wire::http1::Headers;

/// What a backend does with one request.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Does {
    /// Answers with a status and a body, after some microseconds.
    Answers(u16, String, u64),
    /// Does not answer before the deadline.
    TimesOut,
    /// Refuses the connection.
    Refuses,
    /// Nothing: the replayer failed.
    ReplayerFails,
}

/// One request as a rule sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub(super) number: u64,
    pub(super) endpoint: usize,
    pub(super) sending: Sending,
    /// A latency drawn for both backends alike, in microseconds.
    pub(super) base_us: u64,
    /// Bits drawn for this backend and sending alone.
    pub(super) own: u64,
}

impl Request {
    /// The usual answer: the base latency with a tenth of it as the backend's own.
    pub(super) fn answer(&self) -> Does {
        self.slower(1.0)
    }

    /// The usual answer, `factor` times as slow.
    pub(super) fn slower(&self, factor: f64) -> Does {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a test's latency"
        )]
        let us = (self.base_us as f64 * factor * (0.95 + 0.1 * (self.own % 1000) as f64 / 1000.0)) as u64;
        Does::Answers(200, format!("{{\"id\":{},\"price\":\"9.50\"}}", self.number), us)
    }
}

/// A run to be made up.
pub(super) struct Scenario {
    pub(super) per_second: u64,
    pub(super) seconds: u64,
    pub(super) endpoints: Vec<&'static str>,
    pub(super) sessions: u64,
    /// Distinct exchanges: beyond them, requests repeat.
    pub(super) distinct: u64,
    pub(super) baseline: Box<dyn Fn(Request) -> Does>,
    pub(super) candidate: Box<dyn Fn(Request) -> Does>,
    /// Every so many requests is repeated at both; 0 for none.
    pub(super) repeat_every: u64,
    pub(super) recorded_status: Option<u16>,
    pub(super) policy: &'static str,
    /// The policy given to the report, where it is another one.
    pub(super) judged_by: Option<&'static str>,
    pub(super) header: Box<dyn Fn(&mut RunHeader)>,
    pub(super) ended: Option<RunEnd>,
    pub(super) lateness_us: [u64; 2],
    pub(super) keep_bodies: bool,
}

impl Default for Scenario {
    /// A backend against itself: 200 requests a second for 30 s, all different, from 300 sessions.
    fn default() -> Scenario {
        Scenario {
            per_second: 200,
            seconds: 30,
            endpoints: vec!["GET /orders/{id}"],
            sessions: 300,
            distinct: u64::MAX,
            baseline: Box::new(|request| request.answer()),
            candidate: Box::new(|request| request.answer()),
            repeat_every: 5,
            recorded_status: Some(200),
            policy: "",
            judged_by: None,
            header: Box::new(|_| ()),
            ended: Some(RunEnd::Completed),
            lateness_us: [20, 20],
            keep_bodies: true,
        }
    }
}

const DEADLINE: Duration = Duration::from_secs(2);

impl Scenario {
    /// Writes the run and judges it.
    pub(super) fn summary(&self) -> Summary {
        self.try_summary().expect("the run can be judged")
    }

    pub(super) fn try_summary(&self) -> Result<Summary, ReportError> {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let path = folder.path().join("step.run");
        self.write(&path);
        let policy = self.judged_by.map(|text| policy::parse(text).expect("a policy"));
        build(&Config { runs: vec![path], policy, seed: DEFAULT_SEED })
    }

    pub(super) fn write(&self, path: &std::path::Path) {
        let mut header = self.plain_header();
        (self.header)(&mut header);
        let mut writer = RunWriter::create(path, &header, Overwrite::Refuse).expect("the run can be written");
        let mut accounting: BTreeMap<Role, BackendAccounting> = BTreeMap::new();
        for number in 0..self.per_second * self.seconds {
            let planned = self.planned(number);
            writer.planned(&planned).expect("written");
            for arm in &planned.arms {
                let outcome = self.outcome(&planned, *arm);
                count(accounting.entry(arm.role).or_insert_with(|| empty(arm.role)), &outcome);
                writer.outcome(&outcome).expect("written");
            }
        }
        match self.ended {
            None => drop(writer),
            Some(ended) => {
                let at = RunTime(self.seconds * 1_000_000_000);
                let accounting = accounting.into_values().collect();
                let seal = RunSeal { ended: Some(ended), at, accounting, warnings: BTreeMap::new() };
                writer.seal(&seal).expect("sealed");
            }
        }
    }

    fn plain_header(&self) -> RunHeader {
        let requests = self.per_second * self.seconds;
        let each = requests / self.endpoints.len() as u64;
        let backend =
            |role, url: &str| Backend { role, url: url.to_owned(), headers_set: Vec::new(), insecure: false };
        RunHeader {
            tool_version: "0.1.0".to_owned(),
            started_unix_ns: 0,
            corpus: CorpusRef {
                digest: "c0".to_owned(),
                sealed: true,
                exchanges_complete: requests,
                exchanges_incomplete: 0,
                exchanges_damaged: 0,
            },
            backends: vec![
                backend(Role::Baseline, "http://127.0.0.1:1"),
                backend(Role::Candidate, "http://127.0.0.1:2"),
            ],
            load: Load {
                scale: Scale::Percent(Percent::HUNDRED),
                production_rate: RequestRate::new(200.0),
                planned_rate: RequestRate::new(200.0),
                percent_achieved: Some(Percent::HUNDRED),
                duration: Duration::from_secs(self.seconds),
                passes: 1,
                max_rate: None,
            },
            seed: 1,
            deadline: DEADLINE,
            noise_share: Fraction::ONE,
            repeat_lag: Duration::from_millis(500),
            endpoints: self
                .endpoints
                .iter()
                .map(|name| EndpointPlan {
                    name: (*name).to_owned(),
                    recorded: each.min(self.distinct),
                    planned: each,
                })
                .collect(),
            left_out: BTreeMap::new(),
            corpus_exchanges: requests,
            planned_requests: requests,
            policy_json: if self.policy.is_empty() {
                String::new()
            } else {
                policy::parse(self.policy).expect("a policy").canonical_json()
            },
            bodies: BodyKeeping::All,
        }
    }

    fn planned(&self, number: u64) -> Planned {
        let arm = |role, sending| Arm { role, sending };
        let mut arms = vec![arm(Role::Baseline, Sending::First), arm(Role::Candidate, Sending::First)];
        if self.repeat_every > 0 && number.is_multiple_of(self.repeat_every) {
            arms.extend([arm(Role::Baseline, Sending::Repeat), arm(Role::Candidate, Sending::Repeat)]);
        }
        let exchange = number % self.distinct;
        Planned {
            seq: PlanSeq(number),
            exchange: ExchangeId(exchange),
            endpoint: EndpointId(u32::try_from(self.endpoint(number)).expect("few endpoints")),
            session: SessionId(exchange % self.sessions),
            copy: u32::try_from(number / self.distinct).unwrap_or(0),
            at: RunTime(number * 1_000_000_000 / self.per_second),
            method: b"GET".to_vec(),
            target: format!("/orders/{exchange}").into_bytes(),
            recorded_status: self.recorded_status,
            arms,
        }
    }

    fn endpoint(&self, number: u64) -> usize {
        usize::try_from(number).expect("fits") % self.endpoints.len()
    }

    fn outcome(&self, planned: &Planned, arm: Arm) -> Outcome {
        let mut shared = Draw::new(planned.exchange.0);
        let mut own =
            Draw::new(planned.seq.0 ^ ((arm.role as u64 + 1) << 40) ^ ((arm.sending as u64 + 1) << 50));
        let request = Request {
            number: planned.exchange.0,
            endpoint: self.endpoint(planned.seq.0),
            sending: arm.sending,
            base_us: 5_000 + shared.below(20_000) as u64,
            own: own.bits(),
        };
        let candidate = arm.role == Role::Candidate;
        let does = if candidate { (self.candidate)(request) } else { (self.baseline)(request) };
        let lag = if arm.sending == Sending::Repeat { 500_000_000 } else { 0 };
        let due = RunTime(planned.at.0 + lag);
        let late = Duration::from_micros(self.lateness_us[usize::from(candidate)]);
        let ended = |us: u64| Some(due.after(late).after(Duration::from_micros(us)));
        let (result, sent, end) = match does {
            Does::Answers(status, body, us) => {
                (self.response(status, body), Some(due.after(late)), ended(us))
            }
            Does::TimesOut => {
                let result = OutcomeResult::Failure {
                    kind: FailureKind::Timeout,
                    fault: Fault::Backend,
                    status: None,
                };
                (result, Some(due.after(late)), ended(2_000_000))
            }
            Does::Refuses => (
                OutcomeResult::NotSent { reason: NotSent::ConnectRefused, fault: Fault::Backend },
                None,
                None,
            ),
            Does::ReplayerFails => (
                OutcomeResult::NotSent { reason: NotSent::ReplayerLimit, fault: Fault::Replayer },
                None,
                None,
            ),
        };
        let times = Times { planned: due, unblocked: due, ready: due, sent, first_byte: end, end };
        Outcome { seq: planned.seq, arm, times, result }
    }

    fn response(&self, status: u16, body: String) -> OutcomeResult {
        let mut headers = Headers::new();
        headers.push(b"content-type", b"application/json");
        let digest = DigestKey::from_secret(b"test").digest(body.as_bytes());
        let len = body.len() as u64;
        let kept = match self.keep_bodies {
            true => Kept::Stored(StoredBody::Inline(body.into_bytes().into())),
            false => Kept::NotAsked,
        };
        let body = RecordedBody { len, digest, kept };
        OutcomeResult::Response(RecordedResponse { status, headers, trailers: Headers::new(), body })
    }
}

fn empty(role: Role) -> BackendAccounting {
    BackendAccounting {
        role,
        planned: 0,
        sent: 0,
        not_sent: BTreeMap::new(),
        responses: 0,
        failures: BTreeMap::new(),
        retried_stale: 0,
    }
}

fn count(accounting: &mut BackendAccounting, outcome: &Outcome) {
    accounting.planned += 1;
    match &outcome.result {
        OutcomeResult::NotSent { reason, .. } => *accounting.not_sent.entry(*reason).or_default() += 1,
        OutcomeResult::Response(_) => {
            accounting.sent += 1;
            accounting.responses += 1;
        }
        OutcomeResult::Failure { kind, .. } => {
            accounting.sent += 1;
            *accounting.failures.entry(*kind).or_default() += 1;
        }
    }
}
