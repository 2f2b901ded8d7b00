//! One corpus made from another: samples, filtered copies, packed ones.
//!
//! What the capture said of itself is carried along: ledger, window, redaction. The share of exchanges that a
//! sample really keeps multiplies into the sampling fraction, so that percent of production stays right.

use crate::exchange::Exchange;
use crate::format::{
    Bodies, CorpusReader, CorpusWriter, Damage, FormatError, FormatErrorKind, Overwrite, PackedWriter, Stored,
};
use crate::ledger::Ledger;
use crate::manifest::{CorpusHeader, CorpusSeal, Sampling};
use crate::select::{Selection, SessionShare};
use crate::units::Fraction;
use std::path::Path;

/// Losses that are kept by name; the rest is only counted.
const NAMED: usize = 100;

/// What became of the exchanges of the source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// Exchanges in the source that could be read and were chosen: those in the new file.
    pub kept: u64,
    /// Exchanges that could be read and were not chosen.
    pub left_out: u64,
    /// What could not be read, the first hundred.
    pub damage: Vec<Damage>,
    /// How often something could not be read.
    pub damaged: u64,
    /// Records that went with it, of those losses where that can be known.
    pub lost: u64,
}

impl Rewritten {
    /// The new file's seal: what its source had lost stands in its ledger for good.
    fn told(&self, mut seal: CorpusSeal) -> CorpusSeal {
        if self.damaged > 0 {
            let times = self.damaged;
            let loss = format!(
                "the corpus that this one was made from is damaged: {times} losses, at least {} records",
                self.lost
            );
            let before = seal.ledger.input_error.take();
            seal.ledger.input_error = Some(before.map_or(loss.clone(), |before| format!("{before}; {loss}")));
        }
        seal
    }
}

/// Writes the chosen exchanges of `source` to a new corpus.
///
/// A share of the sessions is chosen independently of how `source` was sampled itself: it is a share of what is
/// there. Sessions differ in length, so `source` is read twice: first to learn what the share comes to.
///
/// # Errors
/// Where the new file cannot be written, or is the source itself.
pub fn copy(
    source: &CorpusReader,
    selection: &Selection,
    to: &Path,
    overwrite: Overwrite,
) -> Result<Rewritten, FormatError> {
    refuse_same(source, to)?;
    let earlier = &source.header().sampling;
    let chosen =
        Selection { sessions: selection.sessions.map(|share| share.after(earlier)), ..selection.clone() };
    let kept = chosen.sessions.map_or(Fraction::ONE, |share| kept_share(source, share));
    let header = chosen_header(source.header(), selection, kept);
    let mut writer = CorpusWriter::derived(to, &header, overwrite)?;
    let rewritten = each(source, &chosen, |stored| writer.append(&stored.exchange))?;
    writer.seal(rewritten.told(seal_of(source)))?;
    Ok(rewritten)
}

/// Writes all exchanges of `source` to a new corpus that is as small as can be.
///
/// # Errors
/// Where the new file cannot be written, or is the source itself.
pub fn pack(source: &CorpusReader, to: &Path, overwrite: Overwrite) -> Result<Rewritten, FormatError> {
    refuse_same(source, to)?;
    let mut writer = PackedWriter::create(to, source.header(), overwrite)?;
    let rewritten = each(source, &Selection::all(), |stored| writer.append(stored))?;
    writer.seal(rewritten.told(seal_of(source)))?;
    Ok(rewritten)
}

fn each(
    source: &CorpusReader,
    selection: &Selection,
    mut keep: impl FnMut(Stored) -> Result<(), FormatError>,
) -> Result<Rewritten, FormatError> {
    let mut rewritten = Rewritten::default();
    for item in source.exchanges(selection, Bodies::Load) {
        match item {
            Ok(stored) => {
                keep(stored)?;
                rewritten.kept += 1;
            }
            Err(damage) => {
                rewritten.damaged += 1;
                rewritten.lost += damage.count.unwrap_or(0);
                if rewritten.damage.len() < NAMED {
                    rewritten.damage.push(damage);
                }
            }
        }
    }
    rewritten.left_out = source.exchange_count().saturating_sub(rewritten.kept);
    Ok(rewritten)
}

/// Replacing a file while it is read would lose it.
fn refuse_same(source: &CorpusReader, to: &Path) -> Result<(), FormatError> {
    use std::os::unix::fs::MetadataExt;
    let place = |path: &Path| std::fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino())).ok();
    let (from, target) = (place(source.path()), place(to));
    if from.is_some() && from == target {
        return Err(FormatError::new(
            "write",
            to,
            FormatErrorKind::Invalid("this is the file that is being read"),
        ));
    }
    Ok(())
}

/// The share of the source's exchanges that are of the chosen sessions; of an empty source, the share asked for.
fn kept_share(source: &CorpusReader, share: SessionShare) -> Fraction {
    let sessions = Selection { sessions: Some(share), ..Selection::all() };
    let kept = source.exchanges(&sessions, Bodies::Skip).flatten().count() as u64;
    // What is damaged was recorded too, and counts in the source's rate.
    let all = source.exchange_count();
    #[expect(clippy::cast_precision_loss, reason = "a share has no more than 53 bits that matter")]
    let value = kept as f64 / all as f64;
    if all == 0 { share.fraction } else { Fraction::new(value).unwrap_or(Fraction::ONE) }
}

/// The manifest of a choice: the share `kept` of it makes the fraction smaller, and every rule is named.
fn chosen_header(header: &CorpusHeader, selection: &Selection, kept: Fraction) -> CorpusHeader {
    let mut rules = vec![header.sampling.rule.clone()];
    let before = header.sampling.fraction;
    let fraction = Fraction::new(before.value() * kept.value()).unwrap_or(before);
    if let Some(SessionShare { fraction: asked, seed }) = selection.sessions {
        rules.push(format!("sessions by hash, {asked} asked, seed {seed}"));
    }
    if let Some(filter) = &selection.filter {
        rules.push(format!("filter {filter}"));
    }
    if selection.time.is_some() || selection.endpoints.is_some() {
        rules.push("part of the time or of the endpoints".to_owned());
    }
    CorpusHeader { sampling: Sampling { rule: rules.join("; "), fraction }, ..header.clone() }
}

/// The seal of the source, its window always told; of an unsealed one, what its records tell.
pub fn seal_of(source: &CorpusReader) -> CorpusSeal {
    let ledger = source.seal().map_or_else(|| records_ledger(source), |seal| seal.ledger.clone());
    CorpusSeal { window: source.window(), ledger }
}

/// A ledger of what the records of a corpus tell: nothing of packets.
pub fn records_ledger(source: &CorpusReader) -> Ledger {
    let mut ledger = Ledger::default();
    let exchanges = source.exchanges(&Selection::all(), Bodies::Skip).flatten();
    exchanges.for_each(|stored| count(&mut ledger, &stored.exchange));
    ledger
}

fn count(ledger: &mut Ledger, exchange: &Exchange) {
    ledger.requests += 1;
    ledger.responses += u64::from(exchange.response.is_some());
    match exchange.incomplete.first() {
        None => ledger.exchanges_complete += 1,
        Some(reason) => *ledger.exchanges_incomplete.entry(*reason).or_default() += 1,
    }
}
