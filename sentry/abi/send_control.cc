#include "sentry/abi/send_control.h"

#include <linux/net_tstamp.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "netstack/wire/ipv4_options.h"
#include "sentry/abi/bytes.h"
#include "sentry/abi/ip_options.h"
#include "sentry/abi/sockaddr.h"

namespace moat::sentry {
namespace {

using netstack::Family;
using netstack::IpAddress;
using netstack::SendControl;

struct Message {
  int level = 0;
  int type = 0;
  std::span<const uint8_t> data;
};

constexpr int kIpv6FlowInfo = 11;  // linux/in6.h, which clashes with netinet/in.h

// One cmsg's effect: 0 or errno.
using Apply = int (*)(const Message&, const SendControlRules&, SendControl&);

struct Row {
  int level;
  int type;
  Apply apply;
};

int Ignore(const Message&, const SendControlRules&, SendControl&) { return 0; }

// SOL_SOCKET ------------------------------------------------------------------------------------

int Mark(const Message& message, const SendControlRules& rules, SendControl&) {
  if (!rules.net_admin) return EPERM;
  return message.data.size() == sizeof(uint32_t) ? 0 : EINVAL;  // no policy routing: without effect
}

int Timestamping(const Message& message, const SendControlRules&, SendControl&) {
  if (message.data.size() != sizeof(uint32_t)) return EINVAL;
  constexpr uint32_t kTxRecord = SOF_TIMESTAMPING_TX_HARDWARE | SOF_TIMESTAMPING_TX_SOFTWARE |
                                 SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_ACK;
  return (LoadAt<uint32_t>(message.data, 0) & ~kTxRecord) == 0 ? 0 : EINVAL;
}

// SOL_IP ----------------------------------------------------------------------------------------

int Pktinfo4(const Message& message, const SendControlRules&, SendControl& out) {
  if (message.data.size() != sizeof(in_pktinfo)) return EINVAL;
  const auto info = LoadAt<in_pktinfo>(message.data, 0);
  if (info.ipi_ifindex < 0) return EINVAL;
  if (info.ipi_ifindex != 0) out.interface = info.ipi_ifindex;
  if (info.ipi_spec_dst.s_addr != 0) {
    out.source = IpAddress::V4(reinterpret_cast<const uint8_t*>(&info.ipi_spec_dst.s_addr));
  }
  return 0;
}

int Ttl(const Message& message, const SendControlRules&, SendControl& out) {
  if (message.data.size() != sizeof(int)) return EINVAL;
  const int value = LoadAt<int>(message.data, 0);
  if (value < 1 || value > 255) return EINVAL;
  out.hop_limit = static_cast<uint8_t>(value);
  return 0;
}

int Tos(const Message& message, const SendControlRules&, SendControl& out) {
  int value = 0;
  if (message.data.size() == sizeof(int)) {
    value = LoadAt<int>(message.data, 0);
  } else if (message.data.size() == 1) {
    value = message.data[0];
  } else {
    return EINVAL;
  }
  if (value < 0 || value > 255) return EINVAL;
  out.traffic_class = static_cast<uint8_t>(value);
  return 0;
}

// As ip_options_get() has it: what is beyond 40 octets is not looked at.
int ReturnOptions(const Message& message, const SendControlRules& rules, SendControl& out) {
  const size_t size = std::min(message.data.size(), netstack::kIpv4MaxOptions);
  const auto options = DecodeIpOptions(message.data.first(size), [&] { return rules.net_raw; });
  if (!options.ok()) return options.error();
  out.ip_options = *options;
  return 0;
}

// SOL_IPV6 --------------------------------------------------------------------------------------

int Pktinfo6(const Message& message, const SendControlRules& rules, SendControl& out) {
  if (message.data.size() < sizeof(in6_pktinfo)) return EINVAL;
  const auto info = LoadAt<in6_pktinfo>(message.data, 0);
  const auto address = IpAddress::V6(reinterpret_cast<const uint8_t*>(&info.ipi6_addr));
  if (info.ipi6_ifindex > INT32_MAX) return EINVAL;
  if (rules.ipv4 && !address.IsMappedV4()) return EINVAL;
  if (!rules.ipv4 && info.ipi6_ifindex == 0 && address.IsLinkLocal()) return EINVAL;
  if (info.ipi6_ifindex != 0) {
    out.interface = static_cast<netstack::InterfaceIndex>(info.ipi6_ifindex);
  }
  const IpAddress source = rules.ipv4 ? address.UnmapToV4() : address;
  if (!source.IsUnspecified()) out.source = source;
  return 0;
}

// -1 asks for the default.
int HopOrClass(const Message& message, std::optional<uint8_t>& field) {
  if (message.data.size() != sizeof(int)) return EINVAL;
  const int value = LoadAt<int>(message.data, 0);
  if (value < -1 || value > 255) return EINVAL;
  if (value >= 0) field = static_cast<uint8_t>(value);
  return 0;
}

int HopLimit(const Message& message, const SendControlRules&, SendControl& out) {
  return HopOrClass(message, out.hop_limit);
}

int TrafficClass(const Message& message, const SendControlRules&, SendControl& out) {
  return HopOrClass(message, out.traffic_class);
}

int FlowInfo(const Message& message, const SendControlRules&, SendControl& out) {
  if (message.data.size() < sizeof(uint32_t)) return EINVAL;
  out.flow_label = ntohl(LoadAt<uint32_t>(message.data, 0)) & kFlowLabelMask;
  return 0;
}

int DontFragment(const Message& message, const SendControlRules&, SendControl& out) {
  if (message.data.size() != sizeof(int)) return EINVAL;
  const int value = LoadAt<int>(message.data, 0);
  if (value != 0 && value != 1) return EINVAL;
  out.dont_fragment = value != 0;
  return 0;
}

int ExtensionHeader(const Message&, const SendControlRules& rules, SendControl&) {
  return rules.net_admin ? EINVAL : EPERM;
}

// SOL_UDP ---------------------------------------------------------------------------------------

int Segment(const Message& message, const SendControlRules&, SendControl& out) {
  if (message.data.size() != sizeof(uint16_t)) return EINVAL;
  out.segment_size = LoadAt<uint16_t>(message.data, 0);
  return 0;
}

constexpr Row kSocketRows[] = {
    {SOL_SOCKET, SO_MARK, Mark},
    {SOL_SOCKET, SO_TIMESTAMPING, Timestamping},
    {SOL_SOCKET, SO_TIMESTAMPING_NEW, Timestamping},
    {SOL_SOCKET, SCM_RIGHTS, Ignore},  // they belong to AF_UNIX; Linux ignores them here
    {SOL_SOCKET, SCM_CREDENTIALS, Ignore},
};
constexpr Row kIpv4Rows[] = {
    {SOL_IP, IP_PKTINFO, Pktinfo4},
    {SOL_IP, IP_TTL, Ttl},
    {SOL_IP, IP_TOS, Tos},
    {SOL_IP, IP_RETOPTS, ReturnOptions},
};
constexpr Row kMappedRows[] = {
    {SOL_IPV6, IPV6_PKTINFO, Pktinfo6},
};
constexpr Row kIpv6Rows[] = {
    {SOL_IPV6, IPV6_PKTINFO, Pktinfo6},
    {SOL_IPV6, IPV6_2292PKTINFO, Pktinfo6},
    {SOL_IPV6, IPV6_HOPLIMIT, HopLimit},
    {SOL_IPV6, IPV6_2292HOPLIMIT, HopLimit},
    {SOL_IPV6, IPV6_TCLASS, TrafficClass},
    {SOL_IPV6, kIpv6FlowInfo, FlowInfo},
    {SOL_IPV6, IPV6_DONTFRAG, DontFragment},
    {SOL_IPV6, IPV6_HOPOPTS, ExtensionHeader},
    {SOL_IPV6, IPV6_2292HOPOPTS, ExtensionHeader},
    {SOL_IPV6, IPV6_DSTOPTS, ExtensionHeader},
    {SOL_IPV6, IPV6_2292DSTOPTS, ExtensionHeader},
};
constexpr Row kUdpRows[] = {
    {SOL_UDP, UDP_SEGMENT, Segment},
};

// How a protocol treats a level: rows it knows; a level without rows is ignored, an unknown type of
// a known level is EINVAL, unless the level is `lenient`.
struct Level {
  int level;
  std::span<const Row> rows;
  bool lenient;
};

Level FindLevel(int level, const SendControlRules& rules) {
  if (level == SOL_SOCKET) return {level, kSocketRows, false};
  if (rules.kind == SocketKind::kTcp) return {level, {}, true};
  if (level == SOL_UDP && rules.kind == SocketKind::kUdp) return {level, kUdpRows, false};
  if (rules.ipv4 && level == SOL_IP) return {level, kIpv4Rows, false};
  if (rules.ipv4 && level == SOL_IPV6 && rules.family == Family::kIpv6 &&
      rules.kind == SocketKind::kUdp) {
    return {level, kMappedRows, true};
  }
  if (!rules.ipv4 && level == SOL_IPV6) return {level, kIpv6Rows, false};
  return {level, {}, true};
}

int ApplyMessage(const Message& message, const SendControlRules& rules, SendControl& out) {
  const Level level = FindLevel(message.level, rules);
  for (const Row& row : level.rows) {
    if (row.type == message.type) return row.apply(message, rules, out);
  }
  return level.lenient ? 0 : EINVAL;
}

}  // namespace

ErrnoOr<SendControl> ParseSendControl(std::span<const uint8_t> control,
                                      const SendControlRules& rules) {
  SendControl out;
  size_t offset = 0;
  while (control.size() - offset >= sizeof(cmsghdr)) {
    const auto header = LoadAt<cmsghdr>(control, offset);
    if (header.cmsg_len < sizeof(cmsghdr) || header.cmsg_len > control.size() - offset) {
      return Errno{EINVAL};
    }
    const Message message{
        .level = header.cmsg_level,
        .type = header.cmsg_type,
        .data = control.subspan(offset + sizeof(cmsghdr), header.cmsg_len - sizeof(cmsghdr))};
    if (int error = ApplyMessage(message, rules, out); error != 0) return Errno{error};
    const size_t step = CMSG_ALIGN(header.cmsg_len);
    if (step > control.size() - offset) break;
    offset += step;
  }
  return out;
}

}  // namespace moat::sentry
