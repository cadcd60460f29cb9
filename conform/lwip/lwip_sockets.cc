#include "conform/lwip/lwip_sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "conform/lwip/lwip_ports.h"
#include "lwip/icmp.h"
#include "lwip/icmp6.h"
#include "lwip/inet_chksum.h"
#include "lwip/sockets.h"

namespace moat::conform {
namespace {

int NonBlocking(int id) {
  int one = 1;
  if (id >= 0 && lwip_ioctl(id, FIONBIO, &one) < 0) return -1;
  return id;
}

// It has no ping sockets; raw ones of ICMP are made to look alike. Descriptors are small numbers.
enum class Ping : uint8_t { kNo, kV4, kV6 };
constexpr int kMaxSockets = 1024;
std::array<Ping, kMaxSockets> pings{};

Ping PingOf(int id) {
  return id >= 0 && id < kMaxSockets ? pings[static_cast<size_t>(id)] : Ping::kNo;
}

int Open(int family, int type, int protocol) {
  const int id = NonBlocking(lwip_socket(family, protocol == 0 ? type : int{SOCK_RAW}, protocol));
  if (id < 0 || id >= kMaxSockets) return id;
  pings[static_cast<size_t>(id)] = protocol == 0        ? Ping::kNo
                                   : family == AF_INET6 ? Ping::kV6
                                                        : Ping::kV4;
  return id;
}

// ICMPv6 sockets do that themselves (RFC 3542 3.1).
std::string WithChecksum(const void* data, size_t size) {
  std::string message(static_cast<const char*>(data), size);
  if (size < 4) return message;
  message[2] = message[3] = 0;
  const u16_t sum = inet_chksum(message.data(), static_cast<u16_t>(size));
  std::memcpy(&message[2], &sum, sizeof(sum));
  return message;
}

// Of a packet with its IP header: what a ping socket would be given, the echo reply.
std::string_view EchoReplyIn(std::string_view packet, bool v6) {
  const size_t header = packet.empty() ? 0 : v6 ? 40 : 4 * (static_cast<size_t>(packet[0]) & 15);
  if (packet.size() <= header) return {};
  packet.remove_prefix(header);
  const auto type = static_cast<uint8_t>(packet[0]);
  return type == (v6 ? uint8_t{ICMP6_TYPE_EREP} : uint8_t{ICMP_ER}) ? packet : std::string_view();
}

int Accept(int id) { return NonBlocking(lwip_accept(id, nullptr, nullptr)); }

ssize_t SendTo(int id, const void* data, size_t size, int flags, const sockaddr* to,
               socklen_t to_size) {
  if ((flags & MSG_OOB) != 0) {
    errno = ENOSYS;
    return -1;
  }
  if (PingOf(id) != Ping::kV4) return lwip_sendto(id, data, size, 0, to, to_size);
  const std::string message = WithChecksum(data, size);
  return lwip_sendto(id, message.data(), message.size(), 0, to, to_size);
}

bool IsDatagram(int id) {
  int type = 0;
  socklen_t size = sizeof(type);
  return lwip_getsockopt(id, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_DGRAM;
}

// The end of a stream has no sender.
ssize_t ReceiveFrom(int id, void* data, size_t size, int flags, sockaddr* from,
                    socklen_t* from_size) {
  sockaddr_storage address{};
  socklen_t address_size = sizeof(address);
  const Ping ping = PingOf(id);
  ssize_t n = 0;
  do {
    address_size = sizeof(address);
    n = lwip_recvfrom(id, data, size, flags, reinterpret_cast<sockaddr*>(&address), &address_size);
    if (n < 0 || ping == Ping::kNo) break;
    const std::string_view reply =
        EchoReplyIn({static_cast<char*>(data), static_cast<size_t>(n)}, ping == Ping::kV6);
    n = static_cast<ssize_t>(reply.size());
    std::memmove(data, reply.data(), reply.size());
  } while (n == 0);
  if (n >= 0 && address_size <= *from_size) std::memcpy(from, &address, address_size);
  *from_size = n > 0 || (n == 0 && IsDatagram(id)) ? address_size : 0;
  return n;
}

// What it does not know it cannot, which makes a case not applicable.
int SetOption(int id, int level, int name, const void* value, socklen_t size) {
  const int result = lwip_setsockopt(id, level, name, value, size);
  if (result < 0 && errno == ENOPROTOOPT) errno = ENOSYS;
  return result;
}

int SetFilter(int id, const std::string& group, int port, bool exclude,
              const std::vector<std::string>& sources) {
  sockaddr_storage address;
  socklen_t size = 0;
  if (!sources.empty()) {
    errno = ENOSYS;  // IGMPv2 and MLDv1 have no sources
    return -1;
  }
  if (!MakeAddress(LwipSockets(), group, 0, &address, &size)) {
    errno = EINVAL;
    return -1;
  }
  if (address.ss_family == AF_INET6) {
    ipv6_mreq request{};
    request.ipv6mr_multiaddr = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    request.ipv6mr_interface = static_cast<unsigned>(InterfaceIndex(port));
    return SetOption(id, IPPROTO_IPV6, exclude ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, &request,
                     sizeof(request));
  }
  ip_mreq request{};
  request.imr_multiaddr = reinterpret_cast<const sockaddr_in&>(address).sin_addr;
  request.imr_interface.s_addr = InterfaceAddress(port);
  return SetOption(id, IPPROTO_IP, exclude ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &request,
                   sizeof(request));
}

}  // namespace

const SocketCalls& LwipSockets() {
  static constexpr SocketCalls kCalls = {
      .open = Open,
      .bind = lwip_bind,
      .connect = lwip_connect,
      .listen = lwip_listen,
      .accept = Accept,
      .sendto = SendTo,
      .recvfrom = ReceiveFrom,
      .shutdown = lwip_shutdown,
      .close = lwip_close,
      .setsockopt = SetOption,
      .getsockopt = lwip_getsockopt,
      .getsockname = lwip_getsockname,
      .interface_of = InterfaceIndex,
      .set_filter = SetFilter,
  };
  return kCalls;
}

}  // namespace moat::conform
