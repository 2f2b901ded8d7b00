//! Replays at servers that do as they are told: order, counts, failures and their names. In every story the
//! books balance and each arm of each request has one outcome.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails where it stands")]

mod support;
mod tls;

use corpus::run::{FailureKind, Fault, NotSent, OutcomeResult, Role, RunEnd, Scale, Sending};
use corpus::units::{Fraction, Percent, Speed};
use replay::{Baseline, Connections, ReplayError, StopHandle, Unobserved};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};
use support::{Act, Recorded, Server, Story, evenly};

/// The candidate acts by `script` on every request; what the books say of it.
fn check(script: fn(usize) -> Act, expected: &str) {
    let (baseline, candidate) = (Server::ok(), Server::start(move |_, served| script(served)));
    let told = Story::new(&evenly(20, 4, 2), &baseline, &candidate).run();
    assert_eq!(told.of(Role::Baseline), "20 of 20");
    assert_eq!(told.of(Role::Candidate), expected);
    assert_eq!(told.summary.ended(), RunEnd::Completed);
}

#[test]
fn whole_responses_in_every_framing() {
    check(|_| Act::say("HTTP/1.1 200 OK|Content-Length: 2||hi"), "20 of 20");
    check(|_| Act::say("HTTP/1.1 200 OK|Transfer-Encoding: chunked||1|a|0||"), "20 of 20");
    check(|_| Act::say_and_close("HTTP/1.1 200 OK||until close"), "20 of 20");
    check(|_| Act::say_and_close("HTTP/1.0 500 No|Content-Length: 1||x"), "20 of 20");
    check(|_| Act::say("HTTP/1.1 103 Hints|Link: a||HTTP/1.1 200 OK|Content-Length: 0||"), "20 of 20");
    check(|_| Act::Trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc".to_vec()), "20 of 20");
}

#[test]
fn failures_have_their_names() {
    check(|_| Act::Reset, "0 of 20 20 reset");
    check(|_| Act::say_and_close(""), "0 of 20 20 closed");
    check(|_| Act::say_and_close("HTTP/1.1 200 OK|Content-Length: 9||half"), "0 of 20 20 partial");
    check(|_| Act::say("no HTTP at all||"), "0 of 20 20 garbage");
    check(|_| Act::say("HTTP/1.1 200 OK|Transfer-Encoding: chunked||zz|"), "0 of 20 20 garbage");
}

#[test]
fn a_hanging_backend_times_out_and_its_successors_still_go() {
    let (baseline, candidate) = (Server::ok(), Server::start(|_, _| Act::Hang));
    let mut story = Story::new(&evenly(6, 2, 1), &baseline, &candidate);
    story.config.deadline = Duration::from_millis(200);
    let told = story.run();
    let books = &told.summary.seal.accounting[1];
    let timeouts = books.failures.get(&FailureKind::Timeout).copied().unwrap_or(0);
    let blocked = books.not_sent.get(&NotSent::Blocked).copied().unwrap_or(0);
    assert!(timeouts >= 2 && timeouts + blocked == 6, "{books:?}");
    assert_eq!(told.summary.backends[1].latency_us.p50, None);
    assert_eq!(told.summary.backends[1].latency_us.censored_above_us, Some(200_000));
    let blocked =
        told.joined.iter().flat_map(|one| &one.outcomes).map(|outcome| outcome.times.blocked()).max();
    assert!(blocked >= Some(Duration::from_millis(190)), "{blocked:?}");
}

#[test]
fn a_refusing_backend_is_a_measurement() {
    let (baseline, candidate) = (Server::ok(), Server::refusing());
    let told = Story::new(&evenly(20, 4, 2), &baseline, &candidate).run();
    assert_eq!(told.of(Role::Baseline), "20 of 20");
    assert_eq!(told.of(Role::Candidate), "0 of 20 20 connect_refused");
    let backend =
        told.joined.iter().flat_map(|one| &one.outcomes).filter(|one| one.arm.role == Role::Candidate);
    for outcome in backend {
        assert!(matches!(outcome.result, OutcomeResult::NotSent { fault: Fault::Backend, .. }));
    }
}

#[test]
fn a_dead_backend_stops_a_long_run() {
    let (baseline, candidate) = (Server::ok(), Server::refusing());
    let told = Story::new(&evenly(2000, 50, 1), &baseline, &candidate).run();
    assert_eq!(told.summary.ended(), RunEnd::FailuresInARow);
    assert!(told.joined.len() < 2000, "{}", told.joined.len());
}

#[test]
fn sessions_keep_their_order_at_each_backend() {
    // Two sessions share each recorded connection, as behind a balancer.
    let mut recorded = evenly(300, 10, 1);
    recorded.iter_mut().for_each(|one| one.1 /= 2);
    let slow = |seen: &support::Seen, _: usize| {
        let pieces = usize::from(seen.target.len().is_multiple_of(3));
        if pieces == 1 {
            Act::Trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec())
        } else {
            Act::ok()
        }
    };
    let (baseline, candidate) = (Server::start(slow), Server::ok());
    let told = Story::new(&recorded, &baseline, &candidate).run();
    assert_eq!(told.of(Role::Baseline), "300 of 300");
    for server in [&baseline, &candidate] {
        let mut last: HashMap<String, u64> = HashMap::new();
        let seen = server.seen();
        assert_eq!(seen.len(), 300);
        for one in seen {
            let (session, number) = one.target[1..].split_once('/').unwrap();
            let number: u64 = number.parse().unwrap();
            let before = last.insert(session.to_owned(), number);
            assert!(before.is_none_or(|before| before < number), "{session}: {before:?} before {number}");
            assert!(one.head.contains("Host: 127.0.0.1:"), "{}", one.head);
        }
    }
    let never_early =
        told.joined.iter().flat_map(|one| &one.outcomes).all(|one| one.times.sent >= Some(one.times.planned));
    assert!(never_early);
}

#[test]
fn recorded_connections_are_carriers() {
    let (baseline, candidate) = (Server::ok(), Server::ok());
    let recorded: Vec<Recorded> = (0..60).map(|n| Recorded(n % 6, n % 6, n * 5, format!("/{n}"))).collect();
    Story::new(&recorded, &baseline, &candidate).run();
    let carried: HashMap<usize, Vec<String>> =
        candidate.seen().into_iter().fold(HashMap::new(), |mut all, one| {
            all.entry(one.connection).or_default().push(one.target);
            all
        });
    assert_eq!(carried.len(), 6);
    assert!(carried.values().all(|targets| targets.len() == 10));
}

#[test]
fn a_pool_has_its_size() {
    let (baseline, candidate) = (Server::ok(), Server::ok());
    let mut story = Story::new(&evenly(200, 50, 1), &baseline, &candidate);
    story.config.connections = Connections::Pool(NonZeroU32::new(3).unwrap());
    let told = story.run();
    assert_eq!(told.of(Role::Candidate), "200 of 200");
    assert!(baseline.connections() <= 3 && candidate.connections() <= 3);
}

#[test]
fn a_stale_connection_is_tried_again_once() {
    // Closes every connection after its first response without saying so beforehand.
    let (baseline, candidate) =
        (Server::ok(), Server::start(|_, _| Act::say_and_close("HTTP/1.1 200 OK|Content-Length: 0||")));
    let recorded: Vec<Recorded> = (0..20).map(|n| Recorded(1, 1, n * 3, format!("/{n}"))).collect();
    let told = Story::new(&recorded, &baseline, &candidate).run();
    assert_eq!(told.of(Role::Candidate), "20 of 20");
    assert_eq!(candidate.connections(), 20);
}

#[test]
fn repeats_go_to_both_backends_after_the_lag() {
    let (baseline, candidate) = (Server::ok(), Server::ok());
    let mut story = Story::new(&evenly(100, 10, 1), &baseline, &candidate);
    story.config.noise_share = Fraction::new(0.3).unwrap();
    story.config.repeat_lag = Duration::from_millis(150);
    let told = story.run();
    let repeated = told.joined.iter().filter(|one| one.planned.arms.len() == 4).count();
    assert!((10..60).contains(&repeated), "{repeated}");
    let expected = format!("{0} of {0}", 100 + repeated);
    assert_eq!((told.of(Role::Baseline), told.of(Role::Candidate)), (expected.clone(), expected));
    for outcome in
        told.joined.iter().flat_map(|one| &one.outcomes).filter(|one| one.arm.sending == Sending::Repeat)
    {
        let first = told.joined.iter().find(|one| one.planned.seq == outcome.seq).unwrap().planned.at;
        assert_eq!(outcome.times.planned.since(first), Duration::from_millis(150));
    }
}

#[test]
fn a_control_gets_its_share_and_nothing_is_repeated() {
    let (baseline, candidate, control) = (Server::ok(), Server::ok(), Server::ok());
    let mut story = Story::new(&evenly(200, 10, 1), &baseline, &candidate);
    story.config.noise_share = Fraction::new(0.2).unwrap();
    story.config.control = Some(replay::Target::new(control.url()));
    let told = story.run();
    assert_eq!(told.of(Role::Baseline), "200 of 200");
    let share = control.seen().len();
    assert!((15..75).contains(&share), "{share}");
    assert_eq!(told.of(Role::Control), format!("{share} of {share}"));
}

#[test]
fn a_recorded_baseline_needs_no_server() {
    let candidate = Server::ok();
    let mut story = Story::new(&evenly(20, 4, 1), &candidate, &candidate);
    story.config.baseline = Baseline::Recorded;
    let told = story.run();
    assert_eq!(told.of(Role::Baseline), "20 of 20");
    assert_eq!(candidate.seen().len(), 20);
    let body = told.joined.iter().flat_map(|one| &one.outcomes).find(|one| one.arm.role == Role::Baseline);
    let Some(OutcomeResult::Response(response)) = body.map(|one| &one.result) else { panic!("a response") };
    assert_eq!((response.status, response.body.len), (200, 8));
}

#[test]
fn a_stop_leaves_a_valid_run_soon() {
    let (baseline, candidate) = (Server::ok(), Server::ok());
    let mut story = Story::new(&evenly(1000, 10, 20), &baseline, &candidate);
    story.config.noise_share = Fraction::new(0.5).unwrap();
    let stop = StopHandle::new();
    let handle = stop.clone();
    let started = Instant::now();
    let stopper = std::thread::spawn({
        let candidate = candidate.url();
        move || {
            // The first request that arrives is the sign that the run goes on.
            while std::net::TcpStream::connect(candidate.trim_start_matches("http://")).is_err() {}
            handle.stop();
        }
    });
    let told = story.run_until(&stop);
    stopper.join().unwrap();
    assert_eq!(told.summary.ended(), RunEnd::Interrupted);
    assert!(started.elapsed() < Duration::from_secs(5));
    let after = told.summary.seal.at;
    assert!(told.joined.iter().flat_map(|one| &one.outcomes).all(|one| one.times.sent <= Some(after)));
}

#[test]
fn scales_hold_and_durations_repeat() {
    let (baseline, candidate) = (Server::ok(), Server::ok());
    let mut story = Story::new(&evenly(200, 40, 2), &baseline, &candidate);
    story.config.scale = Scale::Percent(Percent::new(25.0).unwrap());
    let told = story.run();
    assert_eq!(told.of(Role::Baseline), "50 of 50");
    story.config.scale = Scale::Percent(Percent::new(300.0).unwrap());
    story.config.duration = Some(Duration::from_millis(796));
    story.config.overwrite = corpus::Overwrite::Replace;
    let told = story.run();
    assert_eq!(told.joined.len(), 1200);
    assert_eq!(told.summary.header.planned_requests, 1200);
}

#[test]
fn a_closed_loop_goes_as_fast_as_it_can() {
    let (baseline, candidate) = (Server::ok(), Server::ok());
    let mut story = Story::new(&evenly(500, 100, 1000), &baseline, &candidate);
    story.config.scale = Scale::Speed(Speed::Max);
    story.config.connections = Connections::Pool(NonZeroU32::new(8).unwrap());
    let started = Instant::now();
    let told = story.run();
    assert_eq!(told.of(Role::Candidate), "500 of 500");
    assert!(started.elapsed() < Duration::from_secs(60));
    assert_eq!(told.summary.header.load.planned_rate, None);
}

#[test]
fn nothing_to_send_and_bad_targets_are_errors() {
    let (baseline, candidate) = (Server::ok(), Server::ok());
    let empty = Story::new(&[], &baseline, &candidate);
    let error = replay::run(empty.config.clone(), &mut Unobserved, &StopHandle::new()).unwrap_err();
    assert!(matches!(error, ReplayError::NothingToSend { .. }) && !error.is_usage(), "{error}");
    let mut story = Story::new(&evenly(1, 1, 1), &baseline, &candidate);
    for url in
        ["http://8.8.8.8", "http://0.0.0.0:80", "ftp://a", "http://nowhere.invalid", "http://169.254.169.254"]
    {
        story.config.candidate = replay::Target::new(url);
        let error = replay::prepare(story.config.clone()).map(drop).unwrap_err();
        assert!(error.is_usage(), "{url}: {error}");
    }
    assert!(!story.config.output.exists());
}

#[test]
fn equal_seeds_plan_equal_runs() {
    let (baseline, candidate) = (Server::ok(), Server::ok());
    let mut story = Story::new(&evenly(100, 20, 1), &baseline, &candidate);
    story.config.noise_share = Fraction::new(0.2).unwrap();
    story.config.scale = Scale::Percent(Percent::new(50.0).unwrap());
    story.config.overwrite = corpus::Overwrite::Replace;
    let planned = || {
        let mut planned: Vec<_> = story.run().joined.into_iter().map(|one| one.planned).collect();
        planned.sort_by_key(|one| one.seq);
        planned
    };
    assert_eq!(planned(), planned());
}
