"""Prints what socket calls do, one line per situation. Run natively it is the oracle; run in a sandbox it
must print the same, but for the differences that socket_semantics_test.py lists.

Arguments: 4 or 6, the IP version. Everything happens on loopback. SETTLE in the environment: after how many seconds
whatever was set going must have ended. The situations are in semantics/, a module for each subject.
"""
import os, sys

sys.dont_write_bytecode = True  # the modules lie in the source tree

from semantics.connections import (connecting, far_and_near, fresh_sockets, listening, saved_syns,
                                   signals)
from semantics.datagrams import datagrams, sums_and_sizes
from semantics.fast_open import fast_open, interrupted_connecting
from semantics.group_sources import group_sources
from semantics.ip_options import ip_options
from semantics.streams import bulk, endings, streams

for part in (fresh_sockets, connecting, fast_open, interrupted_connecting, streams, bulk, endings, listening,
             signals, datagrams, group_sources, ip_options, far_and_near, saved_syns, sums_and_sizes):
    part()
os._exit(0)
