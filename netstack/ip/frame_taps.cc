#include "netstack/ip/frame_taps.h"

#include <array>
#include <optional>
#include <span>

#include "netstack/ip/ip_sender.h"
#include "netstack/wire/ipv4.h"
#include "netstack/wire/ipv6.h"

namespace moat::netstack {
namespace {

constexpr uint16_t kLeastEtherType = 0x600;  // below it is the length of an 802.3 frame

FrameType TypeFor(const Interface& in, const MacAddress& to) {
  if (to == in.mac) return FrameType::kHost;
  if (!to.IsMulticast()) return FrameType::kOtherHost;
  // The loopback interface's broadcast address is none, on Linux.
  const bool broadcast = to == MacAddress::Broadcast() && !in.loopback;
  return broadcast ? FrameType::kBroadcast : FrameType::kMulticast;
}

uint16_t ProtocolOfPacket(std::span<const uint8_t> packet) {
  if (packet.empty()) return 0;
  return packet[0] >> 4 == 6 ? ethertype::kIpv6 : ethertype::kIpv4;
}

// Fills what the link header says. False: there is none where one has to be.
bool ReadLinkHeader(const Interface& interface, std::span<const uint8_t> head, TappedFrame& frame) {
  frame.interface = interface.index;
  frame.link_type = LinkTypeOf(interface);
  frame.link_header_size = LinkHeaderSize(interface);
  frame.head = head;
  if (frame.link_header_size == 0) {
    frame.protocol = ProtocolOfPacket(head);
    return true;
  }
  const std::optional<EthernetView> ethernet = EthernetView::Parse(head);
  if (!ethernet.has_value()) return false;
  frame.source = ethernet->source();
  const uint16_t type = ethernet->ethertype();
  frame.protocol = type >= kLeastEtherType ? type : frame_protocol::k802_2;
  frame.type = TypeFor(interface, ethernet->destination());
  return true;
}

bool IsTcp(GsoType gso) { return gso == GsoType::kTcpV4 || gso == GsoType::kTcpV6; }

}  // namespace

void TapReceived(FrameTap& tap, const Interface& in, const RxFrame& received) {
  TappedFrame frame;
  if (!ReadLinkHeader(in, received.bytes.span(), frame)) return;
  frame.checksum_missing = received.checksum_missing;
  frame.checksum_valid =
      received.checksum == RxChecksum::kVerified && !received.checksum_missing;
  frame.tcp_segments = received.gso_size != 0 && IsTcp(received.gso);
  tap.See(frame);
}

void TapSent(FrameTap& tap, const Interface& out, const TxFrame& sent, const void* origin) {
  TappedFrame frame;
  if (!ReadLinkHeader(out, sent.headers, frame)) return;
  frame.type = FrameType::kOutgoing;
  frame.rest = sent.payload;
  frame.checksum_missing = sent.offload.needs_checksum;
  frame.tcp_segments = IsTcp(sent.offload.gso) && sent.payload_size() > sent.offload.gso_size;
  frame.origin = origin;
  tap.See(frame);
}

void TapLooped(FrameTap& tap, const Interface& loopback, const LoopedPacket& looped,
               FrameType type) {
  const std::span<const uint8_t> packet = looped.packet.span();
  if (packet.size() < kIpv4HeaderSize) return;
  const uint16_t ether_type = ProtocolOfPacket(packet);
  std::array<uint8_t, kEthernetHeaderSize> header;
  EmitEthernet(header.data(), loopback.mac, loopback.mac, ether_type);
  TappedFrame frame;
  (void)ReadLinkHeader(loopback, header, frame);
  frame.type = type;
  frame.rest = {&packet, 1};
  // netstack/ip/output.cc: these two are never summed on the way to ourselves.
  const uint8_t protocol = ether_type == ethertype::kIpv4 ? packet[9] : packet[6];
  frame.checksum_missing =
      looped.trusted && (protocol == ip_protocol::kTcp || protocol == ip_protocol::kUdp);
  frame.tcp_segments = looped.gso_size != 0 && protocol == ip_protocol::kTcp;
  tap.See(frame);
}

}  // namespace moat::netstack
