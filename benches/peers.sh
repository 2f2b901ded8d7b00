#!/usr/bin/env bash
# Every figure of docs/benchmarks.md again, each beside its peer in the same run on the same machine.
# Peers that are not on this machine are named and left out. Load goes to 127.0.0.1 only, bounded in count and time.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export BENCH_WORK="$work" BENCH_BIN="${CARGO_TARGET_DIR:-target}/dist/cutover"

echo "machine: $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), Linux $(uname -r), $(date -u +%F)"
cargo build --profile dist --locked --quiet

for part in capture size replay; do
  printf '\n== %s\n' "$part"
  "benches/$part.sh"
done
