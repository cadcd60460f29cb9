// The container's AF_NETLINK sockets: requests go to netlink/'s servers (NETLINK_ROUTE,
// NETLINK_SOCK_DIAG), answers and events come back through the pair, with the multicast group as
// the datagram's tag.
#ifndef MOAT_SENTRY_SOCKET_NETLINK_CONTAINER_SOCKET_H_
#define MOAT_SENTRY_SOCKET_NETLINK_CONTAINER_SOCKET_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "sentry/netlink/diag_server.h"
#include "sentry/netlink/netlink_socket.h"
#include "sentry/netlink/route_events.h"
#include "sentry/netlink/stack_view.h"
#include "sentry/sandbox.h"
#include "sentry/socket/container_socket.h"
#include "sentry/socket/sandbox_diag_view.h"

namespace moat::sentry {

class NetlinkContainerSocket;

// What the netlink sockets of one sandbox share. Used under the sandbox's lock.
class NetlinkService {
 public:
  explicit NetlinkService(Sandbox& sandbox);
  ~NetlinkService();

  // socket(AF_NETLINK, type, protocol). EPROTONOSUPPORT, ESOCKTNOSUPPORT.
  ErrnoOr<std::unique_ptr<ContainerSocket>> MakeSocket(int type, int protocol);

  const NetworkView& view() const { return view_; }
  DiagView& diag_view() { return diag_view_; }
  NetlinkPorts& ports(int protocol);
  // Dumps that wait for their readers keep memory: so many may at once.
  static constexpr int kMostDumps = 16;
  int& dumps() { return dumps_; }
  void Joined(NetlinkContainerSocket* socket);
  void Left(NetlinkContainerSocket* socket);

 private:
  void DeliverEvents();

  Sandbox& sandbox_;
  StackView view_;
  SandboxDiagView diag_view_;
  NetlinkPorts route_ports_;
  NetlinkPorts diag_ports_;
  int dumps_ = 0;
  netstack::Timer timer_;  // delivers what the stack's observer has noted
  RouteEvents events_;
  absl::flat_hash_set<NetlinkContainerSocket*> members_;
};

class NetlinkContainerSocket final : public ContainerSocket {
 public:
  NetlinkContainerSocket(Sandbox& sandbox, NetlinkService& service, int type, int protocol);
  ~NetlinkContainerSocket() override;

  Reply Bind(Call& call, std::span<const uint8_t> name) override;
  Reply Connect(Call& call, std::span<const uint8_t> name) override;
  ErrnoOr<std::vector<uint8_t>> Name(bool peer) override;
  Reply GetOption(Call& call, int level, int name, uint64_t value,
                  uint64_t length_address) override;
  Reply SetOption(Call& call, int level, int name, int32_t length,
                  std::span<const uint8_t> value) override;
  int64_t Send(Call& call, const OutgoingMessage& message) override;
  int64_t Receive(Call& call, IncomingMessage& message) override;
  void OnStackReady(uint32_t ready) override;
  void OnEvents(uint32_t events) override;

  // An event of one of the socket's groups, or the news that some were lost.
  void Deliver(const RouteEvent& event);
  void DeliverLoss();
  const NetlinkSocketState& state() const { return state_; }

 private:
  struct Queued {
    uint32_t group;  // 0: an answer
    std::vector<uint8_t> bytes;
  };
  static constexpr size_t kMostQueued = 4096;

  pid_t ProcessOf(const Call& call) const;
  void Answer(std::span<const uint8_t> request, bool net_admin);
  void AnswerRoute(std::span<const uint8_t> request, bool net_admin);
  void AnswerDiag(std::span<const uint8_t> request, bool net_admin);
  // Queues the next part of a dump. False when there is none.
  bool ContinueDump();
  void EndDump();
  void Queue(uint32_t group, std::vector<uint8_t> bytes);
  void Flush();

  NetlinkService& service_;
  NetlinkSocketState state_;
  std::deque<Queued> queue_;  // what the container's queue has no room for
  std::unique_ptr<DiagDump> dump_;  // goes on when the queue is empty
  bool lost_ = false;         // ENOBUFS is due
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_SOCKET_NETLINK_CONTAINER_SOCKET_H_
