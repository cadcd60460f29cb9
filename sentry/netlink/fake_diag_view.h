// A DiagView of given sockets, for tests.
#ifndef MOAT_SENTRY_NETLINK_FAKE_DIAG_VIEW_H_
#define MOAT_SENTRY_NETLINK_FAKE_DIAG_VIEW_H_

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "sentry/netlink/diag_view.h"

namespace moat::sentry {

class FakeDiagView final : public DiagView {
 public:
  std::vector<DiagSocket> Sockets(uint8_t protocol) override {
    std::vector<DiagSocket> list;
    for (const DiagSocket& socket : sockets) {
      if (socket.protocol == protocol) list.push_back(socket);
    }
    return list;
  }
  std::optional<DiagDetails> Details(const DiagSocket& socket) override {
    const auto it = details.find(socket.cookie);
    if (it == details.end()) return std::nullopt;
    return it->second;
  }
  int Destroy(const DiagSocket& socket) override {
    destroyed.push_back(socket.cookie);
    return destroy_error;
  }

  // Cookies count from 1; inodes are 1000 + cookie.
  DiagSocket& Add(uint8_t protocol, uint8_t state, const char* local, uint16_t local_port,
                  const char* remote, uint16_t remote_port) {
    DiagSocket socket;
    socket.protocol = protocol;
    socket.state = state;
    socket.local = {*netstack::IpAddress::Parse(local), local_port, 0};
    socket.remote = {*netstack::IpAddress::Parse(remote), remote_port, 0};
    socket.family = socket.local.address.family();
    socket.cookie = sockets.size() + 1;
    DiagDetails& told = details[socket.cookie];
    told.inode = static_cast<uint32_t>(1000 + socket.cookie);
    told.uid = 33;
    told.has_options = true;
    if (protocol == IPPROTO_TCP) {
      told.tcp_info.assign(248, state);
      told.congestion_control = "cubic";
    }
    sockets.push_back(socket);
    return sockets.back();
  }
  // A server on port 80 with a client, one on [::]:8080 with an IPv4 client, DNS, a connected UDP
  // socket.
  void AddExamples() {
    Add(IPPROTO_TCP, TCP_LISTEN, "0.0.0.0", 80, "0.0.0.0", 0);
    Add(IPPROTO_TCP, TCP_ESTABLISHED, "10.0.0.2", 80, "10.0.0.1", 40000);
    Add(IPPROTO_TCP, TCP_LISTEN, "::", 8080, "::", 0);
    Add(IPPROTO_TCP, TCP_ESTABLISHED, "10.0.0.2", 8080, "10.0.0.1", 40001).family =
        netstack::Family::kIpv6;
    Add(IPPROTO_TCP, TCP_TIME_WAIT, "10.0.0.2", 40100, "10.0.0.9", 443);
    Add(IPPROTO_UDP, TCP_CLOSE, "0.0.0.0", 53, "0.0.0.0", 0);
    Add(IPPROTO_UDP, TCP_ESTABLISHED, "10.0.0.2", 5000, "10.0.0.1", 53);
  }

  std::vector<DiagSocket> sockets;
  std::map<uint64_t, DiagDetails> details;  // by cookie; without them a socket has gone
  std::vector<uint64_t> destroyed;
  int destroy_error = 0;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_NETLINK_FAKE_DIAG_VIEW_H_
