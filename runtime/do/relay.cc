#include "runtime/do/relay.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace moat::runtime {
namespace {

constexpr int kDatagramsAtOnce = 64;  // so that one busy port does not starve the others

bool WouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

Relay::Relay(std::vector<RelayPort> ports) : ports_(std::move(ports)) {}
Relay::~Relay() = default;

void Relay::Accept(const RelayPort& port) {
  OwnedFd client(::accept4(port.listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!client.ok()) return;
  OwnedFd server(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!server.ok()) return;
  const int error =
      ::connect(server.get(), reinterpret_cast<const sockaddr*>(&port.target), sizeof port.target);
  if (error != 0 && errno != EINPROGRESS) return;
  auto connection = std::make_unique<Connection>();
  connection->client = std::move(client);
  connection->server = std::move(server);
  connections_.push_back(std::move(connection));
}

// Reads when there is room, writes what is pending, hands an end of file on.
void Relay::Carry(int from, int to, Flow& flow, bool readable, bool* broken) {
  char buffer[kRelayBuffer];
  while (readable && !flow.ended && flow.pending.empty()) {
    const ssize_t n = ::recv(from, buffer, sizeof buffer, 0);
    if (n < 0 && WouldBlock()) break;
    if (n < 0) {
      *broken = true;
      return;
    }
    if (n == 0) flow.ended = true;
    flow.pending.assign(buffer, static_cast<size_t>(n));
    const ssize_t sent =
        n == 0 ? 0 : ::send(to, flow.pending.data(), flow.pending.size(), MSG_NOSIGNAL);
    if (sent > 0) flow.pending.erase(0, static_cast<size_t>(sent));
    if (sent < 0 && !WouldBlock()) *broken = true;
    if (*broken) return;
  }
  if (!flow.pending.empty()) {
    const ssize_t sent = ::send(to, flow.pending.data(), flow.pending.size(), MSG_NOSIGNAL);
    if (sent > 0) flow.pending.erase(0, static_cast<size_t>(sent));
    if (sent < 0 && !WouldBlock()) *broken = true;
  }
  if (flow.ended && flow.pending.empty() && !flow.closed) {
    ::shutdown(to, SHUT_WR);
    flow.closed = true;
  }
}

void Relay::Serve(Connection& c, short client_events, short server_events) {
  if (c.connecting) {
    if (server_events == 0) return;
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(c.server.get(), SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) {
      c.broken = true;
      return;
    }
    c.connecting = false;
  }
  constexpr short kReadable = POLLIN | POLLHUP | POLLERR;
  Carry(c.client.get(), c.server.get(), c.up, (client_events & kReadable) != 0, &c.broken);
  Carry(c.server.get(), c.client.get(), c.down, (server_events & kReadable) != 0, &c.broken);
}

Relay::Peer* Relay::FindPeer(size_t port, const sockaddr_in6& address, socklen_t length,
                             int64_t now_ms) {
  for (const std::unique_ptr<Peer>& peer : peers_) {
    if (peer->port == port && peer->length == length &&
        std::memcmp(&peer->address, &address, length) == 0) {
      return peer.get();
    }
  }
  OwnedFd server(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!server.ok() ||
      ::connect(server.get(), reinterpret_cast<const sockaddr*>(&ports_[port].target),
                sizeof ports_[port].target) != 0) {
    return nullptr;
  }
  if (peers_.size() >= kMaxRelays) {
    peers_.erase(std::min_element(peers_.begin(), peers_.end(), [](const auto& a, const auto& b) {
      return a->last_ms < b->last_ms;
    }));
  }
  peers_.push_back(std::make_unique<Peer>(Peer{.port = port,
                                               .address = address,
                                               .length = length,
                                               .server = std::move(server),
                                               .last_ms = now_ms}));
  return peers_.back().get();
}

void Relay::FromClients(size_t port, int64_t now_ms) {
  char buffer[kRelayBuffer];
  for (int i = 0; i < kDatagramsAtOnce; ++i) {
    sockaddr_in6 address{};
    socklen_t length = sizeof address;
    const ssize_t n = ::recvfrom(ports_[port].listener.get(), buffer, sizeof buffer, 0,
                                 reinterpret_cast<sockaddr*>(&address), &length);
    if (n < 0) return;
    Peer* peer = FindPeer(port, address, length, now_ms);
    if (peer == nullptr) continue;
    peer->last_ms = now_ms;
    // A datagram that does not fit is lost, as datagrams are.
    (void)!::send(peer->server.get(), buffer, static_cast<size_t>(n), MSG_NOSIGNAL);
  }
}

void Relay::FromServer(Peer& peer, int64_t now_ms) {
  char buffer[kRelayBuffer];
  for (int i = 0; i < kDatagramsAtOnce; ++i) {
    const ssize_t n = ::recv(peer.server.get(), buffer, sizeof buffer, 0);
    if (n < 0) return;  // ECONNREFUSED too: nobody there at the moment
    peer.last_ms = now_ms;
    (void)!::sendto(ports_[peer.port].listener.get(), buffer, static_cast<size_t>(n), MSG_NOSIGNAL,
                    reinterpret_cast<const sockaddr*>(&peer.address), peer.length);
  }
}

void Relay::RunOnce(int timeout_ms, int64_t now_ms) {
  std::vector<pollfd> polled;
  const bool room = connections_.size() < kMaxRelays;
  for (const RelayPort& port : ports_) {
    const short events = port.udp || room ? POLLIN : 0;
    polled.push_back({.fd = port.listener.get(), .events = events, .revents = 0});
  }
  const auto wanted = [](const Flow& in, const Flow& out) {
    return static_cast<short>((!in.ended && in.pending.empty() ? POLLIN : 0) |
                              (out.pending.empty() ? 0 : POLLOUT));
  };
  const size_t connections = connections_.size();
  for (const std::unique_ptr<Connection>& c : connections_) {
    // A side that has nothing to say or hear is left out, or its POLLHUP would spin.
    const short client = c->connecting ? 0 : wanted(c->up, c->down);
    const short server = c->connecting ? POLLOUT : wanted(c->down, c->up);
    polled.push_back({.fd = client != 0 ? c->client.get() : -1, .events = client, .revents = 0});
    polled.push_back({.fd = server != 0 ? c->server.get() : -1, .events = server, .revents = 0});
  }
  const size_t peers = peers_.size();
  for (const std::unique_ptr<Peer>& peer : peers_) {
    polled.push_back({.fd = peer->server.get(), .events = POLLIN, .revents = 0});
  }
  if (::poll(polled.data(), polled.size(), timeout_ms) < 0) return;

  const pollfd* connection_polled = polled.data() + ports_.size();
  const pollfd* peer_polled = connection_polled + 2 * connections;
  for (size_t i = 0; i < peers; ++i) {
    if (peer_polled[i].revents != 0) FromServer(*peers_[i], now_ms);
  }
  for (size_t i = 0; i < connections; ++i) {
    Serve(*connections_[i], connection_polled[2 * i].revents, connection_polled[2 * i + 1].revents);
  }
  for (size_t i = 0; i < ports_.size(); ++i) {
    if ((polled[i].revents & POLLIN) == 0) continue;
    if (ports_[i].udp) {
      FromClients(i, now_ms);
    } else {
      Accept(ports_[i]);
    }
  }
  connections_.erase(std::remove_if(connections_.begin(), connections_.end(),
                                    [](const std::unique_ptr<Connection>& c) {
                                      return c->broken || (c->up.closed && c->down.closed);
                                    }),
                     connections_.end());
  peers_.erase(std::remove_if(peers_.begin(), peers_.end(),
                              [&](const std::unique_ptr<Peer>& peer) {
                                return now_ms - peer->last_ms > kUdpIdleMs;
                              }),
               peers_.end());
}

}  // namespace moat::runtime
