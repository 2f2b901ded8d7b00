#!/usr/bin/env bash
# Corpus size: as captured and packed, against zstd -19 of the same exchanges as JSON lines.
# usage: benches/size.sh [CAPTURE...]; default: the demo's capture and, where it is there, outside test data.
set -euo pipefail
cd "$(dirname "$0")/.."

work="${BENCH_WORK:-$(mktemp -d)}"
bin="${BENCH_BIN:-${CARGO_TARGET_DIR:-target}/dist/cutover}"
[ -x "$bin" ] || cargo build --profile dist --locked --quiet
data="${CUTOVER_TEST_DATA:-../shared}/captures"

captures=("$@")
if [ ${#captures[@]} = 0 ]; then
  captures=(demo/*.pcap)
  for name in 1000-requests-one-dropped-response p2h-out-of-order-2800 sv-range-multiflows; do
    for file in "$data/$name".pcap*; do [ -e "$file" ] && captures+=("$file"); done
  done
  [ -e "$work/plain.pcap" ] && captures+=("$work/plain.pcap")
fi

printf '%-44s %12s %12s %12s %14s %8s\n' capture 'pcap B' 'captured B' 'packed B' 'zstd -19 B' ratio
for capture in "${captures[@]}"; do
  name=$(basename "$capture")
  "$bin" capture --read "$capture" -o "$work/$name.corpus" --force --quiet >/dev/null
  "$bin" corpus pack "$work/$name.corpus" -o "$work/$name.packed" --force --quiet >/dev/null
  lines=$("$bin" corpus cat "$work/$name.corpus" --json --bodies | zstd -19 --long=27 -q -c | wc -c)
  packed=$(stat -c %s "$work/$name.packed")
  printf '%-44s %12d %12d %12d %14d %8.3f\n' "$name" "$(stat -c %s "$capture")" \
    "$(stat -c %s "$work/$name.corpus")" "$packed" "$lines" "$(echo "scale=4; $packed / $lines" | bc)"
done
