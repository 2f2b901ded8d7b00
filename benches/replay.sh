#!/usr/bin/env bash
# Replay: CPU for each backend request against wrk and oha, regularity of arrivals at the server, a 1 s stall, memory.
# One nginx worker on core 0, each client on core 1 in turn. usage: benches/replay.sh [SECONDS]
set -euo pipefail
cd "$(dirname "$0")/.."

seconds="${1:-6}"
work="${BENCH_WORK:-$(mktemp -d)}"
bin="${BENCH_BIN:-${CARGO_TARGET_DIR:-target}/dist/cutover}"
tools="$(dirname "$bin")/examples"
port="${BENCH_PORT:-18090}"
[ -x "$bin" ] || cargo build --profile dist --locked --quiet
[ -x "$tools/bench_server" ] || cargo build --profile dist --locked --quiet -p replay --example bench_corpus --example bench_server
server=0

started=()
finish() { [ "$server" = 0 ] || kill "$server" 2>/dev/null || true; [ ${#started[@]} = 0 ] || kill "${started[@]}" 2>/dev/null || true; }
trap finish EXIT

# Reads one number out of a replay's JSON. usage: figure FILE BACKEND KEY KEY
figure() { python3 -c 'import json,sys; d=json.load(open(sys.argv[1]))["backends"][int(sys.argv[2])]; print(d[sys.argv[3]][sys.argv[4]])' "$@"; }

# Runs a client on core 1; prints microseconds of CPU for each of the requests that nginx counted, and its memory.
# usage: client NAME COMMAND...
client() {
  python3 - "$port" "$@" <<'PY'
import os, resource, subprocess, sys, time, urllib.request
port, name, command = sys.argv[1], sys.argv[2], sys.argv[3:]
def served():
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/status").read().decode().split("\n")[2]
    return int(text.split()[2])
before = served()
started = time.monotonic()
child = subprocess.Popen(["taskset", "-c", "1", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
wall = time.monotonic() - started
count = served() - before - 1
cpu = usage.ru_utime + usage.ru_stime
print(f"{name:<24} {count / wall:>9.0f}/s {cpu / max(count, 1) * 1e6:>7.2f} us/req  user {usage.ru_utime / max(count, 1) * 1e6:>6.2f}  {usage.ru_maxrss / 1024:>6.0f} MiB  exit {os.waitstatus_to_exitcode(status)}")
PY
}

if command -v nginx >/dev/null; then
  mkdir -p "$work/www"
  chmod 755 "$work" "$work/www"
  head -c 200 /dev/zero | tr '\0' 'x' >"$work/www/200"
  head -c 10239 /dev/zero | tr '\0' 'x' >"$work/www/10k"
  cat >"$work/replay-nginx.conf" <<CONF
daemon off;
worker_processes 1;
pid $work/replay-nginx.pid;
error_log $work/replay-nginx.err;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  server {
    listen 127.0.0.1:$port;
    root $work/www;
    location /status { stub_status; }
  }
}
CONF
  taskset -c 0 nginx -c "$work/replay-nginx.conf" &
  server=$!
  until curl -s -o /dev/null "http://127.0.0.1:$port/status"; do :; done
  for size in 200 10k; do
    echo "-- closed loop, 64 connections, $size"
    "$tools/bench_corpus" "$work/$size.corpus" 20000 2000 2000 "/$size"
    url="http://127.0.0.1:$port"
    for round in 1 2; do
      if command -v wrk >/dev/null; then client wrk wrk -t1 -c64 "-d${seconds}s" "$url/$size"; fi
      if command -v oha >/dev/null; then client oha oha --no-tui -c 64 -z "${seconds}s" "$url/$size"; fi
      client cutover "$bin" replay "$work/$size.corpus" --baseline "$url" --candidate "$url" -o "$work/max.run" --force -q \
        --speed max --connections 64 --duration "${seconds}s" --noise-share 0
      client 'cutover, digests only' "$bin" replay "$work/$size.corpus" --baseline "$url" --candidate "$url" -o "$work/max.run" --force -q \
        --speed max --connections 64 --duration "${seconds}s" --noise-share 0 --bodies digest
    done
  done
  kill "$server"
  wait "$server" || true
  server=0
else
  echo "left out: nginx is not on this machine"
fi

# Replays at two bare servers; prints what they saw. usage: bare NAME CORPUS [STALL_AT_MS STALL_MS]
bare() {
  local name=$1 corpus=$2
  shift 2
  "$tools/bench_server" $((port + 1)) "$@" >"$work/$name.baseline" &
  local first=$!
  "$tools/bench_server" $((port + 2)) >"$work/$name.candidate" &
  local second=$!
  started=("$first" "$second")
  for place in $((port + 1)) $((port + 2)); do until (exec 3<>"/dev/tcp/127.0.0.1/$place") 2>/dev/null; do :; done; done
  "$bin" replay "$corpus" --baseline "http://127.0.0.1:$((port + 1))" --candidate "http://127.0.0.1:$((port + 2))" \
    -o "$work/$name.run" --force -q --json --noise-share 0 >"$work/$name.json"
  curl -s -o /dev/null "http://127.0.0.1:$((port + 1))/quit"
  curl -s -o /dev/null "http://127.0.0.1:$((port + 2))/quit"
  wait "$first" "$second"
  started=()
  paste "$work/$name.baseline" "$work/$name.candidate"
}

echo "-- pacing: 2,000/s, Poisson, 10 s, two bare servers (baseline, candidate)"
"$tools/bench_corpus" "$work/poisson.corpus" 20000 2000 64 '/at/{at}'
bare poisson "$work/poisson.corpus"

echo "-- a stall of 1 s in 10 s at 1,000/s (the baseline stalls; truth: its own stamps)"
"$tools/bench_corpus" "$work/stall.corpus" 10000 1000 1000 '/at/{at}'
bare stall "$work/stall.corpus" 4000 1000
for key in p50 p99 p999 max; do echo "measured_latency_us_$key $(figure "$work/stall.json" 0 latency_us "$key")"; done
python3 -c 'import json,sys; print([(b["role"], b["planned"], b["sent"], b["responses"]) for b in json.load(open(sys.argv[1]))["backends"]])' "$work/stall.json"
