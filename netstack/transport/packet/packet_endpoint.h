// One packet socket.
#ifndef MOAT_NETSTACK_TRANSPORT_PACKET_PACKET_ENDPOINT_H_
#define MOAT_NETSTACK_TRANSPORT_PACKET_PACKET_ENDPOINT_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "netstack/ip/configuration.h"
#include "netstack/socket/packet_socket.h"
#include "netstack/transport/frame_tap.h"

namespace moat::netstack {

class PacketProtocol;

class PacketEndpoint final : public PacketSocket {
 public:
  // Distinct memberships of one socket.
  static constexpr size_t kMostMemberships = 128;

  PacketEndpoint(PacketProtocol& owner, bool raw, uint16_t protocol, uint64_t id);
  ~PacketEndpoint() override;

  uint64_t id() const override { return id_; }
  bool raw() const override { return raw_; }
  void SetObserver(SocketObserver* observer) override { observer_ = observer; }
  uint32_t Ready() const override;
  Error Bind(uint16_t protocol, InterfaceIndex interface) override;
  LinkName Local() const override;
  Error Send(std::span<const std::span<const uint8_t>> payload,
             const std::optional<LinkName>& to) override;
  Result<CapturedFrame> Receive() override;
  size_t ReadableBytes() const override;
  Error TakeError() override;
  const SocketOptions& options() const override { return options_; }
  void SetOptions(const SocketOptions& options) override { options_ = options; }
  Error SetFilter(std::optional<ClassicBpf> filter) override;
  bool has_filter() const override { return filter_.has_value(); }
  void SetIgnoreOutgoing(bool ignore) override { ignore_outgoing_ = ignore; }
  bool ignore_outgoing() const override { return ignore_outgoing_; }
  Error Join(const PacketMembership& membership) override;
  void Leave(const PacketMembership& membership) override;
  size_t memberships() const override { return members_.size(); }
  PacketStatistics TakeStatistics() override { return std::exchange(statistics_, {}); }

  // --- For PacketProtocol ----------------------------------------------------------------------
  bool listening() const { return protocol_ != 0 && !detached_; }
  // Whether incoming frames of `protocol` on `interface` are for this socket, but for its filter.
  bool Takes(InterfaceIndex interface, uint16_t protocol) const {
    return listening() && (protocol_ == protocol || protocol_ == frame_protocol::kAll) &&
           (interface_ == 0 || interface_ == interface);
  }
  void See(const TappedFrame& frame);
  void InterfaceChanged(const InterfaceInfo& interface, bool removed);

 private:
  struct Queued {
    CapturedFrame frame;
    size_t charge;
  };
  struct Member {
    PacketMembership membership;
    uint32_t count;
  };

  bool Wants(const TappedFrame& frame) const;
  // Bytes of `frame` that the filter wants of what this socket sees, which is `size`.
  size_t Wanted(const TappedFrame& frame, size_t skipped, size_t size) const;
  void Queue(const TappedFrame& frame, size_t skipped, size_t size, size_t wanted);
  size_t receive_limit() const;
  size_t FilterCharge() const { return filter_.has_value() ? filter_->footprint() : 0; }
  void Fail(Error error);
  void Notify();
  Error SendOn(const FrameInterface& out, std::span<const std::span<const uint8_t>> payload,
               const LinkName& to, bool addressed);

  PacketProtocol& owner_;
  const bool raw_;
  const uint64_t id_;
  uint16_t protocol_;
  InterfaceIndex interface_ = 0;  // bound to; 0: all
  bool interface_up_ = false;     // of the bound one
  bool detached_ = false;         // the bound one is gone
  bool ignore_outgoing_ = false;
  SocketOptions options_;
  std::optional<ClassicBpf> filter_;
  std::vector<Member> members_;
  PacketStatistics statistics_;
  std::deque<Queued> queue_;
  size_t charged_ = 0;  // to the memory budget, for the queue
  Error pending_error_ = Error::kOk;
  SocketObserver* observer_ = nullptr;
  uint32_t told_ready_ = 0;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_TRANSPORT_PACKET_PACKET_ENDPOINT_H_
