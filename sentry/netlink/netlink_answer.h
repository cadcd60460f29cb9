// How answers to netlink requests are packed: messages into datagrams, the end of a dump, errors
// and acknowledgements (netlink(7)). What the servers of all netlink protocols share.
#ifndef MOAT_SENTRY_NETLINK_NETLINK_ANSWER_H_
#define MOAT_SENTRY_NETLINK_NETLINK_ANSWER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "sentry/netlink/message.h"

namespace moat::sentry {

// What a socket has set that changes answers (SOL_NETLINK).
struct NetlinkFlags {
  // NETLINK_GET_STRICT_CHK: dumps are filtered and their headers checked.
  bool strict_check = false;
  bool cap_ack = false;       // NETLINK_CAP_ACK: errors do not quote the whole request
};

// No datagram is larger, as none of Linux's is: programs read into a page.
inline constexpr size_t kMaxNetlinkDatagram = 3776;

using NetlinkDatagrams = std::vector<std::vector<uint8_t>>;

// Packs messages into datagrams.
class DatagramPacker {
 public:
  // Appends one message, which `encode(NetlinkWriter&)` writes; starts a new datagram when it would
  // not fit.
  template <typename Encode>
  void Add(Encode encode) {
    NetlinkWriter one;
    encode(one);
    if (!current_.empty() && current_.size() + one.size() > kMaxNetlinkDatagram) Flush();
    const std::span<const uint8_t> bytes = one.bytes();
    current_.insert(current_.end(), bytes.begin(), bytes.end());
  }
  void Flush() {
    if (!current_.empty()) datagrams_.push_back(std::exchange(current_, {}));
  }
  NetlinkDatagrams Take() {
    Flush();
    return std::move(datagrams_);
  }

 private:
  std::vector<uint8_t> current_;
  NetlinkDatagrams datagrams_;
};

// Who asked, and with which number.
struct NetlinkAsker {
  uint32_t sequence = 0;
  uint32_t port = 0;
};

// NLMSG_DONE: the end of a dump, which also carries what went wrong with it. `flags` beside
// NLM_F_MULTI.
void EncodeDone(NetlinkAsker asker, uint16_t flags, int error, NetlinkWriter& writer);

// NLMSG_ERROR: an error that quotes the request, or an acknowledgement when `error` is 0.
void EncodeError(const NetlinkMessage& request, uint32_t port, bool cap_ack, int error,
                 NetlinkWriter& writer);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_NETLINK_NETLINK_ANSWER_H_
