#!/bin/sh
# Each counter that netstack declares is counted somewhere: what always says 0 is no counter. $1 is a link into the
# source tree, which is looked at itself.
exec python3 - "$(dirname "$(readlink -f "$1")")" <<'END'
import pathlib, re, sys

root = pathlib.Path(sys.argv[1]) / "netstack"
sources = {path: path.read_text(encoding="utf-8") for path in root.rglob("*")
           if path.suffix in (".cc", ".h") and not path.stem.endswith(("_test", "_fuzz", "_world"))}
NAME = r'"[A-Z]\w*\.\w+"'
DECLARED = (
    re.compile(r'X\((\w+),(?:\s*"",)?\s*' + NAME),                            # a row of a table
    re.compile(r'\b(\w+)[({]\*?[\w.>-]+,\s*' + NAME),                         # member(table, "Group.Name")
    re.compile(r'\b(\w+)\(\*?[\w.>-]+,\s*NameFor\([^"()]*' + NAME),
    re.compile(r'\b(\w+)\(\*?[\w.>-]+,\s*[^()"]*\?\s*' + NAME),
)
counters = {}
for path, text in sources.items():
    for pattern in DECLARED:
        for match in pattern.finditer(text):
            if match[1] in ("X", "NameFor", "Counter"):
                continue
            counters.setdefault((match[1], path), match[0].split('"')[1])
for member in ("in_codepoint",):
    counters[(member, None)] = member
assert len(counters) > 150, "the declarations look otherwise now: %d" % len(counters)

everything = "\n".join(sources.values())
def counted(member):
    used = (r'\+\+[\w.>()-]*\b%s\b', r'\b%s(?:\[[^]]*\])?\s*\+=', r'(?:counters_?|tcp|state_)[.]%s\b', r'Counters::%s\b',
            r'[?:]\s*[\w.>()-]*\b%s\b')
    return any(re.search(form % re.escape(member), everything) for form in used)

silent = sorted("%s (%s) is declared and never counted" % (name, member)
                for (member, path), name in counters.items() if not counted(member))
print("%d counters" % len(counters))
sys.exit("\n".join(silent) or 0)
END
