#include "test/bench/micro/frame_peer.h"

#include <netinet/in.h>

#include "netstack/wire/arp.h"
#include "netstack/wire/bytes.h"
#include "netstack/wire/checksum.h"
#include "netstack/wire/ethernet.h"
#include "netstack/wire/icmpv4.h"
#include "netstack/wire/ipv4.h"
#include "netstack/wire/tcp.h"

namespace moat::bench {

using namespace moat::netstack;  // NOLINT: frames are made of little else

namespace {

constexpr size_t kIpOffset = kEthernetHeaderSize;
constexpr size_t kTransportOffset = kIpOffset + kIpv4HeaderSize;
constexpr size_t kUdpSize = 8;
constexpr uint32_t kPortsPerAddress = 50000;
constexpr uint16_t kFirstPort = 10000;
constexpr uint16_t kWindow = 65535;

IpAddress AddressNumber(uint32_t number) {
  return IpAddress::V4(198, static_cast<uint8_t>(18 + (number >> 16 & 1)),
                       static_cast<uint8_t>(number >> 8), static_cast<uint8_t>(number));
}

}  // namespace

FramePeer::FramePeer(Subject& subject) : subject_(subject) {
  subject_.SetSink(this);
  SendArp(/*request=*/true);
  Settle();
}

void FramePeer::SendArp(bool request) {
  ArpMessage message;
  message.operation = request ? ArpOperation::kRequest : ArpOperation::kReply;
  message.sender_mac = kPeerMac;
  message.sender = kPeerAddress;
  message.target_mac = request ? MacAddress{} : kSubjectMac;
  message.target = kSubjectAddress;
  EmitEthernet(frame_.data(), request ? MacAddress::Broadcast() : kSubjectMac, kPeerMac,
               ethertype::kArp);
  EmitArp(message, frame_.data() + kIpOffset);
  subject_.Receive(std::span(frame_).first(kIpOffset + kArpSize));
}

// Sends the `size` octets that lie behind the place of the IP header.
void FramePeer::SendIp(const IpAddress& source, uint8_t protocol, size_t size) {
  EmitEthernet(frame_.data(), kSubjectMac, kPeerMac, ethertype::kIpv4);
  Ipv4Fields fields;
  fields.total_length = static_cast<uint16_t>(kIpv4HeaderSize + size);
  fields.dont_fragment = true;
  fields.protocol = protocol;
  fields.source = source;
  fields.destination = kSubjectAddress;
  EmitIpv4(fields, frame_.data() + kIpOffset);
  subject_.Receive(std::span(frame_).first(kTransportOffset + size));
}

void FramePeer::SendUdp(uint16_t port, size_t size) {
  uint8_t* udp = frame_.data() + kTransportOffset;
  const std::span<uint8_t> datagram(udp, kUdpSize + size);
  StoreBe16(udp, kFirstPort);
  StoreBe16(udp + 2, port);
  StoreBe16(udp + 4, static_cast<uint16_t>(datagram.size()));
  StoreBe16(udp + 6, 0);
  Checksum sum;
  sum.AddPseudoHeader(kPeerAddress, kSubjectAddress, IPPROTO_UDP,
                      static_cast<uint32_t>(datagram.size()));
  sum.Add(datagram);
  StoreBe16(udp + 6, sum.Finish());
  SendIp(kPeerAddress, IPPROTO_UDP, datagram.size());
}

void FramePeer::SendPing(size_t size) {
  uint8_t* icmp = frame_.data() + kTransportOffset;
  const std::span<uint8_t> message(icmp, kIcmpHeaderSize + size);
  EmitIcmp(icmp, icmpv4_type::kEchoRequest, 0, 0x00010001);
  StoreBe16(icmp + 2, ChecksumOf(message));
  SendIp(kPeerAddress, IPPROTO_ICMP, message.size());
}

void FramePeer::SendTcp(const Flow& flow, uint8_t flags, size_t size) {
  uint8_t* tcp = frame_.data() + kTransportOffset;
  const std::span<uint8_t> segment(tcp, kTcpHeaderSize + size);
  TcpFields fields;
  fields.source_port = flow.port;
  fields.destination_port = flow.subject_port;
  fields.seq = flow.next;
  fields.ack = flow.expected;
  fields.flags = flags;
  fields.window = kWindow;
  EmitTcp(fields, tcp);
  Checksum sum;
  sum.AddPseudoHeader(flow.address, kSubjectAddress, IPPROTO_TCP,
                      static_cast<uint32_t>(segment.size()));
  sum.Add(segment);
  StoreBe16(tcp + kTcpChecksumOffset, sum.Finish());
  SendIp(flow.address, IPPROTO_TCP, segment.size());
}

FramePeer::Flow FramePeer::Open(uint16_t subject_port) {
  Flow flow;
  flow.address = AddressNumber(1 + opened_ / kPortsPerAddress);
  flow.port = static_cast<uint16_t>(kFirstPort + opened_ % kPortsPerAddress);
  flow.subject_port = subject_port;
  flow.next = SeqNum(1 + (opened_ << 8));
  ++opened_;
  SendTcp(flow, tcp_flag::kSyn, 0);
  flow.next = flow.next + 1;
  Settle(flow);
  Require((last_.flags & (tcp_flag::kSyn | tcp_flag::kAck)) == (tcp_flag::kSyn | tcp_flag::kAck));
  SendTcp(flow, tcp_flag::kAck, 0);
  Settle(flow);
  return flow;
}

void FramePeer::Close(Flow& flow) {
  SendTcp(flow, tcp_flag::kFin | tcp_flag::kAck, 0);
  flow.next = flow.next + 1;
  Settle(flow);
  Require((last_.flags & tcp_flag::kFin) != 0);
  SendTcp(flow, tcp_flag::kAck, 0);
  Settle(flow);
}

void FramePeer::SendSegment(Flow& flow, size_t size) {
  SendTcp(flow, size != 0 ? tcp_flag::kAck | tcp_flag::kPsh : tcp_flag::kAck, size);
  flow.next = flow.next + static_cast<uint32_t>(size);
}

void FramePeer::Settle(Flow& flow) {
  Settle();
  if (last_.any) flow.expected = last_.end;
  last_.any = false;
}

void FramePeer::Settle() {
  subject_.Settle();
  if (!asked_) return;
  asked_ = false;
  SendArp(/*request=*/false);
  subject_.Settle();
}

void FramePeer::OnFrame(std::span<const uint8_t> frame) {
  if (LoadBe16(frame.data() + 12) == ethertype::kArp) {
    asked_ = true;
    return;
  }
  Ipv4View ip;
  if (Ipv4View::Parse(frame.subspan(kIpOffset), &ip) != Ipv4Parse::kOk) return;
  ++frames_;
  if (ip.protocol() == IPPROTO_TCP) {
    OnTcp(frame.subspan(kIpOffset + ip.header_size(), ip.total_length() - ip.header_size()));
  }
}

void FramePeer::OnTcp(std::span<const uint8_t> segment) {
  TcpView tcp;
  Require(TcpView::Parse(segment, &tcp));
  const size_t text = segment.size() - tcp.header_size();
  const uint32_t controls = (tcp.flags() & (tcp_flag::kSyn | tcp_flag::kFin)) != 0 ? 1 : 0;
  payload_ += text;
  last_ = {true, tcp.flags(), tcp.seq() + static_cast<uint32_t>(text) + controls};
}

}  // namespace moat::bench
