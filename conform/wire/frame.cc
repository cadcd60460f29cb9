#include "conform/wire/frame.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "conform/wire/layer_rules.h"

namespace moat::conform {
namespace {

constexpr size_t kNoLimit = SIZE_MAX;

// Pads to a multiple of `unit` with `filler`.
void Pad(Bytes& bytes, size_t unit, uint8_t filler) {
  while (bytes.size() % unit != 0) bytes.push_back(filler);
}

// RFC 8200 4.2: Pad1 or PadN up to the next 8 bytes.
void PadOptions(Bytes& bytes) {
  const size_t missing = (8 - bytes.size() % 8) % 8;
  if (missing == 1) bytes.push_back(0);
  if (missing < 2) return;
  bytes.push_back(1);
  bytes.push_back(static_cast<uint8_t>(missing - 2));
  bytes.resize(bytes.size() + missing - 2);
}

}  // namespace

uint32_t SumWords(const uint8_t* bytes, size_t size, uint32_t sum) {
  for (size_t i = 0; i < size; ++i) sum += i % 2 == 0 ? uint32_t{bytes[i]} << 8 : bytes[i];
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

uint16_t FoldSum(uint32_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

Layer Layer::Set(const Field& field, Value value) const {
  if (field.kind != kind_) {
    std::fprintf(stderr, "conform: %s set on a layer %s\n", field.name, KindName(kind_));
    std::abort();
  }
  Layer copy = *this;
  StoreBits(copy.bytes_, field.bit, field.bits, value);
  copy.set_.push_back(field.name);
  return copy;
}

Layer Layer::Options(const Bytes& options) const {
  Layer copy = *this;
  copy.bytes_.insert(copy.bytes_.end(), options.begin(), options.end());
  switch (kind_) {
    case Kind::kIpv4:
    case Kind::kTcp:
      Pad(copy.bytes_, 4, 0);
      break;
    case Kind::kHopByHop:
    case Kind::kDestinationOptions:
      PadOptions(copy.bytes_);
      break;
    default:
      break;
  }
  return copy;
}

Layer Layer::Truncate(size_t size) const {
  Layer copy = *this;
  copy.truncate_ = size;
  return copy;
}

bool Layer::IsSet(const Field& field) const {
  for (const char* name : set_) {
    if (std::strcmp(name, field.name) == 0) return true;
  }
  return false;
}

Frame Frame::operator/(const Layer& layer) const {
  Frame frame = *this;
  frame.layers_.push_back(layer);
  return frame;
}

Frame Frame::operator/(const Frame& inner) const {
  Frame frame = *this;
  frame.layers_.insert(frame.layers_.end(), inner.layers_.begin(), inner.layers_.end());
  return frame;
}

Frame Frame::Set(const Field& field, Value value) const {
  Frame frame = *this;
  for (Layer& layer : frame.layers_) {
    if (layer.kind() != field.kind) continue;
    layer = layer.Set(field, value);
    return frame;
  }
  std::fprintf(stderr, "conform: the frame has no layer for %s\n", field.name);
  std::abort();
}

Frame Frame::Inner() const {
  Frame frame = *this;
  if (!frame.layers_.empty()) frame.layers_.erase(frame.layers_.begin());
  return frame;
}

// From the inside out: a layer's length and checksum cover what is inside it, and transport
// checksums also cover addresses of the IP layer around it.
Bytes Frame::Build() const {
  Bytes inside;
  for (size_t i = layers_.size(); i-- > 0;) {
    Layer layer = layers_[i];
    const Layer* next = i + 1 < layers_.size() ? &layers_[i + 1] : nullptr;
    FillIn({layer, layer.bytes_, next, inside, EnclosingIp(layers_, i)});
    if (layer.truncate_ < layer.bytes_.size()) layer.bytes_.resize(layer.truncate_);
    inside.insert(inside.begin(), layer.bytes_.begin(), layer.bytes_.end());
  }
  return inside;
}

// --- Layers ------------------------------------------------------------------------------------

namespace {
// A field's starting value, which Build() may still replace.
Layer With(Layer layer, const Field& field, Value value) {
  Bytes bytes = layer.bytes();
  StoreBits(bytes, field.bit, field.bits, value);
  return Layer(layer.kind(), std::move(bytes));
}
}  // namespace

Layer Eth(const Mac& destination, const Mac& source) {
  Layer layer(Kind::kEthernet, Bytes(14));
  layer = With(layer, eth::kDestination, destination);
  return With(layer, eth::kSource, source);
}

Layer Arp(int operation, const Mac& sender_mac, const Ip& sender, const Mac& target_mac,
          const Ip& target) {
  Layer layer(Kind::kArp, Bytes(28));
  layer = With(layer, arp::kHardwareType, 1);
  layer = With(layer, arp::kProtocolType, eth::kTypeIpv4);
  layer = With(layer, arp::kHardwareLength, 6);
  layer = With(layer, arp::kProtocolLength, 4);
  layer = With(layer, arp::kOperation, operation);
  layer = With(layer, arp::kSenderMac, sender_mac);
  layer = With(layer, arp::kSenderIp, sender);
  layer = With(layer, arp::kTargetMac, target_mac);
  return With(layer, arp::kTargetIp, target);
}

Layer Ipv4(const Ip& source, const Ip& destination) {
  Layer layer(Kind::kIpv4, Bytes(20));
  layer = With(layer, ipv4::kVersion, 4);
  layer = With(layer, ipv4::kId, 0x1234);
  layer = With(layer, ipv4::kTtl, 64);
  layer = With(layer, ipv4::kSource, source);
  return With(layer, ipv4::kDestination, destination);
}

Layer Ipv6(const Ip& source, const Ip& destination) {
  Layer layer(Kind::kIpv6, Bytes(40));
  layer = With(layer, ipv6::kVersion, 6);
  layer = With(layer, ipv6::kHopLimit, 64);
  layer = With(layer, ipv6::kSource, source);
  return With(layer, ipv6::kDestination, destination);
}

Layer Ip4Or6(const Ip& source, const Ip& destination) {
  return source.v6() ? Ipv6(source, destination) : Ipv4(source, destination);
}

Layer HopByHop(const Bytes& options) {
  return Layer(Kind::kHopByHop, Bytes(2)).Options(options);
}

Layer DestinationOptions(const Bytes& options) {
  return Layer(Kind::kDestinationOptions, Bytes(2)).Options(options);
}

Layer Routing(int type, int segments_left, const Bytes& data) {
  Layer layer(Kind::kRouting, Bytes(4));
  layer = With(layer, routing::kType, type);
  return With(layer, routing::kSegmentsLeft, segments_left).Options(data);
}

Layer FragmentHeader(int offset_bytes, bool more, uint32_t id) {
  Layer layer(Kind::kFragment, Bytes(8));
  layer = With(layer, fragment::kOffset, offset_bytes / 8);
  layer = With(layer, fragment::kMore, more ? 1 : 0);
  return With(layer, fragment::kId, id);
}

Layer Icmp4(int type, int code, uint32_t rest) {
  Layer layer(Kind::kIcmp4, Bytes(8));
  layer = With(layer, icmp4::kType, type);
  layer = With(layer, icmp4::kCode, code);
  return With(layer, icmp4::kRest, rest);
}

Layer Icmp6(int type, int code, uint32_t rest) {
  Layer layer(Kind::kIcmp6, Bytes(8));
  layer = With(layer, icmp6::kType, type);
  layer = With(layer, icmp6::kCode, code);
  return With(layer, icmp6::kRest, rest);
}

Layer EchoRequest4(int id, int sequence) {
  return With(With(Icmp4(icmp4::kEcho), icmp4::kId, id), icmp4::kSequence, sequence);
}

Layer EchoRequest6(int id, int sequence) {
  return With(With(Icmp6(icmp6::kEcho), icmp6::kId, id), icmp6::kSequence, sequence);
}

Layer Igmp(int type, const Ip& group, int max_response) {
  Layer layer(Kind::kIgmp, Bytes(8));
  layer = With(layer, igmp::kType, type);
  layer = With(layer, igmp::kMaxResponse, max_response);
  return With(layer, igmp::kGroup, group);
}

Layer Udp(int source_port, int destination_port) {
  Layer layer(Kind::kUdp, Bytes(8));
  layer = With(layer, udp::kSourcePort, source_port);
  return With(layer, udp::kDestinationPort, destination_port);
}

Layer Tcp(int source_port, int destination_port, int flags, uint32_t sequence, uint32_t ack,
          int window) {
  Layer layer(Kind::kTcp, Bytes(20));
  layer = With(layer, tcp::kSourcePort, source_port);
  layer = With(layer, tcp::kDestinationPort, destination_port);
  layer = With(layer, tcp::kFlags, flags);
  layer = With(layer, tcp::kSequence, sequence);
  layer = With(layer, tcp::kAcknowledgment, ack);
  return With(layer, tcp::kWindow, window);
}

Layer Raw(Bytes bytes) { return Layer(Kind::kRaw, std::move(bytes)); }
Layer Raw(size_t size) { return Raw(Pattern(size)); }

Bytes Pattern(size_t size, uint8_t first) {
  Bytes bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(first + i);
  return bytes;
}

// --- Fragments ---------------------------------------------------------------------------------

std::vector<Frame> FragmentIpv4(const Frame& frame, const std::vector<size_t>& sizes) {
  const Layer& ethernet = frame.layers().at(0);
  const Layer& ip = frame.layers().at(1);
  const Bytes whole = frame.Inner().Build();
  const Bytes payload(whole.begin() + static_cast<ptrdiff_t>(ip.bytes().size()), whole.end());
  const int protocol = whole.at(9);
  std::vector<Frame> out;
  size_t at = 0;
  for (size_t i = 0; at < payload.size(); ++i) {
    const size_t size = std::min(i < sizes.size() ? sizes[i] : kNoLimit, payload.size() - at);
    const Bytes piece(payload.begin() + static_cast<ptrdiff_t>(at),
                      payload.begin() + static_cast<ptrdiff_t>(at + size));
    out.push_back(ethernet / ip.Set(ipv4::kProtocol, protocol)
                                 .Set(ipv4::kFragmentOffset, at / 8)
                                 .Set(ipv4::kMoreFragments, at + size < payload.size() ? 1 : 0) /
                  Raw(piece));
    at += size;
  }
  return out;
}

std::vector<Frame> FragmentIpv6(const Frame& frame, const std::vector<size_t>& sizes,
                                uint32_t id) {
  const Layer& ethernet = frame.layers().at(0);
  const Layer& ip = frame.layers().at(1);
  const Bytes whole = frame.Inner().Build();
  const Bytes payload(whole.begin() + 40, whole.end());
  const int next = whole.at(6);
  std::vector<Frame> out;
  size_t at = 0;
  for (size_t i = 0; at < payload.size(); ++i) {
    const size_t size = std::min(i < sizes.size() ? sizes[i] : kNoLimit, payload.size() - at);
    const Bytes piece(payload.begin() + static_cast<ptrdiff_t>(at),
                      payload.begin() + static_cast<ptrdiff_t>(at + size));
    const Layer header =
        FragmentHeader(static_cast<int>(at), at + size < payload.size(), id)
            .Set(fragment::kNextHeader, next);
    out.push_back(ethernet / ip / header / Raw(piece));
    at += size;
  }
  return out;
}

}  // namespace moat::conform
