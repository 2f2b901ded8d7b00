#!/usr/bin/env bash
# Capture file to corpus, against tcpflow on the same file in the same run: MB/s of wall time and of CPU time, memory.
# Two recordings from nginx under wrk on loopback: all bodies equal (plain), and all bodies different (varied).
# usage: benches/capture.sh [SECONDS]; needs nginx, wrk and tcpdump (as root) to record; tcpflow is the peer.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds="${1:-5}"
work="${BENCH_WORK:-$(mktemp -d)}"
bin="${BENCH_BIN:-${CARGO_TARGET_DIR:-target}/dist/cutover}"
port="${BENCH_PORT:-18080}"
[ -x "$bin" ] || cargo build --profile dist --locked --quiet

for tool in nginx wrk tcpdump; do
  command -v "$tool" >/dev/null || { echo "left out: $tool is not on this machine"; exit 0; }
done

mkdir -p "$work/www"
chmod 755 "$work" "$work/www"
awk 'BEGIN { srand(1); printf "{\"items\":["; for (i = 1; i < 30; i++) printf "%s{\"id\":%d,\"name\":\"item-%d\",\"price\":%.2f,\"tag\":\"%06x\"}", (i > 1 ? "," : ""), i, i, rand() * 100, rand() * 16777216; printf "]}" }' \
  | head -c 2289 >"$work/www/items.json"
pad=$(printf 'x%.0s' $(seq 1800))
cat >"$work/nginx.conf" <<CONF
daemon off;
worker_processes 1;
pid $work/nginx.pid;
error_log $work/nginx.err;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 100000;
  gzip on;
  server { listen 127.0.0.1:$port; root $work/www; }
  server {
    listen 127.0.0.1:$((port + 1));
    location / {
      default_type application/json;
      return 200 '{"id":"\$request_id","at":"\$msec","first":"\$request_id","pad":"$pad","last":"\$request_id"}';
    }
  }
}
CONF

# Records while wrk runs, stopping only what it started. usage: record NAME PORT PATH
record() {
  tcpdump -i lo -s0 -B 262144 -U -w "$work/$1.pcap" "tcp port $2" 2>"$work/$1.tcpdump" &
  local dump=$!
  until grep -q listening "$work/$1.tcpdump"; do :; done
  wrk -t1 -c32 "-d${seconds}s" "http://127.0.0.1:$2$3" >"$work/$1.wrk"
  kill -INT "$dump"
  wait "$dump" || true
  grep -E 'Requests/sec' "$work/$1.wrk" | sed "s/^/$1: /"
  grep -E 'dropped by kernel' "$work/$1.tcpdump" | sed "s/^/$1: /"
}

# Best of three: wall seconds, CPU seconds, KiB resident. usage: measure COMMAND...
measure() {
  for _ in 1 2 3; do
    python3 - "$@" <<'PY'
import os, resource, subprocess, sys, time
start = time.monotonic()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
wall = time.monotonic() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"{wall:.3f} {used.ru_utime + used.ru_stime:.3f} {used.ru_maxrss}")
PY
  done | sort -n | head -1
}

# usage: row NAME FILE COMMAND...
row() {
  local name=$1 file=$2 size wall cpu resident
  shift 2
  size=$(stat -c %s "$file")
  read -r wall cpu resident < <(measure "$@")
  awk -v n="$name" -v s="$size" -v w="$wall" -v c="$cpu" -v r="$resident" \
    'BEGIN { printf "%-34s %9.3f s %9.3f s %8.0f MB/s %8.0f MB/CPU s %8.1f MB\n", n, w, c, s / w / 1e6, s / c / 1e6, r / 1024 }'
  printf '%s' "$cpu" >"$work/cpu.$name"
}

nginx -e "$work/nginx.err" -c "$work/nginx.conf" &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
until (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do kill -0 "$server"; done

record plain "$port" /items.json
record varied $((port + 1)) /orders
kill "$server"
wait "$server" || true
trap - EXIT

# One core for everybody: the figure is per core.
pin=()
command -v taskset >/dev/null && pin=(taskset -c 0)
printf '%-34s %11s %11s %13s %15s %11s\n' 'tool and capture' wall CPU 'wall speed' 'CPU speed' resident
for name in plain varied; do
  file="$work/$name.pcap"
  row "cutover $name" "$file" "${pin[@]}" "$bin" capture --read "$file" -o "$work/$name.corpus" --force --quiet
  if command -v tcpflow >/dev/null; then
    row "tcpflow $name" "$file" "${pin[@]}" sh -c "rm -rf '$work/flows'; tcpflow -q -r '$file' -o '$work/flows'"
    rm -rf "$work/flows"
    awk -v a="$(cat "$work/cpu.tcpflow $name")" -v b="$(cat "$work/cpu.cutover $name")" -v n="$name" \
      'BEGIN { printf "ratio %-28s %.2f times the speed of tcpflow per CPU second\n", n, a / b }'
  fi
  "$bin" capture --read "$file" -o "$work/$name.corpus" --force --json \
    | python3 -c 'import json,sys; l=json.load(sys.stdin); print("   ", l["packets"], "packets,", l["requests"], "requests,", l["exchanges_complete"], "complete exchanges,", l["exchanges_incomplete"] or "none incomplete")'
  printf '    corpus %d of %d bytes\n' "$(stat -c %s "$work/$name.corpus")" "$(stat -c %s "$file")"
done
