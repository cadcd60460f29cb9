// SOL_IP. IPv6 sockets take these too.
#include <arpa/inet.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

#include "netstack/wire/ipv4_options.h"
#include "sentry/abi/errno_map.h"
#include "sentry/abi/ip_options.h"
#include "sentry/options/membership.h"
#include "sentry/options/option_row.h"
#include "sentry/options/raw_level.h"
#include "sentry/options/source_filter.h"
#include "sentry/options/unicast_interface.h"

namespace moat::sentry {
namespace {

using netstack::Family;
using netstack::SocketOptions;
using netstack::SourceChange;

// From linux/in.h, which clashes with netinet/in.h, and newer than Debian 12's headers.
constexpr int kIpBindAddressNoPort = 24;
constexpr int kIpReceiveErrorRfc4884 = 26;
constexpr int kIpLocalPortRange = 51;
constexpr int kIpProtocol = 52;
constexpr int kIpNoDefrag = 22;
constexpr int kIpChecksum = 23;
constexpr int kSoOriginalDestination = 80;  // netfilter's
constexpr int kIptables = 64;               // IPT_BASE_CTL and the three after it

constexpr uint8_t kAll = option_kind::kAll;
constexpr uint8_t kTcp = option_kind::kTcp;
constexpr int kEcnMask = 3;

int SetTos(const OptionTarget& target, const OptionInput& input) {
  int value = 0;
  if (int error = ByteLevel::Read(input, &value); error != 0) return error;
  // TCP's ECN bits are the protocol's own.
  const int keep = target.kind == SocketKind::kTcp ? kEcnMask : 0;
  ChangeOptions(target, [&](SocketOptions& options) {
    options.tos = static_cast<uint8_t>((value & ~keep) | (options.tos & keep));
  });
  return 0;
}

int SetTtl(const OptionTarget& target, const OptionInput& input) {
  int value = 0;
  if (int error = NonEmptyByteLevel::Read(input, &value); error != 0) return error;
  if (value != -1 && (value < 1 || value > 255)) return EINVAL;
  ChangeOptions(target, [&](SocketOptions& options) { options.ttl = static_cast<int16_t>(value); });
  return 0;
}

ErrnoOr<OptionBytes> GetTtl(const OptionTarget& target, size_t length) {
  int value = Options(target).ttl;
  if (value < 0) value = static_cast<int>(target.host.Sysctl("ipv4.ip_default_ttl", 0, 64));
  return ByteLevel::Write(value, length);
}

int SetMulticastTtl(const OptionTarget& target, const OptionInput& input) {
  if (target.kind == SocketKind::kTcp) return EINVAL;
  int value = 0;
  if (int error = NonEmptyByteLevel::Read(input, &value); error != 0) return error;
  if (value == -1) value = 1;
  if (value < 0 || value > 255) return EINVAL;
  ChangeOptions(target, [&](SocketOptions& options) {
    options.multicast_ttl = static_cast<uint8_t>(value);
  });
  return 0;
}

int SetMulticastAll(const OptionTarget& target, const OptionInput& input) {
  int value = 0;
  if (int error = NonEmptyByteLevel::Read(input, &value); error != 0) return error;
  if (value != 0 && value != 1) return EINVAL;
  target.settings.multicast_all = value != 0;
  if (target.datagram != nullptr) {
    ChangeOptions(target, [&](SocketOptions& options) { options.multicast_all = value != 0; });
  }
  return 0;
}

int SetMtuDiscover(const OptionTarget& target, const OptionInput& input) {
  int value = 0;
  if (int error = ByteLevel::Read(input, &value); error != 0) return error;
  if (value < IP_PMTUDISC_DONT || value > IP_PMTUDISC_OMIT) return EINVAL;
  ChangeOptions(target, [&](SocketOptions& options) {
    options.mtu_discover = static_cast<SocketOptions::MtuDiscover>(value);
  });
  return 0;
}

ErrnoOr<OptionBytes> GetMtu(const OptionTarget& target, size_t length) {
  const auto remote = target.tcp != nullptr ? target.tcp->Remote() : target.datagram->Remote();
  if (!remote.ok()) return Errno{ENOTCONN};
  const auto mtu = target.host.PathMtu(remote->address);
  if (!mtu.has_value()) return Errno{ENOTCONN};
  return ByteLevel::Write(static_cast<int>(*mtu), length);
}

int SetReceiveError(const OptionTarget& target, const OptionInput& input) {
  int value = 0;
  if (int error = ByteLevel::Read(input, &value); error != 0) return error;
  ReceiveControlFlags& flags = target.settings.receive_control;
  flags.recv_error4 = value != 0;
  target.settings.receive_error = flags.recv_error4 || flags.recv_error6;
  if (target.datagram != nullptr) target.datagram->SetQueueErrors(target.settings.receive_error);
  return 0;
}

int SetTransparent(const OptionTarget& target, const OptionInput& input) {
  int value = 0;
  if (int error = ByteLevel::Read(input, &value); error != 0) return error;
  if (value != 0 && !target.host.HasCapability(CAP_NET_RAW) &&
      !target.host.HasCapability(CAP_NET_ADMIN)) {
    return EPERM;
  }
  if (input.length < 1) return EINVAL;
  ChangeOptions(target, [&](SocketOptions& options) { options.transparent = value != 0; });
  return 0;
}

int SetLocalPortRange(const OptionTarget& target, const OptionInput& input) {
  if (input.length != sizeof(uint32_t)) return EINVAL;
  if (int error = input.Need(sizeof(uint32_t)); error != 0) return error;
  const auto value = input.As<uint32_t>();
  const auto low = static_cast<uint16_t>(value);
  const auto high = static_cast<uint16_t>(value >> 16);
  if (low != 0 && high != 0 && low > high) return EINVAL;
  target.settings.local_port_low = low;
  target.settings.local_port_high = high;
  return 0;
}

ErrnoOr<OptionBytes> GetLocalPortRange(const OptionTarget& target, size_t length) {
  const uint32_t value = uint32_t{target.settings.local_port_low} |
                         uint32_t{target.settings.local_port_high} << 16;
  return ByteLevel::Write(static_cast<int>(value), length);
}

ErrnoOr<OptionBytes> GetProtocolNumber(const OptionTarget& target, size_t length) {
  // For TCP and UDP Linux reports the local port here; the option is meant for raw sockets.
  const auto local = target.tcp != nullptr ? target.tcp->Local() : target.datagram->Local();
  return ByteLevel::Write(local.port, length);
}

// As Linux compiles them, but source routes, which are not supported.
int SetIpOptions(const OptionTarget& target, const OptionInput& input) {
  if (input.length > static_cast<int32_t>(netstack::kIpv4MaxOptions)) return EINVAL;
  const auto length = static_cast<size_t>(std::max(input.length, 0));
  if (input.value.size() < length) return EFAULT;
  const auto options = DecodeIpOptions(
      input.value.first(length), [&] { return target.host.HasCapability(CAP_NET_RAW); });
  if (!options.ok()) return options.error();
  ChangeOptions(target, [&](SocketOptions& changed) {
    changed.ip_options = (*options)->size != 0 ? *options : nullptr;
  });
  return 0;
}

ErrnoOr<OptionBytes> GetIpOptions(const OptionTarget& target, size_t length) {
  const netstack::Ipv4OptionsRef& options = Options(target).ip_options;
  return options == nullptr ? OptionBytes() : OptionBytes(options->span(), length);
}

// Tables of netfilter: for administrators, and then not there.
int SetNetfilter(const OptionTarget& target, const OptionInput&) {
  return target.host.HasCapability(CAP_NET_ADMIN) ? ENOPROTOOPT : EPERM;
}
ErrnoOr<OptionBytes> GetNetfilter(const OptionTarget& target, size_t) {
  return Errno{target.host.HasCapability(CAP_NET_ADMIN) ? ENOPROTOOPT : EPERM};
}

ErrnoOr<OptionBytes> GetOriginalDestination(const OptionTarget&, size_t length) {
  return Errno{length < kSockaddrInSize ? EINVAL : ENOENT};
}

int SetReceiveFragmentSize(const OptionTarget& target, const OptionInput& input) {
  if (target.kind == SocketKind::kTcp) return EINVAL;
  return SetRemembered<ByteLevel, Remembered::kReceiveFragmentSize>(target, input);
}

int SetPolicy(const OptionTarget& target, const OptionInput&) {
  return target.host.HasCapability(CAP_NET_ADMIN) ? ENOPROTOOPT : EPERM;
}

template <auto kMember>
constexpr OptionRow Control(int name) {
  return {name, kAll, GetControl<ByteLevel, kMember>, SetControl<ByteLevel, kMember>};
}

template <Remembered kOption>
constexpr OptionRow Flag(int name) {
  return {name, kAll, GetRemembered<ByteLevel, kOption>, SetRemembered<ByteLevel, kOption>};
}

constexpr OptionRow kRows[] = {
    {IP_TOS, kAll, GetSocket<ByteLevel, &SocketOptions::tos>, SetTos},
    {IP_TTL, kAll, GetTtl, SetTtl},
    {IP_MTU_DISCOVER, kAll, GetSocket<ByteLevel, &SocketOptions::mtu_discover>, SetMtuDiscover},
    {IP_MTU, kAll, GetMtu, nullptr},
    {IP_RECVERR, kAll, GetControl<ByteLevel, &ReceiveControlFlags::recv_error4>, SetReceiveError},
    Control<&ReceiveControlFlags::packet_info4>(IP_PKTINFO),
    Control<&ReceiveControlFlags::ttl>(IP_RECVTTL),
    Control<&ReceiveControlFlags::tos>(IP_RECVTOS),
    Control<&ReceiveControlFlags::original_destination>(IP_RECVORIGDSTADDR),
    {IP_FREEBIND, kAll, GetSocket<ByteLevel, &SocketOptions::free_bind>,
     SetSocketFlag<NonEmptyByteLevel, &SocketOptions::free_bind>},
    {IP_TRANSPARENT, kAll, GetSocket<ByteLevel, &SocketOptions::transparent>, SetTransparent},
    {IP_MULTICAST_TTL, kAll, GetSocket<ByteLevel, &SocketOptions::multicast_ttl>, SetMulticastTtl},
    {IP_MULTICAST_LOOP, kAll, GetSocket<ByteLevel, &SocketOptions::multicast_loop>,
     SetSocketFlag<NonEmptyByteLevel, &SocketOptions::multicast_loop>},
    {IP_MULTICAST_IF, kAll, GetMulticastInterface4, SetMulticastInterface4},
    {IP_MULTICAST_ALL, kAll, GetSetting<ByteLevel, &SocketSettings::multicast_all>,
     SetMulticastAll},
    {IP_ADD_MEMBERSHIP, kAll, nullptr, AddMembership4},
    {IP_DROP_MEMBERSHIP, kAll, nullptr, DropMembership4},
    {MCAST_JOIN_GROUP, kAll, nullptr, JoinGroup4},
    {MCAST_LEAVE_GROUP, kAll, nullptr, LeaveGroup4},
    {IP_ADD_SOURCE_MEMBERSHIP, kAll, nullptr, ChangeSource4<SourceChange::kJoin>},
    {IP_DROP_SOURCE_MEMBERSHIP, kAll, nullptr, ChangeSource4<SourceChange::kLeave>},
    {IP_BLOCK_SOURCE, kAll, nullptr, ChangeSource4<SourceChange::kBlock>},
    {IP_UNBLOCK_SOURCE, kAll, nullptr, ChangeSource4<SourceChange::kUnblock>},
    {MCAST_JOIN_SOURCE_GROUP, kAll, nullptr, ChangeGroupSource<SourceChange::kJoin, Family::kIpv4>},
    {MCAST_LEAVE_SOURCE_GROUP, kAll, nullptr,
     ChangeGroupSource<SourceChange::kLeave, Family::kIpv4>},
    {MCAST_BLOCK_SOURCE, kAll, nullptr, ChangeGroupSource<SourceChange::kBlock, Family::kIpv4>},
    {MCAST_UNBLOCK_SOURCE, kAll, nullptr, ChangeGroupSource<SourceChange::kUnblock, Family::kIpv4>},
    {IP_UNICAST_IF, kAll, GetUnicastInterface<ByteLevel, &SocketSettings::unicast_interface>,
     SetUnicastInterface<&SocketSettings::unicast_interface,
                         &netstack::DatagramOptions::unicast_interface>},
    {kIpBindAddressNoPort, kAll, GetRemembered<ByteLevel, Remembered::kBindAddressNoPort>,
     SetRemembered<ByteLevel, Remembered::kBindAddressNoPort>},
    {kIpLocalPortRange, kAll, GetLocalPortRange, SetLocalPortRange},
    {kIpProtocol, kAll, GetProtocolNumber, nullptr},
    {IP_MINTTL, kAll, GetSocket<ByteLevel, &SocketOptions::minimum_ttl>,
     SetSocketInt<NonEmptyByteLevel, &SocketOptions::minimum_ttl, 0, 255>},
    {kIpReceiveErrorRfc4884, kAll, GetRemembered<ByteLevel, Remembered::kReceiveErrorRfc4884>,
     SetRememberedInt<ByteLevel, Remembered::kReceiveErrorRfc4884, 0, 1>},
    {IP_OPTIONS, kAll, GetIpOptions, SetIpOptions},
    {IP_PKTOPTIONS, kTcp, GetEmpty, nullptr},
    Control<&ReceiveControlFlags::ip_options>(IP_RECVOPTS),
    Control<&ReceiveControlFlags::return_options>(IP_RETOPTS),
    Flag<Remembered::kPassSecurity>(IP_PASSSEC),
    Flag<Remembered::kIpChecksum>(kIpChecksum),
    {IP_RECVFRAGSIZE, kAll, GetRemembered<ByteLevel, Remembered::kReceiveFragmentSize>,
     SetReceiveFragmentSize},
    {IP_HDRINCL, kAll, GetHeaderIncluded<ByteLevel>, SetHeaderIncluded<ByteLevel>},
    {kIpNoDefrag, kAll, GetConstant<ByteLevel, 0>, Refuse<ENOPROTOOPT>},
    {IP_ROUTER_ALERT, kAll, GetConstant<ByteLevel, 0>, Refuse<EINVAL>},
    {IP_MSFILTER, kAll, GetSourceFilter4, SetSourceFilter4},
    {MCAST_MSFILTER, kAll, GetGroupFilter<Family::kIpv4>, SetGroupFilter<Family::kIpv4>},
    {kIptables, kAll, GetNetfilter, SetNetfilter},
    {kIptables + 1, kAll, GetNetfilter, SetNetfilter},
    {kIptables + 2, kAll, GetNetfilter, nullptr},
    {kIptables + 3, kAll, GetNetfilter, nullptr},
    {IP_IPSEC_POLICY, kAll, nullptr, SetPolicy},
    {IP_XFRM_POLICY, kAll, nullptr, SetPolicy},
    // What conntrack answers for a connection that was not redirected.
    {kSoOriginalDestination, kTcp, GetOriginalDestination, nullptr},
};

}  // namespace

std::span<const OptionRow> IpLevelRows() { return kRows; }

}  // namespace moat::sentry
