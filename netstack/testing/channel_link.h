// A link in memory: records what the stack sends, and can hand each frame on as it is sent.
//
//   ChannelLink link;                      // no offloads: frames are as on the wire
//   ChannelLink link({.tx_checksum_offload = true, .max_gso_bytes = 65536});
//   stack.AddInterface({.index = 2, .link = &link, ...});
//   stack.Receive(2, ReceivedFrame(bytes));
//   std::vector<uint8_t> reply = link.TakeFrame();
#ifndef MOAT_NETSTACK_TESTING_CHANNEL_LINK_H_
#define MOAT_NETSTACK_TESTING_CHANNEL_LINK_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <vector>

#include "netstack/link/link.h"

namespace moat::netstack {

class ChannelLink : public Link {
 public:
  struct Sent {
    std::vector<uint8_t> bytes;  // headers and payload
    size_t header_size = 0;      // where the payload begins
    TxOffload offload;
  };

  ChannelLink() = default;
  explicit ChannelLink(const LinkCapabilities& capabilities) : capabilities_(capabilities) {}

  LinkCapabilities capabilities() const override { return capabilities_; }
  bool Transmit(const TxFrame& frame) override;

  // As the stack handed them over, offloads not applied.
  std::deque<Sent>& sent() { return sent_; }
  // The oldest one as it would be on the wire (its segments, when it has gso), removed; empty when
  // nothing was sent.
  std::vector<std::vector<uint8_t>> TakeWireFrames();
  // As TakeWireFrames(), for a frame that is one segment.
  std::vector<uint8_t> TakeFrame();
  void Clear() { sent_.clear(); }

  // While true, Transmit() refuses.
  void set_full(bool full) { full_ = full; }
  // Given every wire frame instead of recording it.
  void set_sink(std::function<void(std::span<const uint8_t>)> sink) { sink_ = std::move(sink); }

 private:
  size_t link_header_size() const { return capabilities_.has_ethernet_header ? 14 : 0; }

  LinkCapabilities capabilities_;
  std::deque<Sent> sent_;
  bool full_ = false;
  std::function<void(std::span<const uint8_t>)> sink_;
};

// A frame as a link would deliver it.
RxFrame ReceivedFrame(std::span<const uint8_t> bytes);

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_TESTING_CHANNEL_LINK_H_
