// moat start ID: runs the program of a created container.
#include "runtime/container/start.h"
#include "runtime/verbs/verbs.h"

namespace moat::runtime {
namespace {

absl::StatusOr<int> Run(const Globals& globals, const Arguments& arguments) {
  absl::Status status = StartContainer(globals.root, arguments.word(0));
  if (!status.ok()) return status;
  return 0;
}

}  // namespace

constinit const Verb kStartVerb = {.name = "start",
                                   .usage = "<container-id>",
                                   .summary = "run the program of a created container",
                                   .min_words = 1,
                                   .max_words = 1,
                                   .run = Run};

}  // namespace moat::runtime
