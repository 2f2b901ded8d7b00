//! One streaming pass over the outcomes of a run, into counters.
//!
//! Memory is bounded by endpoints, seconds and groups of sessions, not by outcomes. Folding is in the order of the plan,
//! so the same run gives the same counters.

mod ledger;
mod outcome;
mod series;
mod stratum;

pub(crate) use ledger::{Excluded, Ledger};
pub(crate) use series::{Point, Series};
pub(crate) use stratum::{Cluster, Row, Side, Stratum};

use crate::compare::{BodyView, NotCompared, ResponseView, Rules, needs_bytes};
use crate::noise::{Accumulator, NoiseSettings, NoiseSource, PairContext, Resolved};
use crate::policy::Baseline;
use crate::stats::distinct::Distinct;
use bytes::Bytes;
use corpus::FormatError;
use corpus::ids::{EndpointId, PlanSeq, SessionId};
use corpus::run::{
    Arm, EndpointPlan, Joined, Kept, Outcome, Planned, RecordedResponse, Role, Sending, StoredBody,
};
use corpus::time::RunTime;
use outcome::{Class, classify};
use std::collections::HashMap;
use std::time::Duration;

/// Sessions are resampled in at most this many groups; the first ones seen have one each.
pub(crate) const SESSION_GROUPS: usize = 128;
/// Blocks are seconds, and longer where a run has more of them than this.
pub(crate) const BLOCKS: u64 = 3600;
/// Damage is named up to this many places.
const DAMAGE_NAMED: usize = 20;

/// Where the bytes of bodies come from.
pub(crate) trait BodySource {
    /// The bytes of `body`.
    fn load(&self, body: &StoredBody) -> Result<Bytes, FormatError>;
}

impl BodySource for corpus::RunReader {
    fn load(&self, body: &StoredBody) -> Result<Bytes, FormatError> {
        corpus::RunReader::load(self, body)
    }
}

/// What is fixed before the first outcome is read.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// The endpoints of all runs.
    pub(crate) endpoints: Vec<EndpointPlan>,
    /// Those that are judged on their own.
    pub(crate) named: Vec<String>,
    pub(crate) rules: Rules,
    pub(crate) baseline: Baseline,
    /// Seconds of one block.
    pub(crate) block_seconds: u64,
    pub(crate) deadline: Duration,
}

/// The place of one run among those that are judged together.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// Index into [`Frame::endpoints`] for each endpoint of the run.
    pub(crate) endpoints: Vec<usize>,
    /// Seconds of the runs before it.
    pub(crate) start_second: u64,
    /// Planned requests of the runs before it.
    pub(crate) start_seq: u64,
}

/// Takes outcomes; see the module.
#[derive(Debug)]
pub(crate) struct Collector {
    frame: Frame,
    place: Place,
    stratum_of: Vec<usize>,
    groups: HashMap<SessionId, usize>,
    differences: Accumulator,
    so_far: Counters,
}

/// Everything that was counted.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Named endpoints in their order, then the rest.
    pub(crate) strata: Vec<Stratum>,
    /// One row for each endpoint.
    pub(crate) rows: Vec<Row>,
    pub(crate) ledger: Ledger,
    pub(crate) series: Series,
    pub(crate) sessions: Distinct,
    /// The longest latency that ended, or the deadline.
    pub(crate) censor: Duration,
}

impl Collector {
    pub(crate) fn new(frame: Frame) -> Collector {
        let names: Vec<String> = frame.endpoints.iter().map(|endpoint| endpoint.name.clone()).collect();
        let of =
            |name: &String| frame.named.iter().position(|named| named == name).unwrap_or(frame.named.len());
        let stratum_of = names.iter().map(of).collect();
        let so_far = Counters {
            strata: vec![Stratum::default(); frame.named.len() + 1],
            rows: vec![Row::default(); names.len()],
            censor: frame.deadline,
            ..Counters::default()
        };
        let differences = Accumulator::new(frame.rules.clone(), names);
        let place = Place { endpoints: Vec::new(), start_second: 0, start_seq: 0 };
        Collector { frame, place, stratum_of, groups: HashMap::new(), differences, so_far }
    }

    /// Says where the outcomes that follow belong.
    pub(crate) fn begin_run(&mut self, place: Place) {
        self.so_far.series.starts.push(place.start_second);
        self.place = place;
    }

    /// Counts a part of the run that cannot be read.
    pub(crate) fn damaged(&mut self, what: String) {
        self.so_far.ledger.damaged += 1;
        if self.so_far.ledger.damage.len() < DAMAGE_NAMED {
            self.so_far.ledger.damage.push(what);
        }
    }

    /// Counts one planned request with its outcomes.
    pub(crate) fn take(&mut self, joined: &Joined, bodies: &dyn BodySource) {
        let planned = &joined.planned;
        let Some(&endpoint) = self.place.endpoints.get(planned.endpoint.0 as usize) else {
            self.damaged(format!("request {} names an endpoint that the run does not have", planned.seq.0));
            return;
        };
        let block = self.block_of(planned.at);
        self.so_far.rows[endpoint].planned += 1;
        for arm in &planned.arms {
            let outcome = find(joined, *arm);
            self.so_far.ledger.count(*arm, outcome);
            if let Some(outcome) = outcome {
                self.so_far.series.count(block, *arm, outcome, self.frame.baseline);
            }
        }
        let [first_a, first_b] =
            [Role::Baseline, Role::Candidate].map(|role| Arm { role, sending: Sending::First });
        if planned.arms.contains(&first_a) && planned.arms.contains(&first_b) {
            self.pair(endpoint, block, joined, find(joined, first_a), find(joined, first_b), bodies);
        }
        self.noise_pairs(endpoint, joined, bodies);
    }

    fn block_of(&self, at: RunTime) -> usize {
        let second = self.place.start_second.saturating_add(at.0 / 1_000_000_000);
        // What lies far beyond the planned duration is pooled into one last block.
        let block = (second / self.frame.block_seconds.max(1)).min(2 * BLOCKS);
        usize::try_from(block).expect("at most two hours of seconds")
    }

    fn group_of(&mut self, session: SessionId) -> usize {
        self.so_far.sessions.add(session.0);
        if let Some(group) = self.groups.get(&session) {
            return *group;
        }
        if self.groups.len() < SESSION_GROUPS {
            self.groups.insert(session, self.groups.len());
            return self.groups.len() - 1;
        }
        let hashed = crate::stats::draw::mix(session.0) % SESSION_GROUPS as u64;
        usize::try_from(hashed).expect("a remainder of 128")
    }

    fn pair(
        &mut self,
        endpoint: usize,
        block: usize,
        joined: &Joined,
        baseline: Option<&Outcome>,
        candidate: Option<&Outcome>,
        bodies: &dyn BodySource,
    ) {
        self.so_far.ledger.pairs_planned += 1;
        let (a, b) = (classify(baseline), classify(candidate));
        let row = &mut self.so_far.rows[endpoint];
        let stratum = &mut self.so_far.strata[self.stratum_of[endpoint]];
        stratum.recording(&a, joined.planned.recorded_status);
        if let Some(why) = a.excluded().into_iter().chain(b.excluded()).min() {
            *self.so_far.ledger.excluded.entry(why).or_default() += 1;
            return;
        }
        for class in [&a, &b].into_iter().filter(|_| self.frame.baseline == Baseline::Live) {
            self.so_far.censor = self.so_far.censor.max(class.latency().unwrap_or_default());
        }
        row.pair(&a, &b);
        let planned = &joined.planned;
        let group = self.group_of(planned.session);
        let stratum = &mut self.so_far.strata[self.stratum_of[endpoint]];
        stratum.pair(block, group, planned.exchange, &a, &b);
        if let (Class::Answered { response: a, .. }, Class::Answered { response: b, .. }) = (&a, &b) {
            self.compare(endpoint, planned, None, a, b, bodies);
        }
    }

    fn noise_pairs(&mut self, endpoint: usize, joined: &Joined, bodies: &dyn BodySource) {
        let answered = |role, sending| match classify(find(joined, Arm { role, sending })) {
            Class::Answered { response, .. } => Some(response),
            Class::Failed { .. } | Class::Excluded(_) => None,
        };
        let baseline = answered(Role::Baseline, Sending::First);
        let sources = [
            (NoiseSource::Baseline, baseline, answered(Role::Control, Sending::First)),
            (NoiseSource::Baseline, baseline, answered(Role::Baseline, Sending::Repeat)),
            (
                NoiseSource::Candidate,
                answered(Role::Candidate, Sending::First),
                answered(Role::Candidate, Sending::Repeat),
            ),
        ];
        for (source, first, second) in sources {
            if let (Some(first), Some(second)) = (first, second) {
                self.so_far.ledger.noise_pairs += u64::from(source == NoiseSource::Baseline);
                self.compare(endpoint, &joined.planned, Some(source), first, second, bodies);
            }
        }
    }

    fn compare(
        &mut self,
        endpoint: usize,
        planned: &Planned,
        noise: Option<NoiseSource>,
        first: &RecordedResponse,
        second: &RecordedResponse,
        bodies: &dyn BodySource,
    ) {
        let (mut a, mut b) = (view(first), view(second));
        let (mut loaded_a, mut loaded_b) = (None, None);
        if needs_bytes(&a, &b) {
            loaded_a = self.load(first, bodies);
            loaded_b = self.load(second, bodies);
        }
        for (view, response, loaded) in [(&mut a, first, &loaded_a), (&mut b, second, &loaded_b)] {
            if let Some(bytes) = loaded {
                view.body = BodyView::Whole { bytes, digest: Some(response.body.digest) };
            }
        }
        let context = PairContext {
            endpoint: EndpointId(u32::try_from(endpoint).unwrap_or(u32::MAX)),
            exchange: planned.exchange,
            seq: PlanSeq(self.place.start_seq.saturating_add(planned.seq.0)),
            at: planned.at.after(Duration::from_secs(self.place.start_second)),
            method: &planned.method,
            target: &planned.target,
        };
        let _result = match noise {
            None => self.differences.pair(&context, &a, &b),
            Some(source) => self.differences.noise_pair(&context, source, &a, &b),
        };
    }

    fn load(&mut self, response: &RecordedResponse, bodies: &dyn BodySource) -> Option<Bytes> {
        let Kept::Stored(stored) = &response.body.kept else { return None };
        match bodies.load(stored) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                self.damaged(error.to_string());
                None
            }
        }
    }

    /// Ends the pass.
    pub(crate) fn finish(mut self, settings: NoiseSettings) -> (Counters, Resolved) {
        self.so_far.strata.iter_mut().for_each(Stratum::settle);
        self.so_far.rows.iter_mut().for_each(Row::settle);
        self.so_far.series.settle();
        self.so_far.ledger.settle();
        (self.so_far, self.differences.finish(settings))
    }
}

fn find(joined: &Joined, arm: Arm) -> Option<&Outcome> {
    joined.outcomes.iter().find(|outcome| outcome.arm == arm)
}

/// The response without its body's bytes: enough for most pairs, which are equal by digest.
fn view(response: &RecordedResponse) -> ResponseView<'_> {
    let missing = match response.body.kept {
        // Replaced by the bytes where they are needed; where they cannot be read, they were not seen whole.
        Kept::Stored(_) => NotCompared::Incomplete,
        Kept::NotAsked => NotCompared::NotKept,
        Kept::TooLarge => NotCompared::TooLarge,
        Kept::QueueFull => NotCompared::QueueFull,
    };
    let body = BodyView::Digest { len: response.body.len, digest: response.body.digest, missing };
    ResponseView { status: response.status, headers: &response.headers, trailers: &response.trailers, body }
}
