// One UDP socket (udp(7)).
#ifndef MOAT_NETSTACK_TRANSPORT_UDP_UDP_SOCKET_H_
#define MOAT_NETSTACK_TRANSPORT_UDP_UDP_SOCKET_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "netstack/transport/datagram/datagram_base.h"

namespace moat::netstack {

class UdpProtocol;

class UdpSocket final : public DatagramBase {
 public:
  UdpSocket(UdpProtocol& protocol, Family family, uint64_t id);
  ~UdpSocket() override;

  Error Send(std::span<const std::span<const uint8_t>> payload,
             const SendControl& control) override;
  void SetReceiveOffload(bool enabled) override { receive_offload_ = enabled; }
  bool receive_offload() const { return receive_offload_; }

 private:
  void Insert() override;
  void Remove() override;
  void OnSendDropped(Family family) override;

  // RFC 768: 0 says that there is none.
  bool SendsChecksum(const Route& route) const {
    return !(route.destination.is_v4() ? datagram_options().no_checksum
                                       : datagram_options().no_checksum6_sent);
  }

  using Pieces = std::span<const std::span<const uint8_t>>;
  // One packet, or one that the link cuts into pieces of `gso_size`.
  Error SendPacket(const Outgoing& outgoing, Pieces payload, size_t size, uint16_t gso_size);
  // UDP_SEGMENT: several packets, which the link cuts where it can.
  Error SendTrain(const Outgoing& outgoing, Pieces payload, size_t size, uint16_t segment_size);

  UdpProtocol& protocol_;
  bool receive_offload_ = false;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_TRANSPORT_UDP_UDP_SOCKET_H_
