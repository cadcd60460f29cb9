// Packets that this stack sent to itself, waiting for the end of the batch. They are delivered from
// the queue, never from inside Send(), so that a protocol is not entered while it sends.
#ifndef MOAT_NETSTACK_IP_LOOPBACK_QUEUE_H_
#define MOAT_NETSTACK_IP_LOOPBACK_QUEUE_H_

#include <deque>
#include <utility>

#include "netstack/base/memory_budget.h"
#include "netstack/link/link.h"
#include "netstack/packet/slice.h"

namespace moat::netstack {

struct LoopedPacket {
  Slice packet;  // IP header on
  InterfaceIndex interface = 0;  // the loopback interface, or the one a multicast went out of
  uint16_t gso_size = 0;
  // A packet socket's frame, from the link header on: as trustworthy as one from a wire.
  bool is_frame = false;
  // A transport of ours has left its checksum out, so there is nothing to check. False: a program
  // wrote the transport header (raw sockets), and it is checked as on Linux.
  bool trusted = true;
};

class LoopbackQueue {
 public:
  static constexpr size_t kMaxPackets = 8192;
  static constexpr size_t kMaxBytes = 16 << 20;
  // So much passes however scarce memory is: it is on its way, and what it brings may free more.
  static constexpr size_t kAlways = 256 << 10;

  explicit LoopbackQueue(MemoryBudget& memory) : memory_(memory) {}
  ~LoopbackQueue() {
    while (!empty()) (void)Pop();
  }
  LoopbackQueue(const LoopbackQueue&) = delete;
  LoopbackQueue& operator=(const LoopbackQueue&) = delete;

  bool empty() const { return packets_.empty(); }
  size_t size() const { return packets_.size(); }
  bool Push(LoopedPacket packet) {
    if (packets_.size() >= kMaxPackets || bytes_ + packet.packet.size() > kMaxBytes) return false;
    const MemoryUse use = bytes_ < kAlways ? MemoryUse::kReserve : MemoryUse::kPending;
    if (!memory_.TryCharge(use, CostOf(packet))) return false;
    bytes_ += packet.packet.size();
    packets_.push_back(std::move(packet));
    return true;
  }
  LoopedPacket Pop() {
    LoopedPacket packet = std::move(packets_.front());
    packets_.pop_front();
    bytes_ -= packet.packet.size();
    memory_.Release(CostOf(packet));
    return packet;
  }

 private:
  static size_t CostOf(const LoopedPacket& packet) {
    return sizeof(LoopedPacket) + packet.packet.footprint();
  }

  MemoryBudget& memory_;
  std::deque<LoopedPacket> packets_;
  size_t bytes_ = 0;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_LOOPBACK_QUEUE_H_
