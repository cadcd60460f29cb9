"""C++ code for a gRPC service, made by Debian's protoc and grpc_cpp_plugin."""

def cc_grpc_library(name, src, **kwargs):
    """Compiles one .proto file to a cc_library with its messages and services.

    Args:
      name: of the cc_library.
      src: the .proto file, whose path is its import path below this package: "moat/v1/x.proto".
      **kwargs: passed to the cc_library (visibility, testonly).
    """
    stem = src[:-len(".proto")]
    headers = [stem + ".pb.h", stem + ".grpc.pb.h"]
    sources = [stem + ".pb.cc", stem + ".grpc.pb.cc"]
    native.genrule(
        name = name + "_generate",
        srcs = [src],
        outs = headers + sources,
        cmd = " ".join([
            'PATH="$$PATH:/usr/local/bin:/usr/bin";',
            "for tool in protoc grpc_cpp_plugin; do",
            'which "$$tool" >/dev/null || { echo "$$tool is not installed" >&2; exit 1; };',
            "done;",
            # The import root is this package's directory: the source path less the import path.
            'root="$(location %s)"; root="$${root%%/%s}";' % (src, src),
            "protoc",
            "-I$$root",
            "--cpp_out=$(RULEDIR)",
            "--grpc_out=$(RULEDIR)",
            '--plugin=protoc-gen-grpc="$$(which grpc_cpp_plugin)"',
            "$(location %s)" % src,
        ]),
    )
    native.cc_library(
        name = name,
        srcs = sources,
        hdrs = headers,
        # Generated code is not ours to lint.
        copts = ["-w"],
        includes = ["."],
        deps = ["//third_party/debian:grpc"],
        **kwargs
    )
