#!/bin/sh
# Runs smoke_test.py with the program beside it. Needs root; fails, and says so, without.
here=$(dirname "$0")
exec python3 -B "$here/smoke_test.py" "$here/moat_without_network"
