// A learning switch (IEEE 802.1Q, 8.7 and 8.8): remembers behind which port a station is, sends
// frames to known stations there, and to everybody else's and groups' out of every other port. No
// spanning tree; the parser refuses loops.
#ifndef MOAT_NETSTACK_SIM_SWITCH_H_
#define MOAT_NETSTACK_SIM_SWITCH_H_

#include <cstddef>
#include <map>
#include <vector>

#include "netstack/sim/channel.h"
#include "netstack/sim/node.h"
#include "netstack/wire/address.h"

namespace moat::netstack::sim {

class Switch : public Node {
 public:
  static constexpr size_t kMaxStations = 8192;
  static constexpr Duration kAge = std::chrono::seconds(300);  // 802.1Q 8.8.3, the default

  explicit Switch(const Clock& clock) : clock_(clock) {}

  void AddPort(Channel* out) { ports_.push_back(out); }
  void Receive(size_t port, Slice frame) override;
  size_t stations() const { return stations_.size(); }

 private:
  struct Station {
    size_t port;
    Time seen;
  };
  void Learn(const MacAddress& address, size_t port);

  const Clock& clock_;
  std::vector<Channel*> ports_;  // borrowed
  std::map<MacAddress, Station> stations_;
};

}  // namespace moat::netstack::sim

#endif  // MOAT_NETSTACK_SIM_SWITCH_H_
