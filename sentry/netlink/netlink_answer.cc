#include "sentry/netlink/netlink_answer.h"

#include <linux/netlink.h>

#include <algorithm>

namespace moat::sentry {

void EncodeDone(NetlinkAsker asker, uint16_t flags, int error, NetlinkWriter& writer) {
  writer.Begin(NLMSG_DONE, static_cast<uint16_t>(NLM_F_MULTI | flags), asker.sequence, asker.port);
  writer.Fixed(int32_t{-error});
  writer.End();
}

void EncodeError(const NetlinkMessage& request, uint32_t port, bool cap_ack, int error,
                 NetlinkWriter& writer) {
  const bool quoted = error != 0 && !cap_ack;
  writer.Begin(NLMSG_ERROR, static_cast<uint16_t>(quoted ? 0 : NLM_F_CAPPED),
               request.header.sequence, port);
  writer.Fixed(int32_t{-error});
  writer.Fixed(request.header);
  if (quoted) {
    // A request that fills a datagram is quoted as far as there is room.
    const size_t room = kMaxNetlinkDatagram - 64;
    for (uint8_t byte : request.body.first(std::min(request.body.size(), room))) writer.Fixed(byte);
  }
  writer.End();
}

}  // namespace moat::sentry
