// config.json, --process and --resources from arbitrary bytes: whatever is refused is refused in
// one line that begins with the document's name.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/match.h"
#include "runtime/config/parse.h"

namespace {

void CheckError(const absl::Status& status, absl::string_view document) {
  if (status.ok()) return;
  if (!absl::StartsWith(status.message(), document)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  CheckError(moat::runtime::ParseSpec(text).status(), "config.json: ");
  CheckError(moat::runtime::ParseProcess(text, "p").status(), "p: ");
  CheckError(moat::runtime::ParseResources(text, "r").status(), "r: ");
  return 0;
}
