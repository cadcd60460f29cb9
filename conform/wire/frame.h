// Frames as a stack of layers, built with `/`. Lengths, checksums, types and protocol numbers are
// filled in when the bytes are made, unless a case has set them: every field can be made wrong.
//
//   Frame ping = Eth(to, from) / Ipv4(src, dst).Set(ipv4::kTtl, 1) / EchoRequest4(7, 1) / Raw(56);
//   Frame bad = Eth(to, from) / Ipv4(src, dst).Set(ipv4::kChecksum, 0xdead) / Raw(20);
//   Bytes bytes = ping.Build();
#ifndef MOAT_CONFORM_WIRE_FRAME_H_
#define MOAT_CONFORM_WIRE_FRAME_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "conform/wire/address.h"
#include "conform/wire/field.h"
#include "conform/wire/fields.h"

namespace moat::conform {

class Layer {
 public:
  Layer(Kind kind, Bytes bytes) : kind_(kind), bytes_(std::move(bytes)) {}

  // Sets a field; what is set is not filled in by Build(). Fields of another layer end the process.
  Layer Set(const Field& field, Value value) const;
  // Appends header options. IPv4, TCP and the option headers are padded with zeros to their unit.
  Layer Options(const Bytes& options) const;
  // Cuts the layer to `size` bytes, after everything else was filled in.
  Layer Truncate(size_t size) const;

  Kind kind() const { return kind_; }
  const Bytes& bytes() const { return bytes_; }
  bool IsSet(const Field& field) const;

 private:
  friend class Frame;
  Kind kind_;
  Bytes bytes_;
  std::vector<const char*> set_;  // names of fields that the case has set
  size_t truncate_ = SIZE_MAX;
};

class Frame {
 public:
  Frame() = default;
  Frame(const Layer& layer) : layers_{layer} {}  // NOLINT: implicit by design

  Frame operator/(const Layer& layer) const;
  Frame operator/(const Frame& inner) const;
  // Sets a field of the first layer of its kind.
  Frame Set(const Field& field, Value value) const;
  // The frame without its first layer (to quote or fragment an IP packet).
  Frame Inner() const;
  const std::vector<Layer>& layers() const { return layers_; }

  Bytes Build() const;

 private:
  std::vector<Layer> layers_;
};
inline Frame operator/(const Layer& outer, const Layer& inner) { return Frame(outer) / inner; }
inline Frame operator/(const Layer& outer, const Frame& inner) { return Frame(outer) / inner; }

// --- Layers ------------------------------------------------------------------------------------
Layer Eth(const Mac& destination, const Mac& source);
Layer Arp(int operation, const Mac& sender_mac, const Ip& sender, const Mac& target_mac,
          const Ip& target);
Layer Ipv4(const Ip& source, const Ip& destination);  // TTL 64, id 0x1234
Layer Ipv6(const Ip& source, const Ip& destination);  // hop limit 64
Layer Ip4Or6(const Ip& source, const Ip& destination);
Layer HopByHop(const Bytes& options = {});  // padded with PadN to 8 bytes
Layer DestinationOptions(const Bytes& options = {});
Layer Routing(int type, int segments_left, const Bytes& data = Bytes(4));
Layer FragmentHeader(int offset_bytes, bool more, uint32_t id = 0x12345678);
Layer Icmp4(int type, int code = 0, uint32_t rest = 0);
Layer Icmp6(int type, int code = 0, uint32_t rest = 0);
Layer EchoRequest4(int id, int sequence);
Layer EchoRequest6(int id, int sequence);
Layer Igmp(int type, const Ip& group, int max_response = 0);
Layer Udp(int source_port, int destination_port);
Layer Tcp(int source_port, int destination_port, int flags, uint32_t sequence, uint32_t ack = 0,
          int window = 65535);
Layer Raw(Bytes bytes);
Layer Raw(size_t size);  // 0, 1, 2, ... 255, 0, ...
Bytes Pattern(size_t size, uint8_t first = 0);

// The packet cut into IP fragments with payloads of `sizes` bytes (all but the last a multiple of
// 8; what is left over makes one more). The first layer is the Ethernet one.
std::vector<Frame> FragmentIpv4(const Frame& frame, const std::vector<size_t>& sizes);
std::vector<Frame> FragmentIpv6(const Frame& frame, const std::vector<size_t>& sizes,
                                uint32_t id = 0x12345678);

// RFC 1071 over `bytes`, continuing `sum`; not yet complemented.
uint32_t SumWords(const uint8_t* bytes, size_t size, uint32_t sum = 0);
uint16_t FoldSum(uint32_t sum);  // folded and complemented

}  // namespace moat::conform

#endif  // MOAT_CONFORM_WIRE_FRAME_H_
