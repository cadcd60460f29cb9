// A UDP, ping or raw socket of the container.
//
// Receiving is by way of the container's queue (queued_container_socket.h).
// Sends with an address are carried out synchronously; a plain write() to a connected socket
// arrives as a message at the sentry's end.
//
// An ICMP error for a connected socket is announced by an empty message in the container's queue:
// an intercepted receive turns it into the error; a plain read() sees a message of no bytes, where
// Linux would report the error.
#ifndef MOAT_SENTRY_SOCKET_DATAGRAM_CONTAINER_SOCKET_H_
#define MOAT_SENTRY_SOCKET_DATAGRAM_CONTAINER_SOCKET_H_

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "netstack/socket/datagram_socket.h"
#include "sentry/abi/sockaddr.h"
#include "sentry/socket/queued_container_socket.h"

namespace moat::sentry {

class DatagramContainerSocket final
    : public QueuedContainerSocket<netstack::DatagramSocket, netstack::Datagram> {
 public:
  // `type` is SOCK_DGRAM or SOCK_RAW.
  DatagramContainerSocket(Sandbox& sandbox, int domain, int type, int protocol,
                          std::unique_ptr<netstack::DatagramSocket> handle);

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
  Reply GetOption(Call& call, int level, int name, uint64_t value,
                  uint64_t length_address) override;
  Reply SetOption(Call& call, int level, int name, int32_t length,
                  std::span<const uint8_t> value) override;
  Reply Ioctl(Call& call, uint32_t request, uint64_t argument) override;
  int64_t Send(Call& call, const OutgoingMessage& message) override;
  int64_t Receive(Call& call, IncomingMessage& message) override;
  void DrainWritten() override;
  void OnEvents(uint32_t events) override;

 private:
  bool ReportsErrors() const override { return handle_->Remote().ok(); }
  AddressRules Rules() const;
  netstack::Endpoint ToResolver(const netstack::Endpoint& remote);
  int64_t ReportPathMtu(const netstack::PathMtuNotice& notice, IncomingMessage& message);
  netstack::Error SendNow(std::span<const uint8_t> payload, const netstack::SendControl& control);
  int64_t ReceiveError(IncomingMessage& message);
  void WriteControl(IncomingMessage& message, const netstack::Datagram& datagram);

  // The flow label of what goes to an address that the program named so.
  uint32_t LabelFor(std::span<const uint8_t> name) const {
    return settings_->flow_info_send ? FlowLabelOf(name) : 0;
  }

  bool write_shut_ = false;
  uint32_t flow_label_ = 0;  // of what goes to the connected peer; 0: the stack's own
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_SOCKET_DATAGRAM_CONTAINER_SOCKET_H_
