// Frames for the packet stories of this directory: a peer's side of the wire, byte by byte.
#ifndef MOAT_NETSTACK_STACK_TEST_FRAMES_H_
#define MOAT_NETSTACK_STACK_TEST_FRAMES_H_

#include <cstdint>
#include <span>
#include <vector>

#include "netstack/ip/ip_sender.h"
#include "netstack/wire/arp.h"
#include "netstack/wire/bytes.h"
#include "netstack/wire/checksum.h"
#include "netstack/wire/ethernet.h"
#include "netstack/wire/icmpv4.h"
#include "netstack/wire/icmpv6.h"
#include "netstack/wire/igmp.h"
#include "netstack/wire/ipv4.h"
#include "netstack/wire/ipv6.h"
#include "netstack/wire/ndp.h"
#include "netstack/wire/tcp.h"
#include "netstack/wire/udp.h"

namespace moat::netstack {

using Bytes = std::vector<uint8_t>;

inline Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Bytes that differ along their length, so that misplaced ones show.
inline Bytes Pattern(size_t size) {
  Bytes bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 7 + i / 251);
  return bytes;
}

inline Bytes EthernetFrame(const MacAddress& to, const MacAddress& from, uint16_t type,
                           const Bytes& payload) {
  Bytes frame(kEthernetHeaderSize);
  EmitEthernet(frame.data(), to, from, type);
  return frame + payload;
}

inline Bytes ArpFrame(const MacAddress& to, const ArpMessage& message) {
  Bytes arp(kArpSize);
  EmitArp(message, arp.data());
  return EthernetFrame(to, message.sender_mac, ethertype::kArp, arp);
}

inline Bytes Ipv4Packet(Ipv4Fields fields, const Bytes& payload) {
  fields.total_length = static_cast<uint16_t>(kIpv4HeaderSize + payload.size());
  Bytes packet(kIpv4HeaderSize);
  EmitIpv4(fields, packet.data());
  return packet + payload;
}

inline Bytes Ipv6Packet(Ipv6Fields fields, const Bytes& payload) {
  fields.payload_length = static_cast<uint16_t>(payload.size());
  Bytes packet(kIpv6HeaderSize);
  EmitIpv6(fields, packet.data());
  return packet + payload;
}

// An IP packet of either family.
inline Bytes IpPacket(const IpAddress& source, const IpAddress& destination, uint8_t protocol,
                      const Bytes& payload, uint8_t hop_limit = 64) {
  if (source.is_v4()) {
    Ipv4Fields fields;
    fields.ttl = hop_limit;
    fields.protocol = protocol;
    fields.source = source;
    fields.destination = destination;
    return Ipv4Packet(fields, payload);
  }
  Ipv6Fields fields;
  fields.hop_limit = hop_limit;
  fields.next_header = protocol;
  fields.source = source;
  fields.destination = destination;
  return Ipv6Packet(fields, payload);
}

// Fills in the checksum of what `protocol` carries, whatever stands in its place; nothing when that
// has none or is cut off. ICMPv4 and IGMP sum no pseudo header.
inline void FixChecksum(const IpAddress& source, const IpAddress& destination, uint8_t protocol,
                        Bytes& message) {
  const bool pseudo = protocol != ip_protocol::kIcmp && protocol != kIgmpProtocol;
  size_t at = 2;
  if (protocol == ip_protocol::kTcp) {
    at = kTcpChecksumOffset;
  } else if (protocol == ip_protocol::kUdp) {
    at = kUdpChecksumOffset;
  } else if (pseudo && protocol != ip_protocol::kIcmpV6) {
    return;
  }
  if (message.size() < at + 2) return;
  StoreBe16(&message[at], 0);
  Checksum sum;
  if (pseudo) {
    sum.AddPseudoHeader(source, destination, protocol, static_cast<uint32_t>(message.size()));
  }
  sum.Add(message);
  StoreBe16(&message[at], sum.Finish());
}

// An ICMP message with its checksum.
inline Bytes IcmpMessage(const IpAddress& source, const IpAddress& destination, uint8_t type,
                         uint8_t code, uint32_t rest, const Bytes& body) {
  Bytes message(kIcmpHeaderSize);
  EmitIcmp(message.data(), type, code, rest);
  message = message + body;
  FixChecksum(source, destination, source.is_v4() ? ip_protocol::kIcmp : ip_protocol::kIcmpV6,
              message);
  return message;
}

inline Bytes UdpDatagram(const IpAddress& source, const IpAddress& destination,
                         uint16_t source_port, uint16_t destination_port, const Bytes& payload) {
  Bytes datagram(8);
  StoreBe16(datagram.data(), source_port);
  StoreBe16(datagram.data() + 2, destination_port);
  StoreBe16(datagram.data() + 4, static_cast<uint16_t>(8 + payload.size()));
  datagram = datagram + payload;
  FixChecksum(source, destination, ip_protocol::kUdp, datagram);
  return datagram;
}

// A received frame taken apart as far as tests look; `ok` only when every length and the IP and
// ICMP checksums are right.
struct ParsedFrame {
  bool ok = false;
  MacAddress to, from;
  uint16_t ethertype = 0;
  IpAddress source, destination;
  uint8_t protocol = 0;
  uint8_t hop_limit = 0;
  uint8_t traffic_class = 0;
  bool more_fragments = false;
  uint32_t fragment_offset = 0;
  uint32_t identification = 0;
  bool dont_fragment = false;
  Bytes payload;  // transport header on (of a fragment: its data)

  uint8_t icmp_type() const { return payload.empty() ? 255 : payload[0]; }
  uint8_t icmp_code() const { return payload.size() < 2 ? 255 : payload[1]; }
  uint32_t icmp_rest() const { return payload.size() < 8 ? 0 : LoadBe32(payload.data() + 4); }
  Bytes icmp_body() const {
    return payload.size() < 8 ? Bytes() : Bytes(payload.begin() + 8, payload.end());
  }
};

inline ParsedFrame ParseFrame(const Bytes& bytes) {
  ParsedFrame out;
  const auto ethernet = EthernetView::Parse(bytes);
  if (!ethernet.has_value()) return out;
  out.to = ethernet->destination();
  out.from = ethernet->source();
  out.ethertype = ethernet->ethertype();
  const std::span<const uint8_t> ip = std::span(bytes).subspan(kEthernetHeaderSize);
  if (out.ethertype == ethertype::kIpv4) {
    Ipv4View view;
    if (Ipv4View::Parse(ip, &view) != Ipv4Parse::kOk || !view.ChecksumValid()) return out;
    out.source = view.source();
    out.destination = view.destination();
    out.protocol = view.protocol();
    out.hop_limit = view.ttl();
    out.traffic_class = view.tos();
    out.more_fragments = view.more_fragments();
    out.fragment_offset = view.fragment_offset();
    out.identification = view.identification();
    out.dont_fragment = view.dont_fragment();
    const auto payload = ip.subspan(view.header_size(), view.payload_size());
    out.payload.assign(payload.begin(), payload.end());
    out.ok = out.protocol != ip_protocol::kIcmp || view.is_fragment() ||
             ChecksumOf(out.payload) == 0;
  } else if (out.ethertype == ethertype::kIpv6) {
    Ipv6View view;
    if (Ipv6View::Parse(ip, &view) != Ipv6Parse::kOk) return out;
    out.source = view.source();
    out.destination = view.destination();
    out.protocol = view.next_header();
    out.hop_limit = view.hop_limit();
    out.traffic_class = view.traffic_class();
    size_t offset = kIpv6HeaderSize;
    const bool fragment = out.protocol == ipv6_next_header::kFragment;
    if (fragment && view.total_length() < offset + kIpv6FragmentHeaderSize) return out;
    if (fragment) {
      const Ipv6FragmentHeader header = ReadIpv6FragmentHeader(ip.data() + offset);
      out.protocol = header.next_header;
      out.fragment_offset = header.offset;
      out.more_fragments = header.more;
      out.identification = header.identification;
      offset += kIpv6FragmentHeaderSize;
    }
    const auto payload = ip.subspan(offset, view.total_length() - offset);
    out.payload.assign(payload.begin(), payload.end());
    out.ok = fragment || out.protocol != ip_protocol::kIcmpV6 ||
             TransportChecksumValid(out.source, out.destination, out.protocol, out.payload);
  } else {
    out.payload.assign(ip.begin(), ip.end());
    out.ok = true;
  }
  return out;
}

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_STACK_TEST_FRAMES_H_
