// One raw socket.
#ifndef MOAT_NETSTACK_TRANSPORT_RAW_RAW_SOCKET_H_
#define MOAT_NETSTACK_TRANSPORT_RAW_RAW_SOCKET_H_

#include <bitset>
#include <cstdint>
#include <span>

#include "netstack/socket/raw_controls.h"
#include "netstack/transport/datagram/datagram_base.h"

namespace moat::netstack {

class RawProtocol;

class RawSocket final : public DatagramBase, public RawControls {
 public:
  RawSocket(RawProtocol& owner, Family family, uint8_t protocol, uint64_t id);
  ~RawSocket() override;

  RawControls* raw() override { return this; }
  Endpoint Local() const override;
  Error Send(std::span<const std::span<const uint8_t>> payload,
             const SendControl& control) override;
  void SetReceiveOffload(bool) override {}

  uint8_t protocol() const override { return protocol_; }
  void SetHeaderIncluded(bool included) override { header_included_ = included; }
  bool header_included() const override { return header_included_; }
  void SetBlockedTypes(const std::bitset<256>& types) override { blocked_types_ = types; }
  const std::bitset<256>& blocked_types() const override { return blocked_types_; }
  Error SetChecksumOffset(int offset) override;
  int checksum_offset() const override { return checksum_offset_; }

  // --- For RawProtocol -------------------------------------------------------------------------
  // Whether packets between these addresses, on this interface, concern this socket.
  bool Fits(const IpAddress& local, const IpAddress& remote, InterfaceIndex interface) const;
  // False: the packet is not for this socket, or it does not want it.
  bool Take(const IpPacketIn& packet);

 private:
  // It is in the owner's table whatever its names are.
  void Insert() override {}
  void Remove() override {}
  bool can_be_dual_stack() const override { return false; }
  void OnSendDropped(Family) override {}

  bool IsIcmp() const;
  bool Wants(const IpPacketIn& packet) const;
  Error SendMessage(const Outgoing& outgoing, std::span<const std::span<const uint8_t>> payload,
                    size_t size);
  Error SendWhole(const Outgoing& outgoing, std::span<const std::span<const uint8_t>> payload,
                  size_t size);
  size_t header_size() const;

  RawProtocol& owner_;
  const uint8_t protocol_;
  bool header_included_;
  int checksum_offset_;
  std::bitset<256> blocked_types_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_TRANSPORT_RAW_RAW_SOCKET_H_
