"""One suite: the cases of the directory `name` as a library, and their test against netstack."""

load("@rules_cc//cc:defs.bzl", "cc_library", "cc_test")

def conform_suite(name):
    cc_library(
        name = name,
        srcs = native.glob([name + "/*.cc", name + "/*.h"]),
        # Compiled once, run once: quick to build is what counts.
        copts = ["-O1"],
        visibility = ["//conform:__subpackages__"],
        deps = ["//conform/bench"],
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
