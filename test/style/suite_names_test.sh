#!/bin/sh
# moat-conform links all suites of conform/ together, so two inline functions, variables or classes of the same name
# in one namespace would silently become one of them. Nothing else says so: each suite's own test links that suite
# alone. What a .cc file has in its unnamed namespace is its own. $1 is a link into the source tree, which is looked
# at itself.
exec python3 - "$(dirname "$(readlink -f "$1")")" <<'END'
import collections, pathlib, re, sys

NAMESPACE = re.compile(r"(inline )?namespace (?P<name>[\w:]+) \{")
UNNAMED = "(unnamed)"
CLASS = re.compile(r"(?:template <.*> )?(?:class|struct|enum|enum class) (?P<name>\w+)\b(?!.*;)")
INLINE = re.compile(r"(?:template <.*> )?inline (?:constexpr |const )*[\w:<>,*& ]*?[ *&](?P<name>\w+) ?(?:[({=\[;]|$)")


def names(path):
    """(namespace, name) of what stands in a namespace that other files can reach."""
    inside = []
    for line in path.read_text(encoding="utf-8").splitlines():
        opened = NAMESPACE.match(line)
        if opened or line.startswith("namespace {"):
            inside.append(opened["name"] if opened else UNNAMED)
        elif line.startswith("}  // namespace"):
            inside.pop()
        elif UNNAMED not in inside:
            found = CLASS.match(line) or INLINE.match(line)
            if found:
                yield "::".join(inside), found["name"]


def collisions(directory):
    places = collections.defaultdict(set)
    for path in directory.rglob("*"):
        if path.suffix in (".cc", ".h"):
            for name in names(path):
                places[name].add(path)
    assert len(places) > 50, "these are not the suites"
    return ["%s::%s is defined in %s" % (*name, " and ".join(str(p.relative_to(directory)) for p in sorted(where)))
            for name, where in sorted(places.items()) if len(where) > 1]


sys.exit("\n".join(collisions(pathlib.Path(sys.argv[1]) / "conform" / "suites")) or 0)
END
