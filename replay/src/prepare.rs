//! Everything that can be known, or refused, before the first request: targets, corpus, plan, header of the run.

use crate::config::{Baseline, Certificates, Config, Connections, Target};
use crate::doubt::Doubt;
use crate::engine::pool::Mode;
use crate::engine::{BackendSetup, Repeats};
use crate::error::ReplayError;
use crate::guard::{self, Origin, TargetRules};
use crate::item::ItemMaker;
use crate::plan::survey::Survey;
use crate::plan::tape::{self, Tape};
use crate::plan::{Plan, Wanted};
use crate::rewrite::{RecordedClose, Rules};
use crate::transport::connect::{Connector, Trust};
use corpus::CorpusReader;
use corpus::digest::DigestKey;
use corpus::run::{Backend, CorpusRef, EndpointPlan, Role, RunHeader, Scale};
use corpus::select::Selection;
use corpus::units::{Fraction, Speed};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// Connections of a closed loop that names no number.
const CLOSED_LOOP_CONNECTIONS: NonZeroU32 = NonZeroU32::new(64).expect("64 is not zero");
/// Recorded hosts are looked up for this long, to find out whether a target is one of them.
const LOOK_UP: Duration = Duration::from_secs(2);

/// A replay that is ready to start.
pub struct Prepared {
    pub(crate) config: Config,
    pub(crate) header: RunHeader,
    pub(crate) key: DigestKey,
    pub(crate) plan: Plan,
    pub(crate) tape: Tape,
    pub(crate) backends: Vec<BackendSetup>,
    pub(crate) repeats: Repeats,
    pub(crate) doubts: Vec<Doubt>,
    pub(crate) dropped_credentials: u64,
}

impl Prepared {
    /// What the run will say of itself: among others the endpoints with their planned counts.
    pub fn header(&self) -> &RunHeader {
        &self.header
    }

    /// Fixes the policy by which the run will be judged: the text of its canonical JSON.
    pub fn fix_policy(&mut self, policy_json: String) {
        self.header.policy_json = policy_json;
    }

    /// Reasons to doubt the run that are known already.
    pub fn doubts(&self) -> &[Doubt] {
        &self.doubts
    }
}

/// Checks the targets, reads the corpus and makes the plan.
///
/// # Errors
/// Where a target is refused, the corpus cannot be read or holds nothing to send, or an option is out of range.
pub fn prepare(config: Config) -> Result<Prepared, ReplayError> {
    let rules = TargetRules::new(&config.allow_hosts, &config.resolve).map_err(|error| {
        ReplayError::Option { option: "--allow-host or --resolve", reason: error.to_string() }
    })?;
    if config.deadline.is_zero() {
        return Err(ReplayError::Option { option: "--deadline", reason: "it must be above zero".to_owned() });
    }
    let targets = Targets::find(&config, Arc::new(rules))?;
    let reader = CorpusReader::open(&config.corpus).map_err(ReplayError::Corpus)?;
    let key = DigestKey::random().map_err(|error| ReplayError::System {
        what: "draw a random key",
        source: std::io::Error::other(error.to_string()),
    })?;
    let (start, end) = reader.window().unwrap_or_default();
    let maker = ItemMaker { rules: targets.rules.clone(), key: key.clone(), start };
    let survey = Survey::of(&reader, &maker, config.seed);
    targets.check_recorded(&survey.hosts)?;
    if survey.counts.total() == 0 {
        return Err(nothing_to_send(&config, &survey));
    }
    let window = Some(end.since(start)).filter(|window| !window.is_zero()).unwrap_or(Duration::from_secs(1));
    let repeats = repeats(&config);
    let wanted = Wanted {
        scale: config.scale,
        duration: config.duration,
        max_rate: config.max_rate,
        repeated: if matches!(repeats, Repeats::After(_)) { config.noise_share } else { none() },
        of_production: of_production(&reader),
        window,
    };
    if let Some(copies) = Plan::too_much(&wanted, survey.counts.total()) {
        return Err(too_many_layers(copies, "can be planned"));
    }
    let plan = Plan::new(&wanted, &survey.counts);
    let read = Read::through(&reader, &maker, &plan, &survey);
    let doubts = doubts(&plan, &wanted, &survey, read.planned.iter().sum());
    let header = header(&config, &reader, &survey, &plan, &wanted, &targets, read.planned);
    let tape = match read.items {
        Some(items) => Tape::in_memory(items),
        None if plan.layers.len() > tape::MAX_READERS => {
            let layers = f64::from(u32::try_from(plan.layers.len()).unwrap_or(u32::MAX));
            return Err(too_many_layers(layers, "are read at once from one of this size"));
        }
        None => Tape::Corpus { reader: Box::new(reader), maker, bodies: survey.bodies },
    };
    let dropped_credentials = survey.dropped_credentials;
    let backends = targets.setups(connection_mode(&config));
    Ok(Prepared { config, header, key, plan, tape, backends, repeats, doubts, dropped_credentials })
}

fn none() -> Fraction {
    Fraction::new(0.0).expect("0 lies in 0..=1")
}

/// With a recorded baseline there is nothing to repeat there, and one side's noise alone says nothing.
fn repeats(config: &Config) -> Repeats {
    match (&config.control, &config.baseline) {
        _ if config.noise_share == none() => Repeats::Never,
        (Some(_), _) => Repeats::Control,
        (None, Baseline::Backend(_)) => Repeats::After(config.repeat_lag),
        (None, Baseline::Recorded) => Repeats::Never,
    }
}

fn connection_mode(config: &Config) -> Mode {
    match config.connections {
        Connections::Pool(connections) => Mode::Fixed(connections),
        Connections::AsRecorded if is_closed_loop(config) => Mode::Fixed(CLOSED_LOOP_CONNECTIONS),
        Connections::AsRecorded => Mode::AsRecorded,
    }
}

pub(crate) fn is_closed_loop(config: &Config) -> bool {
    config.scale == Scale::Speed(Speed::Max)
}

fn of_production(reader: &CorpusReader) -> f64 {
    let header = reader.header();
    let part = header.represents.value() * header.sampling.fraction.value();
    if part > 0.0 { part } else { 1.0 }
}

fn nothing_to_send(config: &Config, survey: &Survey) -> ReplayError {
    let left: Vec<String> =
        survey.left_out.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    let reason = match (survey.exchanges, survey.damaged) {
        (0, 0) => "it holds no exchange".to_owned(),
        (0, _) => "it is damaged, and no exchange can be read".to_owned(),
        (exchanges, _) => format!("of {exchanges} exchanges are left out: {}", left.join(", ")),
    };
    ReplayError::NothingToSend { path: config.corpus.clone(), reason }
}

fn too_many_layers(copies: f64, most: &str) -> ReplayError {
    let reason = format!("this load takes {copies:.0} copies of the corpus, more than {most}");
    ReplayError::Option { option: "--percent or --rate", reason }
}

fn doubts(plan: &Plan, wanted: &Wanted, survey: &Survey, planned: u64) -> Vec<Doubt> {
    let achieved = plan.percent_of_asked(wanted, survey.counts.total(), planned);
    let off = (achieved - 100.0).abs() > 10.0;
    let damaged = survey.damaged > 0;
    let percent_off = off.then_some(Doubt::PercentOff { achieved });
    percent_off
        .into_iter()
        .chain(damaged.then_some(Doubt::CorpusDamaged { exchanges: survey.damaged }))
        .collect()
}

/// The second reading: what is planned for each endpoint, and the requests themselves where they fit into memory.
struct Read {
    planned: Vec<u64>,
    items: Option<Vec<crate::item::Item>>,
}

impl Read {
    fn through(reader: &CorpusReader, maker: &ItemMaker, plan: &Plan, survey: &Survey) -> Read {
        let mut read = Read { planned: vec![0; survey.recorded.len()], items: Some(Vec::new()) };
        let mut memory = 0;
        for stored in reader.exchanges(&Selection::all(), survey.bodies).flatten() {
            let Ok(made) = maker.make(&stored.exchange, stored.endpoint) else { continue };
            if !plan.layers.iter().any(|layer| layer.chosen.holds(made.item.session)) {
                continue;
            }
            let times = plan.times_planned(made.item.at, made.item.session);
            let endpoint = usize::try_from(stored.endpoint.0).unwrap_or(usize::MAX);
            if let Some(planned) = read.planned.get_mut(endpoint) {
                *planned += times;
            }
            memory += made.item.cost();
            match &mut read.items {
                Some(items) if memory <= tape::IN_MEMORY => items.push(made.item),
                items => *items = None,
            }
        }
        read
    }
}

fn header(
    config: &Config,
    reader: &CorpusReader,
    survey: &Survey,
    plan: &Plan,
    wanted: &Wanted,
    targets: &Targets,
    planned: Vec<u64>,
) -> RunHeader {
    let names = reader.endpoints();
    let endpoints = planned.iter().zip(&survey.recorded).enumerate().map(|(index, (planned, recorded))| {
        let id = corpus::ids::EndpointId(u32::try_from(index).unwrap_or(u32::MAX));
        EndpointPlan { name: names.name(id).to_owned(), recorded: *recorded, planned: *planned }
    });
    let ledger = reader.seal().map(|seal| seal.ledger.clone()).unwrap_or_default();
    RunHeader {
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        started_unix_ns: config.started_unix_ns,
        corpus: CorpusRef {
            digest: reader.digest(),
            sealed: reader.seal().is_some(),
            exchanges_complete: ledger.exchanges_complete,
            exchanges_incomplete: ledger.exchanges_incomplete.values().sum(),
            exchanges_damaged: survey.damaged,
        },
        backends: targets.described(config),
        load: plan.load(wanted, survey.counts.total(), planned.iter().sum()),
        seed: config.seed,
        deadline: config.deadline,
        noise_share: config.noise_share,
        repeat_lag: config.repeat_lag,
        endpoints: endpoints.collect(),
        left_out: survey.left_out.clone(),
        corpus_exchanges: survey.exchanges,
        planned_requests: planned.iter().sum(),
        policy_json: String::new(),
        bodies: config.bodies,
    }
}

/// The backends, found and checked.
struct Targets {
    found: Vec<Found>,
    rules: Vec<Option<Rules>>,
    target_rules: Arc<TargetRules>,
}

struct Found {
    role: Role,
    place: Option<(Origin, Vec<SocketAddr>, Connector)>,
}

impl Targets {
    fn find(config: &Config, target_rules: Arc<TargetRules>) -> Result<Targets, ReplayError> {
        let baseline = match &config.baseline {
            Baseline::Backend(target) => Some(target),
            Baseline::Recorded => None,
        };
        let mut wanted = vec![(Role::Baseline, baseline), (Role::Candidate, Some(&config.candidate))];
        wanted.extend(config.control.as_ref().map(|control| (Role::Control, Some(control))));
        let mut targets = Targets { found: Vec::new(), rules: Vec::new(), target_rules };
        for (role, target) in wanted {
            targets.add(role, target, config)?;
        }
        Ok(targets)
    }

    fn add(&mut self, role: Role, target: Option<&Target>, config: &Config) -> Result<(), ReplayError> {
        let Some(target) = target else {
            self.found.push(Found { role, place: None });
            self.rules.push(None);
            return Ok(());
        };
        let refused = |source| ReplayError::Target { role, source };
        let origin = Origin::parse(&target.url).map_err(refused)?;
        let addresses = origin.addresses(&self.target_rules).map_err(refused)?;
        let close = match connection_mode(config) {
            Mode::AsRecorded => RecordedClose::Kept,
            Mode::Fixed(_) => RecordedClose::Dropped,
        };
        let rules = Rules::new(&origin, &config.host_header, &target.headers, close)
            .map_err(|source| ReplayError::Header { role, source })?;
        let trust = Trust { roots: config.roots.clone(), certificates: config.certificates };
        let connector = Connector::new(&origin, addresses.clone(), self.target_rules.clone(), &trust)?;
        self.found.push(Found { role, place: Some((origin, addresses, connector)) });
        self.rules.push(Some(rules));
        Ok(())
    }

    fn check_recorded(&self, hosts: &[String]) -> Result<(), ReplayError> {
        let elsewhere = self.found.iter().filter_map(|found| found.place.as_ref());
        let only_here =
            elsewhere.flat_map(|(_, addresses, _)| addresses).all(|address| address.ip().is_loopback());
        let looked_up = if only_here { Vec::new() } else { look_up(hosts) };
        for found in &self.found {
            let Some((origin, addresses, _)) = &found.place else { continue };
            guard::check_origin(origin, addresses, hosts, &self.target_rules, |host| {
                addresses_of(host, &looked_up)
            })
            .map_err(|source| ReplayError::Target { role: found.role, source })?;
        }
        Ok(())
    }

    fn setups(&self, mode: Mode) -> Vec<BackendSetup> {
        let setup = |found: &Found| BackendSetup {
            role: found.role,
            connector: found.place.as_ref().map(|(_, _, connector)| connector.clone()),
            mode,
        };
        self.found.iter().map(setup).collect()
    }

    fn described(&self, config: &Config) -> Vec<Backend> {
        let describe = |(found, rules): (&Found, &Option<Rules>)| Backend {
            role: found.role,
            url: found.place.as_ref().map_or("recorded".to_owned(), |(origin, _, _)| origin.url()),
            headers_set: rules.as_ref().map(Rules::names_set).unwrap_or_default(),
            insecure: config.certificates == Certificates::Unchecked && found.place.is_some(),
        };
        self.found.iter().zip(&self.rules).map(describe).collect()
    }
}

/// Addresses of a recorded host, without asking anybody.
fn addresses_of(host: &str, looked_up: &[(String, Vec<IpAddr>)]) -> Vec<IpAddr> {
    if let Ok(literal) = host.parse::<IpAddr>() {
        return vec![literal];
    }
    if host == "localhost" {
        return vec![IpAddr::from([127, 0, 0, 1]), IpAddr::V6(std::net::Ipv6Addr::LOCALHOST)];
    }
    looked_up.iter().find(|(name, _)| name == host).map(|(_, found)| found.clone()).unwrap_or_default()
}

/// Looks recorded hosts up, for a bounded time: names of production may not resolve here, and slowly.
fn look_up(hosts: &[String]) -> Vec<(String, Vec<IpAddr>)> {
    const MOST: usize = 64;
    let names: Vec<String> = hosts.iter().take(MOST).filter_map(|host| guard::host_name(host)).collect();
    let (sender, found) = std::sync::mpsc::sync_channel(MOST);
    let asking = std::thread::Builder::new().name("look-up".to_owned()).spawn(move || {
        use std::net::ToSocketAddrs;
        for name in names {
            let addresses = (name.as_str(), 0).to_socket_addrs().map(|all| all.map(|one| one.ip()).collect());
            if sender.send((name, addresses.unwrap_or_default())).is_err() {
                return;
            }
        }
    });
    // The thread ends by itself when its question is answered and nobody listens: a resolver cannot be interrupted.
    drop(asking);
    let until = std::time::Instant::now() + LOOK_UP;
    let left = || until.saturating_duration_since(std::time::Instant::now());
    std::iter::from_fn(|| found.recv_timeout(left()).ok()).collect()
}
