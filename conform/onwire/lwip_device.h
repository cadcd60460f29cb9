// lwIP, in the program moat-conform-lwip: it takes the namespace's interfaces, addresses and
// default routes over from the kernel, which is silent from then on.
#ifndef MOAT_CONFORM_ONWIRE_LWIP_DEVICE_H_
#define MOAT_CONFORM_ONWIRE_LWIP_DEVICE_H_

#include "conform/onwire/wire_device.h"

namespace moat::conform {

class LwipDevice : public WireDevice {
 public:
  LwipDevice(const NetNamespace& network, bool two_ports)
      : WireDevice(network), two_ports_(two_ports) {}

  std::string name() const override { return "lwip"; }
  uint32_t abilities() const override;
  absl::Status Start(const Programs& programs) override;

  absl::Status AddAddress(int port, const Prefix& prefix, bool detect_duplicates) override;
  absl::Status RemoveAddress(int port, const Prefix& prefix) override;
  absl::Status AddRoute(const Prefix& to, const std::optional<class Ip>& gateway, int port,
                        int metric) override;
  absl::Status RemoveRoute(const Prefix& to, const std::optional<class Ip>& gateway, int port,
                           int metric) override;
  absl::Status FlushNeighbors() override;
  absl::Status AddNeighbor(int port, const class Ip& ip, const Mac& mac) override;
  absl::Status RemoveNeighbor(int port, const class Ip& ip) override;
  absl::Status SetMtu(int port, int mtu) override;
  absl::Status SetLinkUp(int port, bool up) override;
  absl::Status SetSysctl(std::string_view name, std::string_view value) override;

 private:
  std::vector<std::string> LinesOfNamespace() const;  // that configure lwIP as the kernel is
  absl::Status SilenceKernel();
  absl::Status Tell(const std::string& line);
  // It has no static IPv6 routes: its router is one that it has heard.
  absl::Status AnnounceRouter();

  bool two_ports_;
  bool router6_ = false;  // the namespace had an IPv6 default route
};

}  // namespace moat::conform

#endif  // MOAT_CONFORM_ONWIRE_LWIP_DEVICE_H_
