"""One suite: the cases of the directory `name` as a library, and their test against netstack."""

load("@rules_cc//cc:defs.bzl", "cc_library", "cc_test")

def conform_suite(name, headers_of = []):
    """`headers_of` are the suites, besides itself, whose headers it includes."""
    cc_library(
        name = name + "_headers",
        hdrs = native.glob([name + "/*.h"]),
        deps = ["//conform/bench"],
    )
    cc_library(
        name = name,
        srcs = native.glob([name + "/*.cc"]),
        # Compiled once, run once: quick to build is what counts.
        copts = ["-O1"],
        visibility = ["//conform:__subpackages__"],
        deps = ["//conform/bench"] + [
            ":" + suite + "_headers"
            for suite in [name] + headers_of
        ],
        alwayslink = True,
    )
    cc_test(
        name = name + "_test",
        size = "small",
        deps = [
            ":" + name,
            "//conform/testing:conform_test",
        ],
    )
