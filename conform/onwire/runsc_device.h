// gVisor's stack, in a container of runsc. It takes the namespace's addresses and routes as it
// starts; there is no way to change anything afterwards.
#ifndef MOAT_CONFORM_ONWIRE_RUNSC_DEVICE_H_
#define MOAT_CONFORM_ONWIRE_RUNSC_DEVICE_H_

#include "conform/onwire/container_device.h"

namespace moat::conform {

class RunscDevice : public ContainerDevice {
 public:
  RunscDevice(const NetNamespace& network, bool two_ports)
      : ContainerDevice(network), two_ports_(two_ports) {}

  std::string name() const override { return "runsc"; }
  uint32_t abilities() const override;
  absl::Status Start(const Programs& programs) override;

  absl::Status AddAddress(int, const Prefix&, bool) override { return Cannot(); }
  absl::Status RemoveAddress(int, const Prefix&) override { return Cannot(); }
  absl::Status AddRoute(const Prefix&, const std::optional<class Ip>&, int, int) override {
    return Cannot();
  }
  absl::Status RemoveRoute(const Prefix&, const std::optional<class Ip>&, int, int) override {
    return Cannot();
  }
  absl::Status FlushNeighbors() override { return Cannot(); }
  absl::Status AddNeighbor(int, const class Ip&, const Mac&) override { return Cannot(); }
  absl::Status RemoveNeighbor(int, const class Ip&) override { return Cannot(); }
  absl::Status SetMtu(int, int) override { return Cannot(); }
  absl::Status SetLinkUp(int, bool) override { return Cannot(); }
  absl::Status SetSysctl(std::string_view, std::string_view) override { return Cannot(); }

 private:
  static absl::Status Cannot() {
    return absl::UnimplementedError("runsc is not configured while it runs");
  }

  bool two_ports_;
};

}  // namespace moat::conform

#endif  // MOAT_CONFORM_ONWIRE_RUNSC_DEVICE_H_
