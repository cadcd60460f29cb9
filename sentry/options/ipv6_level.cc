// SOL_IPV6.
#include <arpa/inet.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "sentry/abi/errno_map.h"
#include "sentry/options/membership.h"
#include "sentry/options/source_filter.h"
#include "sentry/options/option_row.h"
#include "sentry/options/unicast_interface.h"

namespace moat::sentry {
namespace {

using netstack::DatagramOptions;
using netstack::IpAddress;
using netstack::Family;
using netstack::SocketOptions;
using netstack::SourceChange;
using netstack::TemporaryAddresses;

// From linux/in6.h, which clashes with netinet/in.h.
constexpr int kIpv6FlowInfo = 11;
constexpr int kIp6tables = 64;                // IP6T_BASE_CTL
constexpr int kIp6OriginalDestination = 80;   // conntrack's
constexpr int kIpv6FlowInfoSend = 33;
constexpr int kIpv6ReceiveErrorRfc4884 = 31;

constexpr uint8_t kAll = option_kind::kAll;
constexpr uint8_t kTcp = option_kind::kTcp;
constexpr uint8_t kUdpAndTcp = option_kind::kTcp | option_kind::kUdp;
constexpr int kEcnMask = 3;
constexpr uint32_t kMinimumMtu = 1280;  // RFC 8200, 5

ErrnoOr<OptionBytes> Int(int value, size_t length) { return IntLevel::Write(value, length); }

// Only before the socket has a port.
int SetV6Only(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  const auto local = target.tcp != nullptr ? target.tcp->Local() : target.datagram->Local();
  if (local.port != 0) return EINVAL;
  ChangeOptions(target, [&](SocketOptions& options) { options.v6_only = input.As<int>() != 0; });
  return 0;
}

ErrnoOr<OptionBytes> GetUnicastHops(const OptionTarget& target, size_t length) {
  int value = Options(target).hop_limit;
  if (value < 0) value = static_cast<int>(target.host.Sysctl("ipv6.conf.all.hop_limit", 0, 64));
  return Int(value, length);
}

int SetMulticastHops(const OptionTarget& target, const OptionInput& input) {
  if (target.kind == SocketKind::kTcp) return ENOPROTOOPT;
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  const int value = input.As<int>();
  if (value < -1 || value > 255) return EINVAL;
  ChangeOptions(target, [&](SocketOptions& options) {
    options.multicast_hops = static_cast<int16_t>(value == -1 ? 1 : value);
  });
  return 0;
}

int SetMulticastLoop(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  const int value = input.As<int>();
  if (value != 0 && value != 1) return EINVAL;
  ChangeOptions(target, [&](SocketOptions& options) { options.multicast_loop = value != 0; });
  return 0;
}

int SetMulticastAll(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  const bool all = input.As<int>() != 0;
  target.settings.multicast_all6 = all;
  if (target.datagram != nullptr) {
    ChangeOptions(target, [&](SocketOptions& options) { options.multicast_all_v6 = all; });
  }
  return 0;
}

int SetTrafficClass(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  int value = input.As<int>();
  if (value < -1 || value > 255) return EINVAL;
  if (value == -1) value = 0;  // RFC 3542, 6.5
  const int keep = target.kind == SocketKind::kTcp ? kEcnMask : 0;
  ChangeOptions(target, [&](SocketOptions& options) {
    const int old = options.traffic_class < 0 ? 0 : options.traffic_class;
    options.traffic_class = static_cast<int16_t>((value & ~keep) | (old & keep));
  });
  return 0;
}

ErrnoOr<OptionBytes> GetTrafficClass(const OptionTarget& target, size_t length) {
  const int value = Options(target).traffic_class;
  return Int(value < 0 ? 0 : value, length);
}

int SetMtuDiscover(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  const int value = input.As<int>();
  if (value < IPV6_PMTUDISC_DONT || value > IPV6_PMTUDISC_OMIT) return EINVAL;
  target.settings.mtu_discover6 = static_cast<int8_t>(value);
  // The stack has one setting; an IPv6 socket's is this one.
  ChangeOptions(target, [&](SocketOptions& options) {
    options.mtu_discover = static_cast<SocketOptions::MtuDiscover>(value);
  });
  return 0;
}

int SetMtu(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  const int value = input.As<int>();
  if (value != 0 && value < static_cast<int>(kMinimumMtu)) return EINVAL;
  ChangeDatagramOptions(target, [&](DatagramOptions& options) {
    options.most_mtu = static_cast<uint16_t>(std::min<int>(value, UINT16_MAX));
  });
  return 0;
}

std::optional<uint32_t> PathMtu(const OptionTarget& target) {
  const auto remote = target.tcp != nullptr ? target.tcp->Remote() : target.datagram->Remote();
  if (!remote.ok()) return std::nullopt;
  return target.host.PathMtu(remote->address);
}

ErrnoOr<OptionBytes> GetMtu(const OptionTarget& target, size_t length) {
  const auto mtu = PathMtu(target);
  if (!mtu.has_value()) return Errno{ENOTCONN};
  return Int(static_cast<int>(*mtu), length);
}

// RFC 3542, 11.4.
ErrnoOr<OptionBytes> GetPathMtu(const OptionTarget& target, size_t length) {
  constexpr size_t kSize = 32;  // struct ip6_mtuinfo: sockaddr_in6, uint32_t
  constexpr size_t kMtuOffset = 28;
  if (length < kSize) return Errno{EINVAL};
  const auto mtu = PathMtu(target);
  if (!mtu.has_value()) return Errno{ENOTCONN};
  std::array<uint8_t, kSize> info{};
  StoreAt(info, kMtuOffset, *mtu);
  return OptionBytes(info, length);
}

int SetReceiveError(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  ReceiveControlFlags& flags = target.settings.receive_control;
  flags.recv_error6 = input.As<int>() != 0;
  target.settings.receive_error = flags.recv_error4 || flags.recv_error6;
  if (target.datagram != nullptr) target.datagram->SetQueueErrors(target.settings.receive_error);
  return 0;
}

int SetTransparent(const OptionTarget& target, const OptionInput& input) {
  int value = 0;
  if (int error = LenientIntLevel::Read(input, &value); error != 0) return error;
  if (value != 0 && !target.host.HasCapability(CAP_NET_RAW) &&
      !target.host.HasCapability(CAP_NET_ADMIN)) {
    return EPERM;
  }
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  ChangeOptions(target, [&](SocketOptions& options) { options.transparent = value != 0; });
  return 0;
}

// The socket option of RFC 3542, 4.2: the default interface.
int SetPacketInfo(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(in6_pktinfo)); error != 0) return error;
  const auto info = input.As<in6_pktinfo>();
  if (info.ipi6_ifindex > INT32_MAX) return EINVAL;
  const netstack::InterfaceIndex bound = Options(target).bound_device;
  if (bound != 0 && static_cast<netstack::InterfaceIndex>(info.ipi6_ifindex) != bound) {
    return EINVAL;
  }
  // The address is nothing to Linux either.
  ChangeDatagramOptions(target, [&](DatagramOptions& options) {
    options.sticky_interface = static_cast<netstack::InterfaceIndex>(info.ipi6_ifindex);
  });
  return 0;
}

// Turning an IPv6 socket into an IPv4 one is refused as if it were not connected over IPv4.
int SetAddressForm(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  if (input.As<int>() != AF_INET) return EINVAL;
  return target.kind == SocketKind::kPing ? ENOPROTOOPT : ENOTCONN;
}

ErrnoOr<OptionBytes> GetAddressForm(const OptionTarget& target, size_t length) {
  const auto remote = target.tcp != nullptr ? target.tcp->Remote() : target.datagram->Remote();
  if (!remote.ok()) return Errno{ENOTCONN};
  return Int(AF_INET6, length);
}

// RFC 5014: temporary or public, home or care-of. Each pair excludes its opposite.
int SetAddressPreferences(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  constexpr int kTemporary = 0x1, kPublic = 0x2, kDefaultMix = 0x100;
  constexpr int kCareOf = 0x4, kHome = 0x400;
  constexpr int kCga = 0x8, kNonCga = 0x800;
  const int value = input.As<int>();
  int stored = 0;
  const int mix = value & (kPublic | kTemporary | kDefaultMix);
  if (mix != 0 && (mix & (mix - 1)) != 0) return EINVAL;
  if (mix == kPublic || mix == kTemporary) {
    stored = mix;
  } else if (mix == 0) {
    stored = target.settings.address_preferences & (kPublic | kTemporary);
  }
  const int home = value & (kHome | kCareOf);
  if (home == (kHome | kCareOf)) return EINVAL;
  if (home == kCareOf) stored |= kCareOf;
  if (home == 0) stored |= target.settings.address_preferences & kCareOf;
  const int cga = value & (kCga | kNonCga);
  if (cga == (kCga | kNonCga)) return EINVAL;
  target.settings.address_preferences = stored;
  ChangeOptions(target, [&](SocketOptions& options) {
    options.temporary_addresses = (stored & kTemporary) != 0 ? TemporaryAddresses::kPrefer
                                  : (stored & kPublic) != 0  ? TemporaryAddresses::kAvoid
                                                             : TemporaryAddresses::kByInterface;
  });
  return 0;
}

ErrnoOr<OptionBytes> GetAddressPreferences(const OptionTarget& target, size_t length) {
  constexpr int kTemporary = 0x1, kPublic = 0x2, kDefaultMix = 0x100, kCareOf = 0x4, kHome = 0x400;
  const int stored = target.settings.address_preferences;
  int value = stored & (kTemporary | kPublic);
  if (value == 0) value = kDefaultMix;
  value |= (stored & kCareOf) != 0 ? kCareOf : kHome;
  return Int(value, length);
}

// Extension headers can be cleared, not set.
template <bool kPrivileged, bool kRouting = false>
int SetExtensionHeader(const OptionTarget& target, const OptionInput& input) {
  if (kPrivileged && !target.host.HasCapability(CAP_NET_RAW)) return EPERM;
  if (input.length == 0) return 0;
  if (input.length < 8 || input.length % 8 != 0 || input.length > 8 * 255) return EINVAL;
  return kRouting ? EINVAL : EOPNOTSUPP;  // no type of routing header is known
}

int JoinAnycast(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(ipv6_mreq)); error != 0) return error;
  return target.host.HasCapability(CAP_NET_ADMIN) ? EOPNOTSUPP : EPERM;
}
int LeaveAnycast(const OptionTarget&, const OptionInput& input) {
  const int error = input.Need(sizeof(ipv6_mreq));
  return error != 0 ? error : ENOENT;
}

int SetPacketOptions(const OptionTarget&, const OptionInput& input) {
  return input.length == 0 ? 0 : EOPNOTSUPP;
}

// Netfilter's tables and IPsec's policies: for administrators, and then not there.
int SetAdministered(const OptionTarget& target, const OptionInput&) {
  return target.host.HasCapability(CAP_NET_ADMIN) ? ENOPROTOOPT : EPERM;
}
ErrnoOr<OptionBytes> GetAdministered(const OptionTarget& target, size_t) {
  return Errno{target.host.HasCapability(CAP_NET_ADMIN) ? ENOPROTOOPT : EPERM};
}

ErrnoOr<OptionBytes> GetOriginalDestination(const OptionTarget&, size_t length) {
  return Errno{length < kSockaddrIn6Size ? EINVAL : ENOENT};
}

template <auto kMember>
constexpr OptionRow Control(int name) {
  return {name, kAll, GetControl<IntLevel, kMember>, SetControl<IntLevel, kMember>};
}

template <Remembered kOption>
constexpr OptionRow Flag(int name) {
  return {name, kAll, GetRemembered<IntLevel, kOption>, SetRemembered<IntLevel, kOption>};
}

constexpr OptionRow kRows[] = {
    {IPV6_V6ONLY, kAll, GetSocket<IntLevel, &SocketOptions::v6_only>, SetV6Only},
    {IPV6_UNICAST_HOPS, kAll, GetUnicastHops,
     SetSocketInt<IntLevel, &SocketOptions::hop_limit, -1, 255>},
    {IPV6_MULTICAST_HOPS, kAll, GetSocket<IntLevel, &SocketOptions::multicast_hops>,
     SetMulticastHops},
    {IPV6_MULTICAST_LOOP, kAll, GetSocket<IntLevel, &SocketOptions::multicast_loop>,
     SetMulticastLoop},
    {IPV6_MULTICAST_IF, kAll, GetSetting<IntLevel, &SocketSettings::multicast_interface6>,
     SetMulticastInterface6},
    {IPV6_MULTICAST_ALL, kAll, GetSetting<IntLevel, &SocketSettings::multicast_all6>,
     SetMulticastAll},
    {IPV6_TCLASS, kAll, GetTrafficClass, SetTrafficClass},
    {IPV6_MTU_DISCOVER, kAll, GetSetting<IntLevel, &SocketSettings::mtu_discover6>, SetMtuDiscover},
    {IPV6_MTU, kAll, GetMtu, SetMtu},
    {IPV6_PATHMTU, kAll, GetPathMtu, nullptr},
    {IPV6_RECVERR, kAll, GetControl<IntLevel, &ReceiveControlFlags::recv_error6>, SetReceiveError},
    Control<&ReceiveControlFlags::packet_info6>(IPV6_RECVPKTINFO),
    Control<&ReceiveControlFlags::packet_info6_2292>(IPV6_2292PKTINFO),
    Control<&ReceiveControlFlags::hop_limit>(IPV6_RECVHOPLIMIT),
    Control<&ReceiveControlFlags::hop_limit_2292>(IPV6_2292HOPLIMIT),
    Control<&ReceiveControlFlags::traffic_class>(IPV6_RECVTCLASS),
    Control<&ReceiveControlFlags::original_destination6>(IPV6_RECVORIGDSTADDR),
    {IPV6_FREEBIND, kAll, GetSocket<IntLevel, &SocketOptions::free_bind>,
     SetSocketFlag<IntLevel, &SocketOptions::free_bind>},
    {IPV6_TRANSPARENT, kAll, GetSocket<IntLevel, &SocketOptions::transparent>, SetTransparent},
    {IPV6_JOIN_GROUP, kAll, nullptr, AddMembership6},
    {IPV6_LEAVE_GROUP, kAll, nullptr, DropMembership6},
    {MCAST_JOIN_GROUP, kAll, nullptr, JoinGroup6},
    {MCAST_LEAVE_GROUP, kAll, nullptr, LeaveGroup6},
    {MCAST_JOIN_SOURCE_GROUP, kAll, nullptr, ChangeGroupSource<SourceChange::kJoin, Family::kIpv6>},
    {MCAST_LEAVE_SOURCE_GROUP, kAll, nullptr,
     ChangeGroupSource<SourceChange::kLeave, Family::kIpv6>},
    {MCAST_BLOCK_SOURCE, kAll, nullptr, ChangeGroupSource<SourceChange::kBlock, Family::kIpv6>},
    {MCAST_UNBLOCK_SOURCE, kAll, nullptr, ChangeGroupSource<SourceChange::kUnblock, Family::kIpv6>},
    {IPV6_JOIN_ANYCAST, kAll, nullptr, JoinAnycast},
    {IPV6_LEAVE_ANYCAST, kAll, nullptr, LeaveAnycast},
    {IPV6_PKTINFO, kAll, nullptr, SetPacketInfo},
    {IPV6_UNICAST_IF, kAll, GetUnicastInterface<IntLevel, &SocketSettings::unicast_interface6>,
     SetUnicastInterface<&SocketSettings::unicast_interface6,
                         &DatagramOptions::unicast_interface6>},
    {IPV6_MINHOPCOUNT, kAll, GetSocket<IntLevel, &SocketOptions::minimum_hop_count>,
     SetSocketInt<IntLevel, &SocketOptions::minimum_hop_count, 0, 255>},
    {IPV6_AUTOFLOWLABEL, kAll, GetSocket<IntLevel, &SocketOptions::auto_flow_label>,
     SetSocketFlag<LenientIntLevel, &SocketOptions::auto_flow_label>},
    {IPV6_ADDR_PREFERENCES, kAll, GetAddressPreferences, SetAddressPreferences},
    {IPV6_ADDRFORM, kUdpAndTcp, GetAddressForm, SetAddressForm},
    {IPV6_ADDRFORM, kAll, nullptr, SetAddressForm},
    {IPV6_DONTFRAG, kAll, GetSetting<IntLevel, &SocketSettings::dont_fragment>,
     SetSharedFlag<LenientIntLevel, &DatagramOptions::dont_fragment,
                   &SocketSettings::dont_fragment>},
    {kIpv6ReceiveErrorRfc4884, kAll, GetRemembered<IntLevel, Remembered::kReceiveErrorRfc4884V6>,
     SetRememberedInt<IntLevel, Remembered::kReceiveErrorRfc4884V6, 0, 1>},
    {IPV6_HOPOPTS, kAll, GetEmpty, SetExtensionHeader<true>},
    {IPV6_RTHDRDSTOPTS, kAll, GetEmpty, SetExtensionHeader<true>},
    {IPV6_DSTOPTS, kAll, GetEmpty, SetExtensionHeader<true>},
    {IPV6_RTHDR, kAll, GetEmpty, SetExtensionHeader<false, true>},
    {IPV6_2292PKTOPTIONS, kTcp, GetEmpty, SetPacketOptions},
    {IPV6_2292PKTOPTIONS, kAll, nullptr, SetPacketOptions},
    {IPV6_ROUTER_ALERT, kAll, GetConstant<IntLevel, 0>, RefuseInt<IntLevel, ENOPROTOOPT>},
    {IPV6_IPSEC_POLICY, kAll, nullptr, SetAdministered},
    {IPV6_XFRM_POLICY, kAll, nullptr, SetAdministered},
    {MCAST_MSFILTER, kAll, GetGroupFilter<Family::kIpv6>, SetGroupFilter<Family::kIpv6>},
    {kIp6tables, kAll, GetAdministered, SetAdministered},
    {kIp6tables + 1, kAll, GetAdministered, SetAdministered},
    {kIp6tables + 4, kAll, GetAdministered, nullptr},
    {kIp6tables + 5, kAll, GetAdministered, nullptr},
    {kIp6OriginalDestination, kTcp, GetOriginalDestination, nullptr},
    {kIpv6FlowInfoSend, kAll, GetSetting<IntLevel, &SocketSettings::flow_info_send>,
     SetSettingFlag<IntLevel, &SocketSettings::flow_info_send>},
    Flag<Remembered::kFlowInfo>(kIpv6FlowInfo),
    Flag<Remembered::kReceiveHopOptions>(IPV6_RECVHOPOPTS),
    Flag<Remembered::kReceiveHopOptions2292>(IPV6_2292HOPOPTS),
    Flag<Remembered::kReceiveRoutingHeader>(IPV6_RECVRTHDR),
    Flag<Remembered::kReceiveRoutingHeader2292>(IPV6_2292RTHDR),
    Flag<Remembered::kReceiveDestinationOptions>(IPV6_RECVDSTOPTS),
    Flag<Remembered::kReceiveDestinationOptions2292>(IPV6_2292DSTOPTS),
    {IPV6_RECVPATHMTU, kAll, GetSetting<IntLevel, &SocketSettings::receive_path_mtu>,
     SetSharedFlag<IntLevel, &DatagramOptions::receive_path_mtu,
                   &SocketSettings::receive_path_mtu>},
    {IPV6_RECVFRAGSIZE, kAll, GetRemembered<IntLevel, Remembered::kReceiveFragmentSizeV6>,
     SetRemembered<LenientIntLevel, Remembered::kReceiveFragmentSizeV6>},
    Flag<Remembered::kRouterAlertIsolate>(IPV6_ROUTER_ALERT_ISOLATE),
};

}  // namespace

std::span<const OptionRow> Ipv6LevelRows() { return kRows; }

}  // namespace moat::sentry
