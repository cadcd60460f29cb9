// state.json and /proc/PID/stat from arbitrary bytes; a state that is accepted survives being
// saved.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "runtime/state/container_state.h"
#include "runtime/state/process_identity.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  moat::runtime::ParseProcessStat(text);
  absl::StatusOr<moat::runtime::ContainerState> state = moat::runtime::ParseState(text);
  if (!state.ok()) return 0;
  absl::StatusOr<moat::runtime::ContainerState> again =
      moat::runtime::ParseState(moat::runtime::SerializeState(*state));
  if (!again.ok() || again->id != state->id || again->init.pid != state->init.pid) std::abort();
  return 0;
}
