#!/bin/bash
# One short measurement of rows of each kind, and what bad arguments get.
set -eu
PATH=$PATH:/usr/sbin:/sbin
bench=$(readlink -f test/bench/run)
load=$(readlink -f test/bench/load/load)

report=$(timeout 250 "$bench" --load "$load" --columns runc --repetitions 1 --seconds 0.3 --json \
  --rows tcp-ping-pong,connections,udp-requests,start-to-exit,idle-sandbox)
echo "$report"
python3 - "$report" <<'PYTHON'
import json, sys
rows = {row["name"]: row["columns"]["runc"] for row in json.loads(sys.argv[1])["rows"]}
assert len(rows) == 5, rows
for name, column in rows.items():
    assert column["failure"] is None and len(column["samples"]) == 1, (name, column)
    assert column["median"] > 0 or name == "idle-sandbox", (name, column)
PYTHON

expect_refusal() {
  local text=$1 output
  shift
  if output=$("$bench" --load "$load" "$@" 2>&1); then
    echo "accepted: $*" && exit 1
  fi
  case $output in *"$text"*) ;; *) echo "for $*: $output" && exit 1 ;; esac
}
expect_refusal "no row 'nonsense'" --rows nonsense
expect_refusal "'docker' is not one of" --columns docker
expect_refusal "/nothere/moat is not there" --columns moat --moat /nothere/moat
expect_refusal "must be positive" --repetitions 0

if ip netns list | grep -q "moatbench"; then
  echo "namespaces were left behind" && exit 1
fi
echo PASS
