#!/bin/bash
# The demonstration of ./quickstart: one container serves HTTP through a TCP/IP stack of its own.
#   tools/demo.sh DIR MOAT MOATCTL
# DIR is an empty directory for everything it makes. Run it in a mount namespace of its own: the network
# namespaces are files in DIR with mounts on them. It ends what it started, however it ends.
set -eu
dir=$1 moat=$2 moatctl=$3

web4=10.77.0.2 web6=fd77::2 extra4=10.77.0.80
page='Hello from a container whose TCP/IP stack is its own.'
state=$dir/state
holder=

say() { printf '\n== %s\n' "$*"; }
fail() {
  printf 'quickstart: %s\n' "$*" >&2
  local log
  for log in "$dir"/*.log "$state"/*/boot.log; do
    [ -s "$log" ] && { echo "--- ${log##*/}:"; tail -n 20 "$log"; } >&2
  done
  exit 1
}
# show TEXT COMMAND...: prints a command as one would type it, and its output.
show() {
  printf '$ %s\n' "$1"
  local text=$1
  shift
  "$@" 2>&1 | sed 's/^/    /'
  [ "${PIPESTATUS[0]}" = 0 ] || fail "failed: $text"
}
on() {  # on NAMESPACE COMMAND...
  local name=$1
  shift
  nsenter --net="$dir/net-$name" -- "$@"
}
moat() { "$moat" --root "$state" "$@"; }
ctl() { "$moatctl" --root "$state" "$@"; }

finish() {
  local status=$?
  trap '' INT TERM HUP
  set +e
  [ -n "$holder" ] && kill "$holder" 2>/dev/null
  local name
  for name in web second; do
    [ -e "$state/$name" ] && moat delete --force "$name"
  done
  for name in lan web second; do
    umount -l "$dir/net-$name" 2>/dev/null
  done
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# ---- two wires and a switch ---------------------------------------------------------------------

namespace() {
  : >"$dir/net-$1"
  unshare --net="$dir/net-$1" true
  on "$1" ip link set lo up
}
# host NAME ADDRESS4 ADDRESS6: a network namespace with an eth0 that is plugged into the switch.
host() {
  namespace "$1"
  on lan ip link add "$1" type veth peer name eth0 netns "$dir/net-$1"
  on lan ip link set "$1" master switch up
  on "$1" ip addr add "$2/24" dev eth0
  on "$1" ip addr add "$3/64" dev eth0 nodad
  on "$1" ip link set eth0 up
  on "$1" ip route add default via 10.77.0.1
}
# bundle NAME ARGUMENTS...: DIR/NAME/config.json for a container in the network namespace NAME. Each
# argument is one JSON string of process.args.
bundle() {
  local name=$1 arguments
  shift
  arguments=$(printf ', "%s"' "$@")
  cat >"$dir/$name/config.json" <<JSON
{
  "ociVersion": "1.0.2",
  "process": {
    "user": {"uid": 0, "gid": 0},
    "args": [${arguments#, }],
    "env": ["PATH=/bin", "LD_LIBRARY_PATH=/lib"],
    "cwd": "/",
    "capabilities": {
      "bounding": ["CAP_NET_BIND_SERVICE"],
      "effective": ["CAP_NET_BIND_SERVICE"],
      "permitted": ["CAP_NET_BIND_SERVICE"]
    },
    "noNewPrivileges": true
  },
  "root": {"path": "rootfs", "readonly": true},
  "hostname": "$name",
  "mounts": [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
     "options": ["nosuid", "mode=755", "size=1m"]}
  ],
  "linux": {
    "namespaces": [
      {"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"},
      {"type": "network", "path": "$dir/net-$name"}
    ]
  }
}
JSON
}
# root NAME: an empty root file system.
root() { mkdir -p "$dir/$1"/rootfs/{bin,lib,lib64,proc,dev,www}; }

say "A switch in a network namespace of its own (10.77.0.1), with two network namespaces on it:"
echo "   web (10.77.0.2) and second (10.77.0.3). Nothing of the host's network is touched."
mkdir -p "$state"
namespace lan
on lan ip link add switch type bridge
on lan ip addr add 10.77.0.1/24 dev switch
on lan ip addr add fd77::1/64 dev switch nodad
on lan ip link set switch up
host web "$web4" "$web6"
host second 10.77.0.3 fd77::3

# ---- a container that serves --------------------------------------------------------------------

say "Starting the container web: busybox httpd"
root web
cp "$(command -v busybox)" "$dir/web/rootfs/bin/busybox"
echo "$page" >"$dir/web/rootfs/www/index.html"
bundle web /bin/busybox httpd -f -p 80 -h /www
printf '$ moat run --detach --bundle %s web\n' "$dir/web"
moat run --detach --bundle "$dir/web" --pid-file "$dir/web.pid" web \
  </dev/null >"$dir/web.log" 2>&1 || fail "the container did not start"

say "Fetching the page from outside the container"
# fetch NAMESPACE ADDRESS: succeeds when the page comes.
fetch() {
  local text
  text=$(on "$1" curl --silent --show-error --max-time 5 "http://$2/") || return 1
  [ "$text" = "$page" ]
}
for ((i = 0; i < 50; ++i)); do
  fetch lan "$web4" 2>/dev/null && break
  sleep 0.1
done
for address in "$web4" "[$web6]"; do
  show "curl http://$address/" on lan curl --silent --show-error --max-time 5 "http://$address/"
  fetch lan "$address" || fail "$address did not serve the page"
done

say "Fetching it from a second sandbox, which has a stack of its own too"
root second
cp "$(command -v curl)" "$dir/second/rootfs/bin/curl"
ldd "$(command -v curl)" | grep -o '/[^ ]*' | while read -r library; do
  cp -L "$library" "$dir/second/rootfs/lib/"
done
cp -L /lib64/ld-linux-x86-64.so.2 "$dir/second/rootfs/lib64/"
bundle second /bin/curl --silent --show-error --max-time 10 "http://$web4/"
echo '$ moat run second      # its program is curl http://'"$web4/"
moat run --bundle "$dir/second" second </dev/null >"$dir/second.log" 2>&1 ||
  fail "the second sandbox failed"
sed 's/^/    /' "$dir/second.log"
grep -qxF "$page" "$dir/second.log" || fail "the second sandbox did not get the page"
moat delete --force second >/dev/null 2>&1 || true

# ---- what moatctl sees --------------------------------------------------------------------------

say "What the sandbox's own stack holds, while a client is connected"
nsenter --net="$dir/net-lan" -- bash -c "exec 3<>/dev/tcp/$web4/80 && exec sleep 300" &
holder=$!
for ((i = 0; i < 50; ++i)); do
  ctl web ss -tHn | grep -q ESTAB && break
  sleep 0.1
done
# An IPv6 address is ours for good when duplicate address detection has heard nobody (RFC 4862), which takes
# a second.
for ((i = 0; i < 50; ++i)); do
  ctl web addr | grep -q tentative || break
  sleep 0.1
done
show "moatctl web addr" ctl web addr
show "moatctl web route" ctl web route
show "moatctl web -6 route" ctl web -6 route
show "moatctl web neigh" ctl web neigh
show "moatctl web ss -tan" ctl web ss -tan
ctl web ss -tanH | grep -q "LISTEN.*:80 " || fail "moatctl does not see the listening socket"
ctl web ss -tanH | grep -q "ESTAB.*:80 " || fail "moatctl does not see the connection"

say "Changing it while it runs: one more address"
show "moatctl web addr add $extra4/24 dev eth0" ctl web addr add "$extra4/24" dev eth0
show "curl http://$extra4/" on lan curl --silent --show-error --max-time 5 "http://$extra4/"
fetch lan "$extra4" || fail "$extra4 did not serve the page"
show "moatctl web addr del $extra4/24 dev eth0" ctl web addr del "$extra4/24" dev eth0

# ---- what the kernel sees -----------------------------------------------------------------------

say "What the kernel's TCP/IP holds of all this: nothing"
pid=$(cat "$dir/web.pid")
# sockets PID: the inet sockets in the kernel's tables of that process's network namespace.
sockets() { tail -qn +2 /proc/"$1"/net/{tcp,tcp6,udp,udp6,raw,raw6}; }
show "cat /proc/$pid/net/tcp      # the container's first process" cat "/proc/$pid/net/tcp"
[ -z "$(sockets "$pid")" ] || fail "the kernel holds inet sockets of the container"
show "ss -tuwan                      # in the network namespace of the wire" on web ss -tuwan
[ -z "$(on web ss -tuwanH)" ] || fail "the kernel holds inet sockets in the wire's namespace"
show "ls -l /proc/$pid/fd         # the container's sockets are ends of AF_UNIX pairs" \
  bash -c "ls -l /proc/$pid/fd | grep socket: || true"

say "Removing everything"
kill "$holder" 2>/dev/null || true
holder=
moat kill web KILL
moat delete --force web
[ -z "$(ls -A "$state")" ] || fail "the state directory is not empty"
say "Done. It works."
