// Packets that this stack sent to itself, waiting for the end of the batch. They are delivered from
// the queue, never from inside Send(), so that a protocol is not entered while it sends.
#ifndef MOAT_NETSTACK_IP_LOOPBACK_QUEUE_H_
#define MOAT_NETSTACK_IP_LOOPBACK_QUEUE_H_

#include <deque>
#include <utility>

#include "netstack/link/link.h"
#include "netstack/packet/slice.h"

namespace moat::netstack {

struct LoopedPacket {
  Slice packet;  // IP header on; the transport checksum is not filled
  InterfaceIndex interface = 0;  // the loopback interface, or the one a multicast went out of
  uint16_t gso_size = 0;
};

class LoopbackQueue {
 public:
  static constexpr size_t kMaxPackets = 8192;
  static constexpr size_t kMaxBytes = 16 << 20;

  bool empty() const { return packets_.empty(); }
  size_t size() const { return packets_.size(); }
  bool Push(LoopedPacket packet) {
    if (packets_.size() >= kMaxPackets || bytes_ + packet.packet.size() > kMaxBytes) return false;
    bytes_ += packet.packet.size();
    packets_.push_back(std::move(packet));
    return true;
  }
  LoopedPacket Pop() {
    LoopedPacket packet = std::move(packets_.front());
    packets_.pop_front();
    bytes_ -= packet.packet.size();
    return packet;
  }

 private:
  std::deque<LoopedPacket> packets_;
  size_t bytes_ = 0;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_LOOPBACK_QUEUE_H_
