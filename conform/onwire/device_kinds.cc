// The kinds of devices on the wire: one row each.
#include "conform/onwire/linux_device.h"
#include "conform/onwire/lwip_device.h"
#include "conform/onwire/moat_device.h"
#include "conform/onwire/runsc_device.h"
#include "conform/onwire/wire_device.h"

namespace moat::conform {
namespace {

template <typename T>
std::unique_ptr<WireDevice> Make(const NetNamespace& network, bool two_ports) {
  return std::make_unique<T>(network, two_ports);
}

struct Kind {
  const char* name;
  std::unique_ptr<WireDevice> (*make)(const NetNamespace& network, bool two_ports);
};
constexpr Kind kKinds[] = {{"moat", Make<MoatDevice>}, {"linux", Make<LinuxDevice>},
                           {"runsc", Make<RunscDevice>}, {"lwip", Make<LwipDevice>}};

}  // namespace

absl::StatusOr<std::unique_ptr<WireDevice>> MakeWireDevice(const std::string& kind,
                                                           const NetNamespace& network,
                                                           bool two_ports) {
  for (const Kind& row : kKinds) {
    if (kind == row.name) return row.make(network, two_ports);
  }
  return absl::NotFoundError("there is no device \"" + kind + "\"");
}

std::vector<std::string> WireDeviceKinds() {
  std::vector<std::string> names;
  for (const Kind& row : kKinds) names.emplace_back(row.name);
  return names;
}

}  // namespace moat::conform
