#!/bin/bash
# Starts one integration test module in a mount namespace of its own, so that no mount outlives it.
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
module=$1
shift
if [ "$(id -u)" != 0 ]; then
  echo "integration tests need root: they make network namespaces and run containers" >&2
  exit 1
fi
# Bazel's own is shorter; dockerd looks for iptables in it.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cd "$here"
exec unshare --mount --propagation private /usr/bin/python3 -B -m harness.main "$module" "$@"
