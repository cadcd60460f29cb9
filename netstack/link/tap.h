// A TAP device as a link (IFF_VNET_HDR: offloads and super-segments as over AF_PACKET). For
// programs that use netstack alone, with the kernel on the other end.
#ifndef MOAT_NETSTACK_LINK_TAP_H_
#define MOAT_NETSTACK_LINK_TAP_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "netstack/link/link.h"

namespace moat::netstack {

class TapLink : public Link {
 public:
  // Creates the device `name` (or attaches to a persistent one) in the current network namespace.
  // It ends with the link. kPermissionDenied without CAP_NET_ADMIN; kNotFound without /dev/net/tun.
  static absl::StatusOr<std::unique_ptr<TapLink>> Open(const std::string& name);
  ~TapLink() override;
  TapLink(const TapLink&) = delete;
  TapLink& operator=(const TapLink&) = delete;

  LinkCapabilities capabilities() const override;
  bool Transmit(const TxFrame& frame) override;

  int fd() const { return fd_; }  // readable when frames wait
  // As AfPacketLink::ReceiveBatch().
  size_t ReceiveBatch(std::vector<RxFrame>& frames, size_t budget);

 private:
  explicit TapLink(int fd) : fd_(fd), buffer_(kBufferSize) {}
  bool Write(const TxFrame& frame);

  static constexpr size_t kBufferSize = 1 << 17;
  const int fd_;
  bool udp_gso_ = false;
  std::vector<uint8_t> buffer_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_LINK_TAP_H_
