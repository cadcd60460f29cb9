// An AF_NETLINK socket of the container. Requests and answers are messages of its SOCK_SEQPACKET pair,
// tagged with the group they were sent to (0: an answer).
#ifndef MOAT_SENTRY_NETLINK_NETLINK_CONTAINER_SOCKET_H_
#define MOAT_SENTRY_NETLINK_NETLINK_CONTAINER_SOCKET_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "sentry/netlink/netlink_hub.h"
#include "sentry/netlink/netlink_socket.h"
#include "sentry/socket/container_socket.h"

namespace moat::sentry {

class NetlinkContainerSocket final : public ContainerSocket {
 public:
  // For Sandbox::Extensions::netlink_socket. EPROTONOSUPPORT for other protocols than NETLINK_ROUTE,
  // ESOCKTNOSUPPORT for other types than SOCK_RAW and SOCK_DGRAM.
  static ErrnoOr<std::unique_ptr<ContainerSocket>> Make(Sandbox& sandbox,
                                                        std::shared_ptr<NetlinkHub> hub, int type,
                                                        int protocol);
  NetlinkContainerSocket(Sandbox& sandbox, std::shared_ptr<NetlinkHub> hub, int type);
  ~NetlinkContainerSocket() override;

  Reply Bind(Call& call, std::span<const uint8_t> name) override;
  Reply Connect(Call& call, std::span<const uint8_t> name) override;
  ErrnoOr<std::vector<uint8_t>> Name(bool peer) override;
  Reply GetOption(Call& call, int level, int name, uint64_t value, uint64_t length_address) override;
  Reply SetOption(Call& call, int level, int name, int32_t length,
                  std::span<const uint8_t> value) override;
  Reply Ioctl(Call& call, uint32_t request, uint64_t argument) override;
  int64_t Send(Call& call, const OutgoingMessage& message) override;
  int64_t Receive(Call& call, IncomingMessage& message) override;
  void DrainWritten() override;
  void OnStackReady(uint32_t ready) override;
  void OnEvents(uint32_t events) override;

  void OnEvent(const RouteEvent& event);
  void OnEventsLost();  // the next receive fails with ENOBUFS

 private:
  struct Pending {
    std::vector<uint8_t> datagram;
    uint64_t group;
  };
  pid_t ProcessOf(const Call& call) const;
  void Answer(std::span<const uint8_t> request, bool net_admin);
  void Push(std::vector<uint8_t> datagram, uint64_t group);
  void Flush();
  void WaitForRoom(bool wait);

  std::shared_ptr<NetlinkHub> hub_;
  NetlinkSocketState state_;
  std::deque<Pending> pending_;  // the container's queue had no room
  bool waits_for_room_ = false;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_NETLINK_NETLINK_CONTAINER_SOCKET_H_
