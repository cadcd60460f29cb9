"""moat_fuzz_test: one fuzz target, run bounded by the tests and coverage-guided on demand."""

def moat_fuzz_test(name, srcs, deps, corpus = [], runs = 20000, size = "small"):
    """Declares a fuzz target.

    Args:
      name: ends in _fuzz.
      srcs: the file with LLVMFuzzerTestOneInput.
      deps: what it attacks.
      corpus: files with interesting inputs; every one is run first and then mutated.
      runs: inputs that the test tries. Their sequence depends on nothing but this number.
      size: Bazel's test size.
    """
    native.cc_test(
        name = name,
        size = size,
        timeout = "long",  # the slowest takes 20 s, beside others on a slow machine a multiple
        srcs = srcs,
        args = ["--runs=%d" % runs] + ["$(location %s)" % file for file in corpus],
        data = corpus,
        deps = deps + ["//test/fuzz:driver"],
    )
    native.cc_binary(
        name = name + "_libfuzzer",
        testonly = True,
        srcs = srcs,
        linkopts = [
            "-fsanitize=fuzzer",
            "-Wl,--wrap=__sanitizer_cov_8bit_counters_init",
        ],
        tags = ["manual"],
        deps = deps + ["//test/fuzz:coverage"],
    )
