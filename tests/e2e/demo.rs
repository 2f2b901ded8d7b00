//! The demo: its folder, its files, and, where asked for by name, the whole of it.

use crate::support::{cutover, ran, run, scratch};
use std::time::Duration;

#[test]
fn a_foreign_folder_is_left_alone() {
    let folder = scratch();
    std::fs::write(folder.path().join("thesis.doc"), "mine").unwrap();
    let refused = run(["demo".as_ref(), "--out".as_ref(), folder.path().as_os_str()]).exits(2);
    assert!(refused.stderr.contains("--out"), "{refused:?}");
    assert!(folder.path().join("thesis.doc").is_file());
}

#[test]
fn an_interrupted_demo_is_never_go_and_leaves_whole_files() {
    let folder = scratch();
    let out = folder.path().join("demo");
    let mut child = cutover(["demo".as_ref(), "--out".as_ref(), out.as_os_str()])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let run_file = out.join("canary/step-025/run-1.run");
    let mut tries = 0;
    while !run_file.exists() && child.try_wait().unwrap().is_none() {
        // Waiting for a file has no event to wait for; the bound only ends a broken demo.
        std::thread::park_timeout(Duration::from_millis(20));
        tries += 1;
        assert!(tries < 3_000, "the first run file never came");
    }
    let asked = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(asked.success());
    let ended = ran(child.wait_with_output().unwrap()).exits(20);
    assert!(ended.stdout.contains("the policy, fixed before the first request"), "{ended:?}");
    for file in
        ["cutover.toml", "legacy.pcap", "legacy.corpus", "canary/index.html", "canary/step-025/report.json"]
    {
        assert!(out.join(file).is_file(), "{file}");
    }
    let index: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("canary/index.json")).unwrap()).unwrap();
    assert_eq!(index["ended"], "interrupted");
}

#[test]
#[ignore = "takes a minute and a half and a quiet machine"]
fn the_good_candidate_goes() {
    let folder = scratch();
    let out = folder.path().join("demo");
    run(["demo".as_ref(), "--out".as_ref(), out.as_os_str()]).exits(0);
}

#[test]
#[ignore = "takes a minute and a half and a quiet machine"]
fn the_bad_candidate_does_not_and_every_planted_fault_is_named() {
    let folder = scratch();
    let out = folder.path().join("demo");
    let document =
        run(["demo".as_ref(), "--bad".as_ref(), "--json".as_ref(), "--out".as_ref(), out.as_os_str()])
            .exits(10)
            .json();
    let planted = document["planted_faults"].as_array().unwrap();
    assert_eq!(planted.len(), 5);
    for fault in planted {
        assert!(!fault["named_by"].as_array().unwrap().is_empty(), "{fault}");
    }
    assert_eq!(document["steps"].as_array().map(Vec::len), Some(3));
}
