// An interface of the current network namespace, through AF_PACKET (packet(7)).
//
// Receiving uses a TPACKET_V2 ring of 2 KiB frames; larger frames (GRO, GSO, jumbo) come whole
// through recvmsg(2) (PACKET_COPY_THRESH), straight into a storage of their exact size, which the
// ring tells beforehand. PACKET_VNET_HDR keeps super-segments and pending checksums as they are.
// The choice was measured over a veth pair (kernel 6.18, CPU time per frame of the receiver, one
// thread):
//
//                                  60 kB GSO   1500 B     66 B    ping-pong of two processes
//   recvmsg                          3.5 us    1.0 us   1.0 us       17 us
//   recvmmsg of 16                   3.4 us    0.7 us   0.7 us       18 us
//   TPACKET_V2 + copy threshold      3.5 us    0.09 us  0.03 us      12 us
//   TPACKET_V3, 256 KiB blocks       3.0 us*   0.21 us  0.04 us    1002 us **
//   (* and 4 us more for the sender, who fills the ring; the payload is copied twice.
//    ** it wakes its reader only when a block retires.)
//
// The ring is 1 MiB by default and counts in the process's PSS, as it is mapped whole.
//
// Transmit() is one sendmsg(2) for a large frame; small ones wait for Flush(), which sends them
// together. Both go around the queueing disciplines (PACKET_QDISC_BYPASS), so that tc egress
// filters that silence the kernel's own stack do not meet these frames.
//
// Thread rule: ReceiveBatch() touches only the receive side and may run outside the stack's lock,
// by one thread at a time; Transmit() and Flush() run under the stack's lock. Errors: see each
// call.
#ifndef MOAT_NETSTACK_LINK_AF_PACKET_H_
#define MOAT_NETSTACK_LINK_AF_PACKET_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "netstack/link/frame_outbox.h"
#include "netstack/link/link.h"

namespace moat::netstack {

struct AfPacketOptions {
  std::string name{};              // of the interface; or
  InterfaceIndex index = 0;        // its index
  uint32_t ring_frames = 512;      // of 2 KiB; a multiple of 32
  uint32_t receive_buffer = 16u << 20;  // bytes of large frames that may wait (SO_RCVBUFFORCE)
  uint32_t send_buffer = 4u << 20;
  bool offloads = true;            // false: checksums and segmentation are done in software
};

// 64-bit totals since Open().
struct AfPacketStatistics {
  uint64_t frames = 0;      // delivered
  uint64_t batches = 0;     // ReceiveBatch() calls that delivered something
  uint64_t dropped = 0;     // by the kernel: ring or buffer was full
  uint64_t truncated = 0;   // large frames that the receive buffer had no room for
  uint64_t malformed = 0;   // frames whose offload header made no sense
  uint64_t send_errors = 0; // refused by the device or its queue
  uint64_t software_gso = 0;  // super-segments that the device refused and that were cut here
};

class AfPacketLink : public Link {
 public:
  // Needs CAP_NET_RAW in the namespace's owner. kNotFound: no such interface; kPermissionDenied;
  // kResourceExhausted: no memory for the ring; kInvalidArgument: options.
  static absl::StatusOr<std::unique_ptr<AfPacketLink>> Open(const AfPacketOptions& options);
  ~AfPacketLink() override;
  AfPacketLink(const AfPacketLink&) = delete;
  AfPacketLink& operator=(const AfPacketLink&) = delete;

  LinkCapabilities capabilities() const override;
  bool Transmit(const TxFrame& frame) override;
  void Flush() override;  // what the device refuses counts in send_errors

  // Readable when frames wait, level-triggered. Also when the device went down, which
  // ReceiveBatch() clears.
  int fd() const { return fd_; }
  // Appends at most `budget` frames that wait now, or fewer once kBatchBytes are reached, so that a
  // batch stays in the cache until it is used; returns how many. 0: none is left. A VLAN tag that
  // the device took off is put back into the frame.
  static constexpr size_t kBatchBytes = 1 << 20;
  size_t ReceiveBatch(std::vector<RxFrame>& frames, size_t budget);
  // True once the device was removed: nothing will arrive any more.
  bool gone() const { return gone_; }
  InterfaceIndex interface() const { return interface_; }

  AfPacketStatistics Statistics();

 private:
  AfPacketLink(int fd, const AfPacketOptions& options) : fd_(fd), options_(options) {}
  absl::Status SetUp();
  absl::Status MapRing();

  struct Slot;  // one frame of the ring, in typed terms
  Slot SlotAt(uint32_t index) const;
  bool TakeFromRing(const Slot& slot, RxFrame& frame);
  bool TakeFromSocket(const Slot& slot, RxFrame& frame);
  void ClearSocketError();
  bool SendAlone(const TxFrame& frame);
  bool SendInSoftware(const TxFrame& frame);
  int SendOnce(const TxFrame& frame);  // 0 or an errno

  const int fd_;
  const AfPacketOptions options_;
  InterfaceIndex interface_ = 0;
  uint8_t* ring_ = nullptr;
  size_t ring_size_ = 0;
  uint32_t next_frame_ = 0;
  bool gone_ = false;
  uint32_t max_gso_bytes_ = 65535;  // 0: the device had TSO turned off when the link was opened
  bool device_refuses_udp_gso_ = false;
  FrameOutbox outbox_;
  AfPacketStatistics statistics_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_LINK_AF_PACKET_H_
