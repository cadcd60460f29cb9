// A packet socket of the container (packet(7)): frames of the stack's interfaces, not of the
// kernel's.
//
// An intercepted receive adds the address and the auxiliary data (queued_container_socket.h); an
// interface that goes down is the error ENETDOWN. A plain write() arrives as a message at the
// sentry's end and goes out on the bound interface.
#ifndef MOAT_SENTRY_SOCKET_PACKET_CONTAINER_SOCKET_H_
#define MOAT_SENTRY_SOCKET_PACKET_CONTAINER_SOCKET_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "netstack/socket/packet_socket.h"
#include "sentry/socket/inet_socket.h"
#include "sentry/socket/queued_container_socket.h"

namespace moat::sentry {

class PacketContainerSocket final
    : public QueuedContainerSocket<netstack::PacketSocket, netstack::CapturedFrame> {
 public:
  // `type` is SOCK_RAW or SOCK_DGRAM, `protocol` as socket(2) has it.
  PacketContainerSocket(Sandbox& sandbox, int type, int protocol,
                        std::unique_ptr<netstack::PacketSocket> handle);

  netstack::PacketSocket* packet() override { return handle_.get(); }

  Reply Bind(Call& call, std::span<const uint8_t> name) override;
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
  InetSocketView View() { return {*this, SocketKind::kPacket, netstack::Family::kIpv4}; }
  Reply AttachFilter(Call& call, int32_t length, std::span<const uint8_t> value);
  Reply DetachFilter(int32_t length);
  int SendNow(std::span<const uint8_t> frame, const std::optional<netstack::LinkName>& to);
  void WriteControl(IncomingMessage& message, const Taken& taken);
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_SOCKET_PACKET_CONTAINER_SOCKET_H_
