#!/bin/bash
# The kernel's curl fetches from the example over a TAP device, in a network namespace of the test's own.
set -eu
PATH=$PATH:/usr/sbin:/sbin
if [ "${1:-}" != inside ]; then
  exec timeout 280 unshare --net "$0" inside
fi
for family in 192.0.2.1:192.0.2.2/24:192.0.2.2 2001:db8::1-2001:db8::2/64-[2001:db8::2]; do
  IFS=$(case $family in *-*) echo - ;; *) echo : ;; esac) read -r ours theirs host <<<"$family"
  netstack/example/http_on_tap tap0 "$theirs" &
  server=$!
  trap 'kill $server' EXIT
  for _ in $(seq 600); do
    ip link show tap0 >/dev/null 2>&1 && break
    sleep 0.05
  done
  ip address add "$ours/${theirs#*/}" dev tap0 $([[ $ours == *:* ]] && echo nodad)
  ip link set tap0 up
  for n in 1 2 3; do
    answer=$(curl -gs --retry 60 --retry-delay 1 --retry-all-errors --max-time 30 "http://$host/")
    [ "$answer" = "Hello from netstack" ] || { echo "got: $answer" && exit 1; }
  done
  if netstack/example/http_on_tap lo 192.0.2.9/24 2>/dev/null; then exit 1; fi
  kill $server
  wait $server || true
  trap - EXIT
done
echo PASS
