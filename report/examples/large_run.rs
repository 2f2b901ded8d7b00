//! Writes a run of many outcomes, for measuring `cutover report`: `large_run FILE OUTCOMES`.
//!
//! Two backends, 1,400 requests a second each, 20 endpoints, 20,000 sessions, 2 KiB JSON bodies; 98 % of the pairs are
//! equal, the rest differ in one number that also differs between repeats.

use corpus::digest::DigestKey;
use corpus::ids::{EndpointId, ExchangeId, PlanSeq, SessionId};
use corpus::run::{
    Arm, Backend, BackendAccounting, BodyKeeping, CorpusRef, EndpointPlan, Kept, Load, Outcome,
    OutcomeResult, Planned, RecordedBody, RecordedResponse, Role, RunEnd, RunHeader, RunSeal, Scale, Sending,
    StoredBody, Times,
};
use corpus::time::RunTime;
use corpus::units::{Fraction, Percent, RequestRate};
use corpus::{Overwrite, RunWriter};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use wire::http1::Headers;

const PER_SECOND: u64 = 1400;
const ENDPOINTS: u64 = 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().collect();
    let [_, file, outcomes] = words.as_slice() else { return Err("usage: large_run FILE OUTCOMES".into()) };
    let requests = outcomes.parse::<u64>()? / 2;
    let mut writer = RunWriter::create(Path::new(file), &header(requests), Overwrite::Replace)?;
    let key = DigestKey::from_secret(b"large run");
    let padding = "lorem ipsum ".repeat(160);
    for seq in 0..requests {
        let planned = planned(seq);
        writer.planned(&planned)?;
        for arm in &planned.arms {
            let own = mix(seq ^ ((arm.role as u64 + 1) << 50));
            let price = if seq % 50 == 0 { own % 100 } else { 42 };
            let body =
                format!("{{\"id\":{},\"price\":{price},\"text\":\"{padding}\"}}", seq % 1000).into_bytes();
            let us = 2_000 + mix(seq) % 20_000 + own % 2_000;
            writer.outcome(&outcome(&planned, *arm, us, body, &key))?;
        }
        if seq % 100 == 0 {
            writer.tick()?;
        }
    }
    let account = |role| BackendAccounting {
        role,
        planned: requests,
        sent: requests,
        not_sent: BTreeMap::new(),
        responses: requests,
        failures: BTreeMap::new(),
        retried_stale: 0,
    };
    let accounting = vec![account(Role::Baseline), account(Role::Candidate)];
    let at = RunTime(requests * 1_000_000_000 / PER_SECOND);
    writer.seal(&RunSeal { ended: Some(RunEnd::Completed), at, accounting, warnings: BTreeMap::new() })?;
    Ok(())
}

/// SplitMix64's output function.
fn mix(value: u64) -> u64 {
    let z = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn header(requests: u64) -> RunHeader {
    let backend =
        |role, url: &str| Backend { role, url: url.to_owned(), headers_set: Vec::new(), insecure: false };
    let endpoint = |i| EndpointPlan {
        name: format!("GET /service{i}/items/{{id}}"),
        recorded: requests / ENDPOINTS,
        planned: requests / ENDPOINTS,
    };
    RunHeader {
        tool_version: "0.1.0".to_owned(),
        started_unix_ns: 0,
        corpus: CorpusRef {
            digest: "large".to_owned(),
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
            production_rate: RequestRate::new(1400.0),
            planned_rate: RequestRate::new(1400.0),
            percent_achieved: Some(Percent::HUNDRED),
            duration: Duration::from_secs(requests / PER_SECOND),
            passes: 1,
            max_rate: None,
        },
        seed: 1,
        deadline: Duration::from_secs(10),
        noise_share: Fraction::ONE,
        repeat_lag: Duration::from_millis(500),
        endpoints: (0..ENDPOINTS).map(endpoint).collect(),
        left_out: BTreeMap::new(),
        corpus_exchanges: requests,
        planned_requests: requests,
        policy_json: String::new(),
        bodies: BodyKeeping::All,
    }
}

fn planned(seq: u64) -> Planned {
    let arms = [Role::Baseline, Role::Candidate].map(|role| Arm { role, sending: Sending::First });
    Planned {
        seq: PlanSeq(seq),
        exchange: ExchangeId(seq),
        endpoint: EndpointId(u32::try_from(mix(seq) % ENDPOINTS).unwrap_or(0)),
        session: SessionId(mix(seq / 7) % 20_000),
        copy: 0,
        at: RunTime(seq * 1_000_000_000 / PER_SECOND),
        method: b"GET".to_vec(),
        target: format!("/service/items/{seq}").into_bytes(),
        recorded_status: Some(200),
        arms: arms.to_vec(),
    }
}

fn outcome(planned: &Planned, arm: Arm, us: u64, body: Vec<u8>, key: &DigestKey) -> Outcome {
    let mut headers = Headers::new();
    headers.push(b"content-type", b"application/json");
    let (len, digest) = (body.len() as u64, key.digest(&body));
    let kept = Kept::Stored(StoredBody::Inline(body.into()));
    let body = RecordedBody { len, digest, kept };
    let result =
        OutcomeResult::Response(RecordedResponse { status: 200, headers, trailers: Headers::new(), body });
    let at = planned.at;
    let end = at.after(Duration::from_micros(us));
    let times = Times {
        planned: at,
        unblocked: at,
        ready: at,
        sent: Some(at),
        first_byte: Some(end),
        end: Some(end),
    };
    Outcome { seq: planned.seq, arm, times, result }
}
