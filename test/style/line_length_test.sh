#!/bin/sh
# C++ lines have at most 100 columns. $1 is a link into the source tree, which is looked at itself.
exec python3 - "$(dirname "$(readlink -f "$1")")" <<'END'
import pathlib, sys

LIMIT = 100
DIRECTORIES = ("base", "conform", "ctl", "netstack", "runtime", "sentry", "test", "third_party")

root = pathlib.Path(sys.argv[1])
sources = [path for directory in DIRECTORIES for path in (root / directory).rglob("*") if path.suffix in (".cc", ".h")]
assert len(sources) > 500, "this is not the source tree"
long = ["%s:%d: %d columns" % (path.relative_to(root), number, len(line)) for path in sources
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if len(line) > LIMIT]
sys.exit("\n".join(long) or 0)
END
