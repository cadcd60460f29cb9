// What devices on the wire share: a network namespace that is configured with ip(8), and an agent
// in it. A kind of device says how its stack comes to serve that namespace, and what it can do.
#ifndef MOAT_CONFORM_ONWIRE_WIRE_DEVICE_H_
#define MOAT_CONFORM_ONWIRE_WIRE_DEVICE_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "conform/agent/agent_sockets.h"
#include "conform/onwire/net_namespace.h"

namespace moat::conform {

// Where the programs are.
struct Programs {
  std::string self;     // this program, which is the agent as well
  std::string moat;
  std::string moatctl;
  std::string lwip;     // moat-conform-lwip
  // A directory for what devices need to write; each has its own below it.
  std::string scratch;
};

class WireDevice : public AgentSockets {
 public:
  // `network` is borrowed, has eth0 (and eth1) and is configured as the case starts.
  explicit WireDevice(const NetNamespace& network) : network_(network) {}
  ~WireDevice() override;

  // Lets the stack serve the namespace; afterwards the agent answers.
  virtual absl::Status Start(const Programs& programs) = 0;
  // Does the case's start wait until this device answers ARP and neighbour solicitations?
  virtual bool AnswersFromTheStart() const { return true; }

  absl::Status AddAddress(int port, const Prefix& prefix, bool detect_duplicates) override;
  absl::Status RemoveAddress(int port, const Prefix& prefix) override;
  absl::Status AddRoute(const Prefix& to, const std::optional<Ip>& gateway, int port,
                        int metric) override;
  absl::Status RemoveRoute(const Prefix& to, const std::optional<Ip>& gateway, int port,
                           int metric) override;
  absl::Status FlushNeighbors() override;
  absl::Status AddNeighbor(int port, const Ip& ip, const Mac& mac) override;
  absl::Status RemoveNeighbor(int port, const Ip& ip) override;
  absl::Status SetMtu(int port, int mtu) override;
  absl::Status SetLinkUp(int port, bool up) override;
  absl::Status SetSysctl(std::string_view name, std::string_view value) override;

 protected:
  // Starts a program whose standard streams are the agent's, in the namespace or not.
  absl::Status StartAgent(const std::vector<std::string>& words, bool in_namespace);
  // Called after each change: returns when the stack has seen it.
  virtual void Settle() {}
  absl::Status Ip(const std::vector<std::string>& words);
  const NetNamespace& network() const { return network_; }
  void StopAgent(int wait_ms);

 private:
  const NetNamespace& network_;
  pid_t agent_ = -1;
};

// "linux", "moat", ...; NotFound names the ones there are.
absl::StatusOr<std::unique_ptr<WireDevice>> MakeWireDevice(const std::string& kind,
                                                           const NetNamespace& network,
                                                           bool two_ports);
// The kinds, for help.
std::vector<std::string> WireDeviceKinds();

}  // namespace moat::conform

#endif  // MOAT_CONFORM_ONWIRE_WIRE_DEVICE_H_
