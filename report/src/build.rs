//! From run files to a summary: open, collect, measure, judge, and put the evidence in order.

mod evidence;
mod measure;
mod rows;
mod runs;

pub(crate) use evidence::load_in_words;
pub(crate) use measure::tidy;

use crate::collect::{Collector, Counters, Frame, Place, Stratum};
use crate::latency::{RESAMPLES, Resampling};
use crate::noise::{EndpointCounts, NoiseSettings, Resolved};
use crate::policy::{Baseline, Policy, PolicyError, gating_set};
use crate::summary::{GatingSet, SCHEMA_VERSION, Scope, Summary};
use crate::trust::{Evidence, PolicyStanding, doubts};
use crate::verdict::judge;
use corpus::FormatError;
use corpus::ids::EndpointId;
use measure::{ScopeData, Setting, add_counts};
use runs::Opened;
use std::path::PathBuf;

/// What to judge, and by what.
#[derive(Debug, Clone)]
pub struct Config {
    /// Run files of one corpus, one set of backends and one policy.
    pub runs: Vec<PathBuf>,
    /// The policy; where none is given, the one that the runs were made under.
    pub policy: Option<Policy>,
    /// Seed of the resampling.
    pub seed: u64,
}

/// The seed of reports that are given none.
pub const DEFAULT_SEED: u64 = 0x6375_746f_7665_7221;

/// Why runs could not be judged. A backend that fails, and a run that holds nothing, are verdicts and no errors.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// No run was given.
    #[error("judge: no run was given")]
    NoRun,
    /// A run cannot be opened.
    #[error("open run {path}", path = .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: FormatError,
    },
    /// Two runs do not belong together.
    #[error("judge {path} together with {first}: they have different {what}", path = .path.display(), first = .first.display())]
    Mixed {
        /// The first run.
        first: PathBuf,
        /// The other.
        path: PathBuf,
        /// What differs: `corpus`, `backends`, `policies` or `deadlines`.
        what: &'static str,
    },
    /// Two files hold the same replay: given twice, it is no new evidence.
    #[error("judge {path} together with {first}: they are the same replay", path = .path.display(), first = .first.display())]
    Repeated {
        /// The first file.
        first: PathBuf,
        /// The other.
        path: PathBuf,
    },
    /// The policy does not fit the run.
    #[error("apply the policy")]
    Policy(#[from] PolicyError),
}

/// Judges runs.
///
/// # Errors
/// Where a run cannot be opened, runs do not belong together, or the policy names what is not in them.
pub fn build(config: &Config) -> Result<Summary, ReportError> {
    let opened = runs::open(&config.runs)?;
    let (policy, standing) = runs::policy_in_force(&opened, config.policy.as_ref());
    let plan = runs::merged_endpoints(&opened);
    policy.check_endpoints(&plan)?;
    let baseline = opened.baseline();
    // Fixed before the first request: by what the first run planned, whatever later runs add to it.
    let gating = gating_set(&policy, &opened.header().endpoints, baseline);
    let seconds = opened.seconds();
    let frame = Frame {
        endpoints: plan,
        named: gating.endpoints.clone(),
        rules: policy.rules().map_err(PolicyError::from)?,
        baseline,
        block_seconds: opened.block_seconds(),
        deadline: opened.deadline(),
    };
    let (counters, resolved) = collect(&opened, frame.clone(), &policy);
    let judged =
        Judged { opened: &opened, policy: &policy, standing, frame: &frame, gating, counters, resolved };
    Ok(judged.summary(config.seed, seconds))
}

fn collect(opened: &Opened, frame: Frame, policy: &Policy) -> (Counters, Resolved) {
    let names: Vec<String> = frame.endpoints.iter().map(|endpoint| endpoint.name.clone()).collect();
    let mut collector = Collector::new(frame);
    let (mut start_second, mut start_seq) = (0, 0);
    for run in &opened.runs {
        let index = |name: &String| names.iter().position(|known| known == name).unwrap_or(usize::MAX);
        let endpoints = run.facts.header.endpoints.iter().map(|endpoint| index(&endpoint.name)).collect();
        collector.begin_run(Place { endpoints, start_second, start_seq });
        for damage in run.reader.damage() {
            collector.damaged(damage.to_string());
        }
        for joined in run.reader.joined() {
            match joined {
                Ok(joined) => collector.take(&joined, &run.reader),
                Err(damage) => collector.damaged(damage.to_string()),
            }
        }
        start_second += run.whole_seconds();
        start_seq += run.facts.header.planned_requests;
    }
    let settings = NoiseSettings { alpha: policy.no_go_alpha.value(), ..NoiseSettings::default() };
    collector.finish(settings)
}

/// Everything that a summary is made from.
struct Judged<'a> {
    opened: &'a Opened,
    policy: &'a Policy,
    standing: PolicyStanding,
    frame: &'a Frame,
    gating: GatingSet,
    counters: Counters,
    resolved: Resolved,
}

impl Judged<'_> {
    fn summary(self, seed: u64, seconds: f64) -> Summary {
        let overall = Stratum::pooled(&self.counters.strata);
        let scopes = self.scopes(&overall);
        let setting = Setting {
            gating: &self.gating,
            baseline: self.frame.baseline,
            censor_us: self.counters.censor.as_secs_f64() * 1e6,
            seconds,
        };
        let find = |scope: &Scope| scopes.iter().find(|(known, _)| known == scope).map(|(_, data)| data);
        let metrics = measure::metrics(&setting, find, &mut Resampling::new(seed));
        let coverage = evidence::coverage(self.opened, &self.counters, seconds);
        let named: Vec<(&str, &Stratum)> =
            self.frame.named.iter().map(String::as_str).zip(&self.counters.strata).collect();
        let found = doubts(&Evidence {
            runs: &self.opened.facts(),
            counters: &self.counters,
            overall: &overall,
            named: &named,
            coverage: &coverage,
            policy: self.policy,
            standing: self.standing,
            baseline: self.frame.baseline,
            seconds,
        });
        let judgement = judge(&metrics, found);
        let mut warnings = judgement.warnings;
        warnings.extend(rows::dead_rules(self.policy, &self.resolved));
        Summary {
            schema_version: SCHEMA_VERSION,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            verdict: judgement.verdict,
            exit_code: judgement.verdict.exit_code(),
            headline: evidence::headline(judgement.verdict, &coverage),
            reasons: judgement.reasons,
            warnings,
            endpoints: rows::endpoints(self.frame, &self.counters, &self.resolved, &metrics),
            metrics,
            difference_groups: rows::groups(self.frame, &self.resolved),
            noise: rows::noise(self.frame, &self.resolved),
            ignored: rows::ignored(self.policy, &self.resolved),
            not_checked: rows::not_checked(&coverage, &self.counters, &self.resolved),
            accounting: evidence::accounting(self.opened, &self.counters),
            percentile_curves: evidence::curves(self.frame, &self.counters, &overall),
            time_series: evidence::time_series(self.frame, &self.counters),
            inputs: evidence::inputs(self.opened, self.policy, seed, RESAMPLES),
            reproduce: rows::reproduce(&self.resolved, self.frame),
            coverage,
            gating: self.gating,
        }
    }

    /// Overall, the named endpoints, and the rest, each with its counters.
    fn scopes<'b>(&'b self, overall: &'b Stratum) -> Vec<(Scope, ScopeData<'b>)> {
        let frame = self.frame;
        let in_scope = |scope: &Scope, name: &str| match scope {
            Scope::Overall => true,
            Scope::Endpoint(endpoint) => endpoint == name,
            Scope::Rest => !frame.named.iter().any(|named| named == name),
        };
        let named = frame.named.iter().map(|name| Scope::Endpoint(name.clone()));
        let scopes = std::iter::once(Scope::Overall).chain(named).chain([Scope::Rest]);
        let strata = std::iter::once(overall).chain(&self.counters.strata);
        let data = |(scope, stratum): (Scope, &'b Stratum)| {
            let indexes: Vec<usize> =
                (0..frame.endpoints.len()).filter(|i| in_scope(&scope, &frame.endpoints[*i].name)).collect();
            let mut compared = EndpointCounts::default();
            indexes
                .iter()
                .filter_map(|i| self.resolved.endpoints.get(*i))
                .for_each(|one| add_counts(&mut compared, one));
            let shape = self.resolved.groups.iter().filter(|group| {
                !group.name.kind.may_be_noise() && indexes.contains(&endpoint_index(group.endpoint))
            });
            let data = ScopeData {
                stratum,
                compared,
                shape_pairs: shape.map(|group| group.seen.pairs).max().unwrap_or(0),
                corpus_has: indexes.iter().map(|i| frame.endpoints[*i].recorded).sum(),
            };
            (scope, data)
        };
        scopes.zip(strata).map(data).collect()
    }
}

/// The index of an endpoint in the frame's list.
fn endpoint_index(endpoint: EndpointId) -> usize {
    usize::try_from(endpoint.0).unwrap_or(usize::MAX)
}

/// The name of an endpoint of the frame.
fn endpoint_name(frame: &Frame, endpoint: EndpointId) -> String {
    frame.endpoints.get(endpoint_index(endpoint)).map(|endpoint| endpoint.name.clone()).unwrap_or_default()
}

/// Whether latency means something for the baseline.
pub(crate) fn is_live(frame: &Frame) -> bool {
    frame.baseline == Baseline::Live
}

#[cfg(test)]
mod scenario;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod traps;
