//! Hostile captures: none makes the reader panic, hang, or take more than its bounds.

mod support;

use capture::{CaptureError, CaptureReport, Limits, exchanges_of};
use corpus::exchange::{Exchange, Incomplete};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const FOLDERS: [&str; 6] = [
    "hostile/tcpdump",
    "hostile/zeek-traces",
    "hostile/pcap-structure",
    "hostile/pcapng-generator",
    "hostile/suricata-streams",
    "hostile/suricata-http-evader",
];

fn captures(folder: &Path) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(folder).expect("the folder is read").filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<PathBuf> = entries.filter(|path| path.is_file()).collect();
    files.sort();
    files
}

/// Resident memory of this process at its highest, in KiB.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn no_hostile_capture_panics_hangs_or_unbalances() {
    let mut read = 0;
    for folder in FOLDERS {
        let Some(folder) = support::data(folder) else { return };
        for path in captures(&folder) {
            let bytes = std::fs::read(&path).expect("the file is read");
            let start = Instant::now();
            let result = exchanges_of(&bytes, Limits::default());
            let took = start.elapsed();
            assert!(took < Duration::from_secs(10), "{} took {took:?}", path.display());
            match result {
                Ok((exchanges, report)) => {
                    assert!(report.ledger.balances(), "{}", path.display());
                    assert_eq!(exchanges.len() as u64, report.ledger.requests, "{}", path.display());
                }
                Err(CaptureError::Read { .. }) => {}
                Err(error) => panic!("{}: {error}", path.display()),
            }
            read += 1;
        }
    }
    assert!(read > 400, "only {read} files were read");
    if let Some(peak) = peak_memory() {
        assert!(peak < 256 * 1024, "{peak} KiB resident");
    }
}

/// What is expected of the files in which one thing is wrong.
enum Expect {
    /// Refused before the first packet.
    Refused,
    /// This many exchanges, so many of them complete.
    Exchanges(usize, usize),
    /// As above, and the input is said to break off.
    Broken(usize, usize),
    /// As above, and so many packets of this class.
    Class(usize, usize, &'static str, u64),
    /// This exchange is incomplete for this reason.
    Reason(Incomplete),
}

#[expect(clippy::panic, reason = "a failed check names the file")]
fn check(folder: &Path, name: &str, expect: &Expect) {
    let bytes = std::fs::read(folder.join(name)).expect("the file is read");
    let result = exchanges_of(&bytes, Limits::default());
    let (exchanges, report): (Vec<Exchange>, CaptureReport) = match (result, expect) {
        (Err(CaptureError::Read { .. }), Expect::Refused) => return,
        (Ok((exchanges, report)), Expect::Refused) => {
            // A file whose first block is broken is refused by the survey before the pass.
            assert!(
                exchanges.is_empty() && report.ledger.packets == 0 && report.ledger.input_error.is_some(),
                "{name}"
            );
            return;
        }
        (Ok(read), _) => read,
        (Err(error), _) => panic!("{name}: {error}"),
    };
    let ledger = &report.ledger;
    let complete = exchanges.iter().filter(|exchange| exchange.is_complete()).count();
    match expect {
        Expect::Refused => {}
        Expect::Exchanges(all, whole) => {
            assert_eq!((exchanges.len(), complete), (*all, *whole), "{name}: {ledger:?}");
            assert_eq!(ledger.input_error, None, "{name}");
        }
        Expect::Broken(all, whole) => {
            assert_eq!((exchanges.len(), complete), (*all, *whole), "{name}: {ledger:?}");
            assert!(ledger.input_error.is_some(), "{name}");
        }
        Expect::Class(all, whole, class, count) => {
            assert_eq!((exchanges.len(), complete), (*all, *whole), "{name}: {ledger:?}");
            let classes = ledger.packets_by_class.iter().chain(&ledger.payload_bytes_by_class);
            let found = classes.filter(|(name, _)| name == class).map(|(_, count)| *count).next();
            assert_eq!(found, Some(*count), "{name}: {class} in {ledger:?}");
        }
        Expect::Reason(reason) => {
            assert!(exchanges.iter().any(|e| e.incomplete.contains(reason)), "{name}: {exchanges:?}");
        }
    }
}

#[test]
fn captures_with_one_thing_wrong_are_read_as_far_as_they_are_right() {
    use Expect::{Broken, Class, Exchanges, Reason, Refused};
    let Some(folder) = support::data("hostile/pcap-structure") else { return };
    let cases = [
        ("good.pcap", Exchanges(1, 1)),
        ("good-bigendian.pcap", Exchanges(1, 1)),
        ("good-nanos.pcap", Exchanges(1, 1)),
        ("empty-file.pcap", Refused),
        ("header-23.pcap", Refused),
        ("header-only.pcap", Exchanges(0, 0)),
        ("snap-max.pcap", Exchanges(1, 1)),
        ("time-2106.pcap", Exchanges(1, 1)),
        ("good.pcapng", Exchanges(1, 1)),
        ("bom-bad.pcapng", Refused),
        ("section-other-endian.pcapng", Exchanges(1, 1)),
        ("shb-20000.pcapng", Exchanges(1, 1)),
        ("opt-nul-name.pcapng", Exchanges(1, 1)),
        ("spb.pcapng", Exchanges(1, 1)),
        ("nrb-evil.pcapng", Exchanges(1, 1)),
        ("custom.pcapng", Exchanges(1, 1)),
        ("dsb-keys.pcapng", Exchanges(1, 1)),
        ("bad-ifc.pcapng", Class(1, 1, "bad_record", 1)),
        ("incl-zero-many.pcap", Class(1, 1, "tcp_payload", 2)),
        ("garbage-tail.pcap", Broken(1, 1)),
        ("tcp-reversed.pcap", Exchanges(1, 1)),
        ("tcp-shuffled.pcap", Exchanges(1, 1)),
        ("tcp-syn-data.pcap", Exchanges(1, 1)),
        ("tcp-port-reuse.pcap", Exchanges(2, 2)),
        ("tcp-keepalive-probe.pcap", Exchanges(1, 1)),
        ("tcp-pipelined-3-2.pcap", Exchanges(3, 2)),
        ("tcp-gap-2g.pcap", Exchanges(1, 1)),
        ("tcp-overlap-later-differs.pcap", Class(1, 1, "conflicting", 38)),
        // The first copy of a byte wins, and here it is no HTTP.
        ("tcp-overlap-ooo-differs.pcap", Class(1, 0, "conflicting", 37)),
        ("tcp-inserted-bad-checksum.pcap", Class(1, 1, "conflicting", 47)),
        ("tcp-gap-response.pcap", Reason(Incomplete::ResponseGap)),
        ("tcp-rst-mid.pcap", Reason(Incomplete::ResponseCutShort)),
        ("tcp-eof-mid.pcap", Reason(Incomplete::ResponseCutShort)),
        ("snap-cut-payload.pcap", Reason(Incomplete::ResponseTruncated)),
        ("tcp-no-client-side.pcap", Exchanges(0, 0)),
    ];
    for (name, expect) in &cases {
        check(&folder, name, expect);
    }
    for cut in ["1", "8", "15", "60"] {
        let bytes = std::fs::read(folder.join(format!("tail-cut-{cut}.pcap"))).expect("the file is read");
        let (_, report) = exchanges_of(&bytes, Limits::default()).expect("it is read to the cut");
        assert!(report.ledger.packets > 0 && report.ledger.input_error.is_some(), "tail-cut-{cut}.pcap");
    }
}

/// A small generator: no cryptography, the same on every run (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound.max(1) as u64) as usize
    }
}

/// Flips, cuts, repeats and moves bytes.
fn mutate(seed: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(8) {
        if bytes.is_empty() {
            break;
        }
        let at = random.below(bytes.len());
        match random.below(6) {
            0 => bytes[at] = random.below(256) as u8,
            1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes.truncate(at),
            3 => {
                let end = (at + random.below(64)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, part);
            }
            4 => {
                let end = (at + 4).min(bytes.len());
                bytes[at..end].fill([0, 0xff, 0x7f][random.below(3)]);
            }
            _ => drop(bytes.drain(at..(at + random.below(32)).min(bytes.len()))),
        }
    }
    bytes
}

#[test]
fn mutated_captures_never_panic_and_always_balance() {
    let Some(folder) = support::data("captures") else { return };
    let mut random = Random(20_261_122);
    for path in captures(&folder).into_iter().filter(|path| path.to_string_lossy().contains(".pcap")) {
        let seed = std::fs::read(&path).expect("the file is read");
        let seed = &seed[..seed.len().min(20_000)];
        for round in 0..40 {
            let bytes = mutate(seed, &mut random);
            match exchanges_of(&bytes, Limits::default()) {
                Ok(_) | Err(CaptureError::Read { .. }) => {}
                Err(error) => panic!("{} round {round}: {error}", path.display()),
            }
        }
    }
}
