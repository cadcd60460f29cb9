#include "sentry/abi/receive_control.h"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "netstack/wire/ipv4_options.h"
#include "sentry/abi/errno_map.h"

namespace moat::sentry {
namespace {

using netstack::Datagram;
using netstack::Endpoint;
using netstack::Family;
using netstack::IpAddress;
using netstack::QueuedError;

// struct timeval and timespec of 64-bit programs, and the "new" ones, all are two 64-bit words.
struct TimePair {
  int64_t seconds;
  int64_t fraction;
};

struct TimestampRow {
  int type;
  int64_t nanoseconds_per_unit;
};

constexpr int64_t kNanosecondsPerSecond = 1'000'000'000;

TimestampRow RowOf(TimestampFormat format) {
  switch (format) {
    case TimestampFormat::kNone: break;
    case TimestampFormat::kMicroOld: return {SO_TIMESTAMP_OLD, 1000};
    case TimestampFormat::kMicroNew: return {SO_TIMESTAMP_NEW, 1000};
    case TimestampFormat::kNanoOld: return {SO_TIMESTAMPNS_OLD, 1};
    case TimestampFormat::kNanoNew: return {SO_TIMESTAMPNS_NEW, 1};
  }
  return {0, 1};
}

void WriteIpv4(const Datagram& datagram, const ReceiveControlFlags& flags,
               const ReceiveContext& context, ControlWriter& writer) {
  if (flags.packet_info4) {
    in_pktinfo info{};
    info.ipi_ifindex = datagram.interface;
    const IpAddress& local = context.specific_destination.IsUnspecified()
                                 ? datagram.destination
                                 : context.specific_destination;
    std::memcpy(&info.ipi_spec_dst, local.data(), sizeof(info.ipi_spec_dst));
    std::memcpy(&info.ipi_addr, datagram.destination.data(), sizeof(info.ipi_addr));
    writer.PutValue(SOL_IP, IP_PKTINFO, info);
  }
  if (flags.ttl) writer.PutValue(SOL_IP, IP_TTL, int{datagram.hop_limit});
  if (flags.tos) writer.PutValue(SOL_IP, IP_TOS, datagram.traffic_class);  // one byte
  if (datagram.ip_options != nullptr) {
    const std::span<const uint8_t> arrived = datagram.ip_options->span();
    if (flags.ip_options) writer.Put(SOL_IP, IP_RECVOPTS, arrived);
    if (flags.return_options) {
      const netstack::Ipv4OptionsRef returned = netstack::ReturnedIpv4Options(arrived);
      writer.Put(SOL_IP, IP_RETOPTS,
                 returned != nullptr ? returned->span() : std::span<const uint8_t>());
    }
  }
  if (flags.original_destination) {
    const EncodedAddress destination = EncodeSockaddr(
        Endpoint{.address = datagram.destination, .port = context.local_port}, Family::kIpv4);
    writer.Put(SOL_IP, IP_ORIGDSTADDR, destination.span());
  }
}

in6_pktinfo Pktinfo6(const Datagram& datagram) {
  in6_pktinfo info{};
  const IpAddress address =
      datagram.destination.is_v4() ? datagram.destination.MapToV6() : datagram.destination;
  std::memcpy(&info.ipi6_addr, address.data(), sizeof(info.ipi6_addr));
  info.ipi6_ifindex = static_cast<unsigned>(datagram.interface);
  return info;
}

void WriteIpv6(const Datagram& datagram, const ReceiveControlFlags& flags,
               const ReceiveContext& context, ControlWriter& writer) {
  if (flags.hop_limit) writer.PutValue(SOL_IPV6, IPV6_HOPLIMIT, int{datagram.hop_limit});
  if (flags.traffic_class) writer.PutValue(SOL_IPV6, IPV6_TCLASS, int{datagram.traffic_class});
  if (flags.packet_info6_2292) {
    writer.PutValue(SOL_IPV6, IPV6_2292PKTINFO, Pktinfo6(datagram));
  }
  if (flags.hop_limit_2292) {
    writer.PutValue(SOL_IPV6, IPV6_2292HOPLIMIT, int{datagram.hop_limit});
  }
  if (flags.original_destination6) {
    const EncodedAddress destination =
        EncodeSockaddr(Endpoint{.address = datagram.destination, .port = context.local_port,
                                .scope = datagram.interface},
                       Family::kIpv6);
    writer.Put(SOL_IPV6, IPV6_ORIGDSTADDR, destination.span());
  }
}

uint8_t OriginOf(const QueuedError& error) {
  if (error.local) return SO_EE_ORIGIN_LOCAL;
  return error.destination.address.is_v4() ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6;
}

}  // namespace

void WriteSocketLevelControl(const ReceiveControlFlags& flags, const ReceiveContext& context,
                             ControlWriter& writer) {
  if (flags.timestamp != TimestampFormat::kNone) {
    const TimestampRow row = RowOf(flags.timestamp);
    const int64_t now = context.realtime_nanoseconds;
    writer.PutValue(SOL_SOCKET, row.type,
                    TimePair{.seconds = now / kNanosecondsPerSecond,
                             .fraction = now % kNanosecondsPerSecond / row.nanoseconds_per_unit});
  }
  if (flags.overflow && context.dropped != 0) {
    writer.PutValue(SOL_SOCKET, SO_RXQ_OVFL, context.dropped);
  }
}

void WriteDatagramControl(const Datagram& datagram, const ReceiveControlFlags& flags,
                          const ReceiveContext& context, ControlWriter& writer) {
  WriteSocketLevelControl(flags, context, writer);
  if (flags.udp_gro && datagram.segment_size != 0) {
    writer.PutValue(SOL_UDP, UDP_GRO, int{datagram.segment_size});
  }
  // An IPv6 socket reports packet info for IPv4 datagrams too, with a mapped address.
  if (context.family == Family::kIpv6 && flags.packet_info6) {
    writer.PutValue(SOL_IPV6, IPV6_PKTINFO, Pktinfo6(datagram));
  }
  if (datagram.source.address.is_v4()) {
    WriteIpv4(datagram, flags, context, writer);
  } else {
    WriteIpv6(datagram, flags, context, writer);
  }
}

void WritePathMtuControl(const netstack::PathMtuNotice& notice, ControlWriter& writer) {
  std::array<uint8_t, kSockaddrIn6Size + sizeof(uint32_t)> info{};  // struct ip6_mtuinfo
  const EncodedAddress address = EncodeSockaddr(
      Endpoint{.address = notice.destination.address, .port = 0,
               .scope = notice.destination.scope},
      Family::kIpv6);
  std::memcpy(info.data(), address.bytes.data(), kSockaddrIn6Size);
  StoreAt(info, kSockaddrIn6Size, notice.mtu);
  writer.Put(SOL_IPV6, IPV6_PATHMTU, info);
}

void WriteErrorControl(const QueuedError& error, Family socket_family, ControlWriter& writer) {
  sock_extended_err extended{};
  extended.ee_errno = static_cast<uint32_t>(ToErrno(error.error));
  extended.ee_origin = OriginOf(error);
  extended.ee_type = error.icmp_type;
  extended.ee_code = error.icmp_code;
  extended.ee_info = error.mtu;

  // The offender follows as a sockaddr of the socket's family, AF_UNSPEC when nobody sent the
  // error.
  std::array<uint8_t, sizeof(sock_extended_err) + kSockaddrIn6Size> data{};
  StoreAt(data, 0, extended);
  const bool v4 = socket_family == Family::kIpv4;
  if (!error.local) {
    const EncodedAddress offender = EncodeSockaddr(
        Endpoint{.address = error.offender, .port = 0, .scope = error.destination.scope},
        socket_family);
    std::memcpy(data.data() + sizeof(extended), offender.bytes.data(), offender.size);
  }
  const size_t size = sizeof(extended) + (v4 ? kSockaddrInSize : kSockaddrIn6Size);
  writer.Put(v4 ? SOL_IP : SOL_IPV6, v4 ? IP_RECVERR : IPV6_RECVERR,
             std::span<const uint8_t>(data).first(size));
}

}  // namespace moat::sentry
