// moat: a container whose only program is the agent, attached to the namespace.
#ifndef MOAT_CONFORM_ONWIRE_MOAT_DEVICE_H_
#define MOAT_CONFORM_ONWIRE_MOAT_DEVICE_H_

#include <string>

#include "conform/onwire/container_device.h"

namespace moat::conform {

class MoatDevice : public ContainerDevice {
 public:
  MoatDevice(const NetNamespace& network, bool two_ports)
      : ContainerDevice(network), two_ports_(two_ports) {}

  std::string name() const override { return "moat"; }
  uint32_t abilities() const override;
  absl::Status Start(const Programs& programs) override;

  absl::Status FlushNeighbors() override;
  absl::Status SetSysctl(std::string_view name, std::string_view value) override;
  absl::Status Advertise(int port, const Advertising& advertising) override;
  absl::Status StopAdvertising(int port) override;
  absl::Status Filter(const std::vector<Prefix>& sources) override;
  // The sentry sees the end of a descriptor a moment after the program has closed it.
  int Close(int socket) override;

 protected:
  // The sentry follows the namespace's changes by itself, a moment later.
  void Settle() override;

 private:
  absl::Status Control(const std::vector<std::string>& words);

  bool two_ports_;
  Programs programs_;
};

}  // namespace moat::conform

#endif  // MOAT_CONFORM_ONWIRE_MOAT_DEVICE_H_
