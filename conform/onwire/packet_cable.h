// The cable as veth pairs: the tester's ends t0 and t1 in its own namespace, through AF_PACKET.
#ifndef MOAT_CONFORM_ONWIRE_PACKET_CABLE_H_
#define MOAT_CONFORM_ONWIRE_PACKET_CABLE_H_

#include <deque>
#include <string>

#include "absl/status/status.h"
#include "conform/bench/cable.h"

namespace moat::conform {

class PacketCable : public Cable {
 public:
  PacketCable();
  ~PacketCable() override;
  PacketCable(const PacketCable&) = delete;
  PacketCable& operator=(const PacketCable&) = delete;

  // Binds a port to an interface of the calling process's namespace.
  absl::Status Attach(int port, const std::string& interface);
  // Time starts anew, and what has come is forgotten.
  void Restart();

  Duration Now() const override;
  void Send(int port, const Bytes& frame) override;
  std::optional<SeenFrame> Receive(Duration deadline) override;
  Duration settle_time() const override { return std::chrono::milliseconds(60); }

 private:
  // A frame that is there already.
  std::optional<SeenFrame> Take(int port);

  int fds_[2] = {-1, -1};
  Duration start_{};  // CLOCK_REALTIME, which the kernel stamps frames with
};

}  // namespace moat::conform

#endif  // MOAT_CONFORM_ONWIRE_PACKET_CABLE_H_
