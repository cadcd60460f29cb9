// The carrying half of publish.h, without processes: descriptors in, poll loop out.
#ifndef MOAT_RUNTIME_DO_RELAY_H_
#define MOAT_RUNTIME_DO_RELAY_H_

#include <netinet/in.h>
#include <poll.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/owned_fd.h"

namespace moat::runtime {

// At most this many TCP connections, and as many UDP peers, at one time; further ones wait in the
// backlog, or replace the peer that has been quiet longest.
inline constexpr size_t kMaxRelays = 1024;
inline constexpr size_t kRelayBuffer = 64 << 10;
inline constexpr int64_t kUdpIdleMs = 60'000;

struct RelayPort {
  OwnedFd listener;    // bound; listening if TCP; nonblocking
  sockaddr_in target;  // in the container
  bool udp = false;
};

class Relay {
 public:
  explicit Relay(std::vector<RelayPort> ports);
  ~Relay();
  // Waits for at most `timeout_ms` and carries what is there. `now_ms` from any monotonic clock.
  void RunOnce(int timeout_ms, int64_t now_ms);
  size_t connections() const { return connections_.size(); }
  size_t peers() const { return peers_.size(); }

 private:
  // One direction of a TCP connection: bytes read and not yet written.
  struct Flow {
    std::string pending;
    bool ended = false;   // the reading side has said so
    bool closed = false;  // and the writing side has been told
  };
  struct Connection {
    OwnedFd client;
    OwnedFd server;
    bool connecting = true;
    bool broken = false;
    Flow up;    // client to server
    Flow down;  // server to client
  };
  struct Peer {
    size_t port;  // index into ports_
    sockaddr_in6 address;
    socklen_t length;
    OwnedFd server;  // connected to the target
    int64_t last_ms;
  };

  void Accept(const RelayPort& port);
  void Serve(Connection& connection, short client_events, short server_events);
  static void Carry(int from, int to, Flow& flow, bool readable, bool* broken);
  void FromClients(size_t port, int64_t now_ms);
  void FromServer(Peer& peer, int64_t now_ms);
  Peer* FindPeer(size_t port, const sockaddr_in6& address, socklen_t length, int64_t now_ms);

  std::vector<RelayPort> ports_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Peer>> peers_;
};

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_DO_RELAY_H_
