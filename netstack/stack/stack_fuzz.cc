// Frames into a live stack: sockets are bound, a connection is up, an address is under detection.
// Input: a sequence of records {kind, length, bytes}. Kinds give the bytes a good beginning, so
// that mutations get past the first checks; checksums are mended for the same reason.

#include <algorithm>
#include <cstdlib>

#include "netstack/stack/stack_test_world.h"

namespace moat::netstack {
namespace {

enum Kind : uint8_t { kRaw, kArp, kIpv4, kIpv6, kIcmpv4, kIcmpv6, kFragment4, kFragment6, kTcp4,
                      kTcp6, kUdp4, kUdp6, kTime, kWhole, kFrame, kKinds };

class FuzzWorld {
 public:
  FuzzWorld() : v4_(CastOf(Family::kIpv4)), v6_(CastOf(Family::kIpv6)) {
    world_.Know(v4_.peer);
    udp_ = world_.stack.NewUdpSocket(Family::kIpv6);
    (void)udp_->Bind({IpAddress::Any(Family::kIpv6), 53});
    (void)udp_->JoinGroup(Ip("ff02::fb"), kEth0);
    tcp_ = world_.stack.NewTcpSocket(Family::kIpv6);
    (void)tcp_->Bind({IpAddress::Any(Family::kIpv6), 80});
    (void)tcp_->Listen(16);
    client_ = world_.stack.NewTcpSocket(Family::kIpv4);
    (void)client_->Connect({v4_.peer, 8080});
    (void)world_.stack.AddAddress(kEth0, *Prefix::Parse("2001:db8::77/64"), {});
    raw4_ = world_.stack.NewRawSocket(Family::kIpv4, ip_protocol::kIcmp);
    raw6_ = world_.stack.NewRawSocket(Family::kIpv6, ip_protocol::kIcmpV6);
    whole_ = world_.stack.NewRawSocket(Family::kIpv4, 255);
    watch_ = world_.stack.NewPacketSocket(true, frame_protocol::kAll);
    sender_ = world_.stack.NewPacketSocket(true, 0);
  }

  void Feed(uint8_t kind, const Bytes& bytes) {
    switch (kind % kKinds) {
      case kRaw: world_.ReceiveFrame(bytes); break;
      case kArp: world_.ReceiveFrame(EthernetFrame(MacAddress::Broadcast(), kPeerMac,
                                                   ethertype::kArp, Laid(ArpTemplate(), bytes)));
        break;
      case kIpv4: Mended(bytes); break;
      case kIpv6: world_.ReceiveFrame(EthernetFrame(kOwnMac, kPeerMac, ethertype::kIpv6, bytes));
        break;
      case kIcmpv4: Packet(v4_, ip_protocol::kIcmp, bytes, 64, -1); break;
      case kIcmpv6: Packet(v6_, ip_protocol::kIcmpV6, bytes, 255, 2); break;
      case kFragment4: Fragment4(bytes); break;
      case kFragment6: Packet(v6_, 44, bytes, 64, -1); break;
      case kTcp4: Packet(v4_, ip_protocol::kTcp, bytes, 64, 16); break;
      case kTcp6: Packet(v6_, ip_protocol::kTcp, bytes, 64, 16); break;
      case kUdp4: Packet(v4_, ip_protocol::kUdp, bytes, 64, 6); break;
      case kUdp6: Packet(v6_, ip_protocol::kUdp, bytes, 64, 6); break;
      case kWhole: SendWhole(bytes); break;
      case kFrame: SendFrame(bytes); break;
      case kTime:
        world_.clock.Advance(std::chrono::milliseconds(bytes.empty() ? 1 : bytes[0] * 100));
        world_.stack.RunTimers();
        break;
    }
    CheckSent();
  }

 private:
  static Bytes ArpTemplate() {
    Bytes arp(kArpSize);
    EmitArp({ArpOperation::kRequest, kPeerMac, Ip("192.0.2.2"), {}, Ip("192.0.2.1")}, arp.data());
    return arp;
  }
  // `bytes` xored over `base`, the rest appended: zeros leave the base as it is.
  static Bytes Laid(Bytes base, const Bytes& bytes) {
    for (size_t i = 0; i < bytes.size(); ++i) {
      if (i < base.size()) {
        base[i] ^= bytes[i];
      } else {
        base.push_back(bytes[i]);
      }
    }
    return base;
  }
  void Mended(Bytes bytes) {
    if (bytes.size() >= kIpv4HeaderSize) {
      const size_t size = static_cast<size_t>(bytes[0] & 15) * 4;
      if (size >= kIpv4HeaderSize && size <= bytes.size()) FixIpv4Checksum({bytes.data(), size});
    }
    world_.ReceiveFrame(EthernetFrame(kOwnMac, kPeerMac, ethertype::kIpv4, bytes));
  }
  void Packet(const Cast& cast, uint8_t protocol, Bytes bytes, uint8_t hop_limit, int checksum) {
    if (protocol == ip_protocol::kIcmp && bytes.size() >= 4) {
      StoreBe16(bytes.data() + 2, 0);
      StoreBe16(bytes.data() + 2, ChecksumOf(bytes));
    }
    if (checksum >= 0 && bytes.size() >= static_cast<size_t>(checksum) + 2) {
      StoreBe16(bytes.data() + checksum, 0);
      Checksum sum;
      sum.AddPseudoHeader(cast.peer, cast.own, protocol, static_cast<uint32_t>(bytes.size()));
      sum.Add(bytes);
      StoreBe16(bytes.data() + checksum, sum.Finish());
    }
    world_.ReceiveIp(IpPacket(cast.peer, cast.own, protocol, bytes, hop_limit));
  }
  // What a program with CAP_NET_RAW sends need not be well-formed.
  void SendWhole(const Bytes& bytes) {
    const std::span<const uint8_t> piece = bytes;
    (void)whole_->Send({&piece, 1}, {.destination = Endpoint{.address = v4_.peer}});
    world_.stack.Flush();
    world_.link.Clear();
  }
  void SendFrame(const Bytes& bytes) {
    const std::span<const uint8_t> piece = bytes;
    for (const InterfaceIndex interface : {kEth0, kLoopbackIndex}) {
      (void)sender_->Send({&piece, 1}, LinkName{.interface = interface});
      world_.stack.Flush();
    }
    world_.link.Clear();
  }
  void CheckWatched() {
    while (true) {
      const auto frame = watch_->Receive();
      if (!frame.ok()) return;
      if (frame->bytes.size() != frame->original_size ||
          frame->bytes.size() < kEthernetHeaderSize ||
          frame->network_offset != kEthernetHeaderSize) {
        std::abort();
      }
    }
  }
  void Fragment4(const Bytes& bytes) {
    if (bytes.size() < 4) return;
    Ipv4Fields fields;
    fields.source = v4_.peer;
    fields.destination = v4_.own;
    fields.protocol = bytes[0] % 2 == 0 ? ip_protocol::kUdp : ip_protocol::kIcmp;
    fields.identification = bytes[1] % 4;
    fields.fragment_offset = (bytes[2] % 16) * 8;
    fields.more_fragments = (bytes[3] & 1) != 0;
    world_.ReceiveIp(Ipv4Packet(fields, Bytes(bytes.begin() + 4, bytes.end())));
  }
  // Whatever came in: what goes out is well-formed, and queues stay within their bounds.
  void CheckSent() {
    int frames = 0;
    while (!world_.Silent()) {
      for (const Bytes& wire : world_.link.TakeWireFrames()) {
        const ParsedFrame frame = ParseFrame(wire);
        if (!frame.ok || frame.from != kOwnMac || frame.from.IsMulticast()) std::abort();
      }
      if (++frames > 10000) std::abort();
    }
    CheckWatched();
    if (world_.stack.Neighbors().size() > 2100) std::abort();
    while (raw4_->Receive().ok() || raw6_->Receive().ok()) {
    }
    while (udp_->Receive().ok()) {
    }
    while (tcp_->Accept().ok()) {
    }
  }

  StackWorld world_;
  Cast v4_, v6_;
  std::unique_ptr<DatagramSocket> udp_, raw4_, raw6_, whole_;
  std::unique_ptr<PacketSocket> watch_, sender_;
  std::unique_ptr<TcpSocket> tcp_;
  std::unique_ptr<TcpSocket> client_;
};

}  // namespace
}  // namespace moat::netstack

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using moat::netstack::Bytes;
  moat::netstack::FuzzWorld world;
  while (size >= 2) {
    const uint8_t kind = data[0];
    const size_t length = std::min<size_t>(data[1], size - 2);
    world.Feed(kind, Bytes(data + 2, data + 2 + length));
    data += 2 + length;
    size -= 2 + length;
  }
  return 0;
}
