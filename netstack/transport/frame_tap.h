// The door between the interfaces and packet sockets: who is shown every frame, and how a frame is
// sent past IP.
#ifndef MOAT_NETSTACK_TRANSPORT_FRAME_TAP_H_
#define MOAT_NETSTACK_TRANSPORT_FRAME_TAP_H_

#include <cstdint>
#include <optional>
#include <span>

#include "netstack/base/error.h"
#include "netstack/socket/packet_socket.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

// A frame on its way in or out of an interface. All spans are borrowed.
struct TappedFrame {
  InterfaceIndex interface = 0;
  uint16_t link_type = 0;
  FrameType type = FrameType::kHost;
  uint16_t protocol = 0;
  size_t link_header_size = 0;  // 0: the link has none
  std::span<const uint8_t> head{};                   // from the link header on
  std::span<const std::span<const uint8_t>> rest{};  // what follows
  MacAddress source{};
  bool checksum_missing = false;
  bool checksum_valid = false;
  bool tcp_segments = false;
  const void* origin = nullptr;  // of a frame that a packet socket sends: it is not shown its own
};

class FrameTap {
 public:
  virtual ~FrameTap() = default;

  // Whether there is anybody at all: all that a frame pays for while there is not.
  bool listening() const { return listening_; }
  virtual void See(const TappedFrame& frame) = 0;

 protected:
  bool listening_ = false;
};

// What a packet socket needs to know of an interface.
struct FrameInterface {
  InterfaceIndex index = 0;
  uint16_t link_type = 0;
  MacAddress mac;
  uint32_t mtu = 0;
  bool up = false;
  size_t link_header_size = 0;
};

class FrameSender {
 public:
  virtual ~FrameSender() = default;

  virtual std::optional<FrameInterface> FindFrameInterface(InterfaceIndex index) const = 0;
  // Sends `frame`, whole from the link header on. On loopback it comes back. kNetworkDown,
  // kNoBuffers.
  virtual Error SendFrame(InterfaceIndex index, std::span<const uint8_t> frame,
                          const void* origin) = 0;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_TRANSPORT_FRAME_TAP_H_
