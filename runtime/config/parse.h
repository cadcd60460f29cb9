// From JSON text to the typed model. Every error is one line that names document and field:
//   config.json: process.args: must not be empty
//   config.json: mounts[2].destination: must be a string
// Unknown fields are ignored, as the spec demands; null means absent. Numbers must be integers in
// range; strings hold no NUL byte; a document is at most kMaxDocumentSize bytes long.
#ifndef MOAT_RUNTIME_CONFIG_PARSE_H_
#define MOAT_RUNTIME_CONFIG_PARSE_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "runtime/config/resources.h"
#include "runtime/config/spec.h"

namespace moat::runtime {

inline constexpr size_t kMaxDocumentSize = 8 << 20;

// Reads and checks a whole configuration. `document` is the name that errors begin with.
absl::StatusOr<Spec> ParseSpec(absl::string_view json, absl::string_view document = "config.json");

// Reads and checks the document of `moat exec --process`.
absl::StatusOr<Process> ParseProcess(absl::string_view json, absl::string_view document);

// Reads the document of `moat update --resources`.
absl::StatusOr<Resources> ParseResources(absl::string_view json, absl::string_view document);

// <bundle>/config.json. NotFound, with the path in the message, when there is none.
absl::StatusOr<std::string> ReadConfigFile(const std::string& path);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_CONFIG_PARSE_H_
