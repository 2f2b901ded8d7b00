# Recipes for people; `.ci/run` does the same as `just ci` without needing just.

default:
    @just --list

# Everything that must hold before a change lands.
ci:
    .ci/run

fmt:
    cargo fmt --all

clippy:
    cargo clippy --locked --workspace --all-targets -- -D warnings

test:
    cargo test --locked

doc:
    RUSTDOCFLAGS='-D warnings -A rustdoc::private_intra_doc_links' cargo doc --locked --workspace --no-deps --document-private-items

# Licences, bans and sources of dependencies; advisories need a database from outside.
deny:
    cargo deny check bans licenses sources

advisories:
    cargo deny check advisories

# The story in one command.
demo *ARGS:
    cargo run --release -- demo {{ARGS}}

# Every figure of docs/benchmarks.md again, peers beside it in the same run.
bench-peers:
    benches/peers.sh

# Records the demo's capture again from its legacy backend (needs tcpdump and the right to use it).
record-demo:
    cargo run --release --example record_demo -- demo/legacy.pcap
