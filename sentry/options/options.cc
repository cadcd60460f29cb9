#include "sentry/options/options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>

#include "sentry/options/option_row.h"

namespace moat::sentry {
namespace {

uint8_t KindBit(SocketKind kind) {
  switch (kind) {
    case SocketKind::kTcp: return option_kind::kTcp;
    case SocketKind::kUdp: return option_kind::kUdp;
    case SocketKind::kPing: return option_kind::kPing;
    case SocketKind::kRaw: return option_kind::kRaw;
    case SocketKind::kPacket: return option_kind::kPacket;
  }
  return 0;
}

// The rows of `level` that a socket knows. An IPv6 socket knows the IPv4 options too, not vice
// versa.
std::span<const OptionRow> RowsOf(const OptionTarget& target, int level) {
  if (target.kind == SocketKind::kPacket && level != SOL_SOCKET) {
    return level == SOL_PACKET ? PacketLevelRows() : std::span<const OptionRow>();
  }
  switch (level) {
    case SOL_SOCKET: return SocketLevelRows();
    case SOL_IP: return IpLevelRows();
    case SOL_IPV6:
      if (target.family == netstack::Family::kIpv6) return Ipv6LevelRows();
      break;
    case SOL_TCP:
      if (target.kind == SocketKind::kTcp) return TcpLevelRows();
      break;
    case SOL_UDP:
      if (target.kind == SocketKind::kUdp) return UdpLevelRows();
      break;
    case SOL_RAW:
      if (target.kind == SocketKind::kRaw) return RawLevelRows(target.family);
      break;
    case SOL_ICMPV6:
      if (target.kind == SocketKind::kRaw && target.family == netstack::Family::kIpv6) {
        return Icmpv6LevelRows();
      }
      break;
    default: break;
  }
  return {};
}

// Whether the level's getters are Linux's own, so that it looks at the length before the name.
bool ChecksLengthFirst(const OptionTarget& target, int level) {
  switch (level) {
    case SOL_SOCKET: return true;
    case SOL_PACKET: return true;
    case SOL_IP: return true;
    case SOL_TCP: return target.kind == SocketKind::kTcp;
    case SOL_UDP: return target.kind == SocketKind::kUdp;
    default: return false;
  }
}

const OptionRow* FindRow(const OptionTarget& target, int level, int name) {
  for (const OptionRow& row : RowsOf(target, level)) {
    if (row.name == name && (row.kinds & KindBit(target.kind)) != 0) return &row;
  }
  // IPV6_CHECKSUM and IPV6_HDRINCL are known at both levels.
  if (level == SOL_IPV6 && target.kind == SocketKind::kRaw) return FindRow(target, SOL_RAW, name);
  return nullptr;
}

}  // namespace

OptionBytes::OptionBytes(std::span<const uint8_t> value, size_t length)
    : size_(std::min({value.size(), length, kCapacity})) {
  std::copy_n(value.begin(), size_, bytes_.begin());
}

void ApplyOptionDefaults(const OptionTarget& target) {
  if (target.kind == SocketKind::kPing) {
    ChangeOptions(target, [&](netstack::SocketOptions& options) {
      options.reuse_address = true;
      options.v6_only = target.family == netstack::Family::kIpv6;
    });
  }
  // IP_MULTICAST_ALL is on for IPv4 sockets, off for IPv6 ones.
  if (target.family == netstack::Family::kIpv6) {
    target.settings.multicast_all = false;
    if (target.datagram != nullptr) {
      ChangeOptions(target,
                    [](netstack::SocketOptions& options) { options.multicast_all = false; });
    }
  }
  target.settings.at(Remembered::kTxRehash) = 1;
}

ErrnoOr<OptionBytes> GetSocketOption(const OptionTarget& target, int level, int name,
                                     int32_t length) {
  const std::span<const OptionRow> rows = RowsOf(target, level);
  if (rows.empty()) {  // the families differ in how they refuse a level that they do not know
    if (target.kind == SocketKind::kPacket) return Errno{ENOPROTOOPT};
    return Errno{target.family == netstack::Family::kIpv4 ? EOPNOTSUPP : ENOPROTOOPT};
  }
  if (length < 0 && ChecksLengthFirst(target, level)) return Errno{EINVAL};
  const OptionRow* row = FindRow(target, level, name);
  if (row == nullptr || row->get == nullptr) return Errno{ENOPROTOOPT};
  // IPv6 takes a negative length for a large one.
  return row->get(target, length < 0 ? OptionBytes::kCapacity : static_cast<size_t>(length));
}

int SetSocketOption(const OptionTarget& target, int level, int name, int32_t length,
                    std::span<const uint8_t> value) {
  if (length < 0) return EINVAL;
  const OptionInput input{.length = length, .value = value};
  const OptionRow* row = FindRow(target, level, name);
  if (row == nullptr || row->set == nullptr) {
    // These levels copy the integer before they look at the name.
    const bool reads_first = level == SOL_SOCKET ||
                             (level == SOL_TCP && target.kind == SocketKind::kTcp) ||
                             (level == SOL_UDP && target.kind == SocketKind::kUdp);
    if (reads_first) {
      if (int error = input.Need(sizeof(int)); error != 0) return error;
    }
    return ENOPROTOOPT;
  }
  return row->set(target, input);
}

bool ReadsItsBuffer(int level, int name) {
  return (level == SOL_IP && (name == IP_MSFILTER || name == MCAST_MSFILTER)) ||
         (level == SOL_IPV6 && name == MCAST_MSFILTER);
}

bool IsPairOption(int level, int name) {
  if (level != SOL_SOCKET) return false;
  constexpr int kPairOptions[] = {SO_RCVTIMEO_OLD, SO_RCVTIMEO_NEW, SO_SNDTIMEO_OLD,
                                  SO_SNDTIMEO_NEW, SO_RCVLOWAT,     SO_PEEK_OFF};
  return std::find(std::begin(kPairOptions), std::end(kPairOptions), name) !=
         std::end(kPairOptions);
}

}  // namespace moat::sentry
