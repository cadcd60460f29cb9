// A packet socket of the container (packet(7)): frames of the stack's interfaces, not of the kernel's.
//
// As a datagram socket: frames are put into the container's queue at once, so that poll() and a plain
// read() are the kernel's own; an intercepted receive adds the address and the auxiliary data that the tag
// leads to. A plain write() arrives as a message at the sentry's end and goes out on the bound interface.
//
// An interface that goes down is announced by an empty message, which an intercepted receive turns into
// ENETDOWN.
#ifndef MOAT_SENTRY_SOCKET_PACKET_CONTAINER_SOCKET_H_
#define MOAT_SENTRY_SOCKET_PACKET_CONTAINER_SOCKET_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "netstack/socket/packet_socket.h"
#include "sentry/socket/arrivals.h"
#include "sentry/socket/container_socket.h"
#include "sentry/socket/inet_socket.h"

namespace moat::sentry {

class PacketContainerSocket final : public ContainerSocket {
 public:
  // `type` is SOCK_RAW or SOCK_DGRAM, `protocol` as socket(2) has it.
  PacketContainerSocket(Sandbox& sandbox, int type, int protocol,
                        std::unique_ptr<netstack::PacketSocket> handle);
  ~PacketContainerSocket() override;

  static constexpr uint32_t kEvents = EPOLLIN | EPOLLRDHUP | EPOLLET;

  netstack::PacketSocket* packet() override { return handle_.get(); }

  Reply Bind(Call& call, std::span<const uint8_t> name) override;
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
  struct FrameArrival {
    netstack::CapturedFrame frame;  // without its bytes
    int error = 0;                  // not a frame but an errno to be reported
  };

  InetSocketView View() { return {*this, SocketKind::kPacket, netstack::Family::kIpv4}; }
  Reply AttachFilter(Call& call, int32_t length, std::span<const uint8_t> value);
  Reply DetachFilter(int32_t length);
  bool gone() const { return handle_->Local().interface < 0; }
  int TakeError();
  int SendNow(std::span<const uint8_t> frame, const std::optional<netstack::LinkName>& to);
  // The next frame from the container's queue, else from the stack.
  int Take(Call& call, int flags, FrameArrival* arrival, std::span<const uint8_t>* bytes, size_t* size);
  int64_t Report(IncomingMessage& message, const FrameArrival& arrival,
                 std::span<const uint8_t> bytes, size_t size);
  bool Deliver(std::span<const uint8_t> bytes, FrameArrival arrival);
  void FillQueue();
  void WaitForRoom(bool wait);
  void Watch();

  std::unique_ptr<netstack::PacketSocket> handle_;
  ArrivalRing<FrameArrival> arrivals_;
  std::optional<netstack::CapturedFrame> undelivered_;  // the container's queue had no room for it
  bool waits_for_room_ = false;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_SOCKET_PACKET_CONTAINER_SOCKET_H_
