// A UDP, ping or raw socket of the container.
//
// Datagrams that arrive are put into the container's queue at once, so that poll() and a plain read()
// are the kernel's own; an intercepted receive takes them from there and adds what the tag leads to.
// Sends with an address are carried out synchronously; a plain write() to a connected socket arrives
// as a message at the sentry's end.
//
// An ICMP error for a connected socket is announced by an empty message in the container's queue: an
// intercepted receive turns it into the error; a plain read() sees a message of no bytes, where Linux
// would report the error.
#ifndef MOAT_SENTRY_SOCKET_DATAGRAM_CONTAINER_SOCKET_H_
#define MOAT_SENTRY_SOCKET_DATAGRAM_CONTAINER_SOCKET_H_

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "netstack/socket/datagram_socket.h"
#include "sentry/abi/sockaddr.h"
#include "sentry/socket/arrivals.h"
#include "sentry/socket/container_socket.h"

namespace moat::sentry {

class DatagramContainerSocket final : public ContainerSocket {
 public:
  // `type` is SOCK_DGRAM or SOCK_RAW.
  DatagramContainerSocket(Sandbox& sandbox, int domain, int type, int protocol,
                          std::unique_ptr<netstack::DatagramSocket> handle);
  ~DatagramContainerSocket() override;

  static constexpr uint32_t kEvents = EPOLLIN | EPOLLRDHUP | EPOLLET;

  netstack::DatagramSocket* datagram() override { return handle_.get(); }
  netstack::Family family() const {
    return domain_ == AF_INET ? netstack::Family::kIpv4 : netstack::Family::kIpv6;
  }
  SocketKind kind() const {
    if (type_ == SOCK_RAW) return SocketKind::kRaw;
    return protocol_ == IPPROTO_UDP ? SocketKind::kUdp : SocketKind::kPing;
  }

  Reply Bind(Call& call, std::span<const uint8_t> name) override;
  Reply Connect(Call& call, std::span<const uint8_t> name) override;
  Reply Shutdown(Call& call, int how) override;
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

 private:
  AddressRules Rules() const;
  netstack::Endpoint ToResolver(const netstack::Endpoint& remote);
  int TakeError();
  netstack::Error SendNow(std::span<const uint8_t> payload, const netstack::SendControl& control);
  int64_t ReceiveError(IncomingMessage& message);
  // The next datagram from the container's queue, else from the stack. The payload is in the read
  // block, its size in *size.
  int Take(Call& call, int flags, Arrival* arrival, std::span<const uint8_t>* payload, size_t* size);
  int64_t Report(IncomingMessage& message, const Arrival& arrival,
                 std::span<const uint8_t> payload, size_t size);
  bool Deliver(std::span<const uint8_t> payload, Arrival arrival);
  void FillQueue();
  bool Redeliver();
  void WaitForRoom(bool wait);
  void Watch();

  std::unique_ptr<netstack::DatagramSocket> handle_;
  Arrivals arrivals_;
  std::optional<netstack::Datagram> undelivered_;  // the container's queue had no room for it
  bool waits_for_room_ = false;
  bool write_shut_ = false;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_SOCKET_DATAGRAM_CONTAINER_SOCKET_H_
