// The kernel's own stack in the namespace.
#ifndef MOAT_CONFORM_ONWIRE_LINUX_DEVICE_H_
#define MOAT_CONFORM_ONWIRE_LINUX_DEVICE_H_

#include "conform/onwire/wire_device.h"

namespace moat::conform {

class LinuxDevice : public WireDevice {
 public:
  LinuxDevice(const NetNamespace& network, bool two_ports)
      : WireDevice(network), two_ports_(two_ports) {}

  std::string name() const override { return "linux"; }
  uint32_t abilities() const override;
  absl::Status Start(const Programs& programs) override {
    return StartAgent({programs.self, "agent"}, /*in_namespace=*/true);
  }
  absl::Status Filter(const std::vector<Prefix>& sources) override;

 private:
  bool two_ports_;
};

}  // namespace moat::conform

#endif  // MOAT_CONFORM_ONWIRE_LINUX_DEVICE_H_
