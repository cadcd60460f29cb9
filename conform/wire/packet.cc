#include "conform/wire/packet.h"

#include <algorithm>
#include <utility>

#include "conform/wire/decoder.h"
#include "conform/wire/summary.h"

namespace moat::conform {

Packet Packet::OfFrame(Bytes frame, int port, Duration time) {
  Packet packet;
  packet.bytes_ = std::move(frame);
  packet.port_ = port;
  packet.time_ = time;
  Decoder(packet, /*quoted=*/false).Ethernet();
  return packet;
}

Packet Packet::OfQuoted(Bytes ip) {
  Packet packet;
  packet.bytes_ = std::move(ip);
  Decoder(packet, /*quoted=*/true).Ip(0, packet.bytes_.size());
  return packet;
}

const Packet::Span* Packet::Find(Kind kind) const {
  for (const Span& span : layers_) {
    if (span.kind == kind) return &span;
  }
  return nullptr;
}

Value Packet::Get(const Field& field) const {
  const Span* span = Find(field.kind);
  if (span == nullptr) return 0;
  return LoadBits(bytes_.data() + span->at, span->end - span->at, field.bit, field.bits);
}

Ip Packet::GetIp(const Field& field) const {
  return field.show == Show::kIp6 ? Get(field).AsIp6() : Get(field).AsIp4();
}

Ip Packet::Source() const { return GetIp(Has(Kind::kIpv6) ? ipv6::kSource : ipv4::kSource); }

Ip Packet::Destination() const {
  return GetIp(Has(Kind::kIpv6) ? ipv6::kDestination : ipv4::kDestination);
}

Bytes Packet::From(Kind kind) const {
  const Span* span = Find(kind);
  if (span == nullptr) return {};
  return Bytes(bytes_.begin() + static_cast<ptrdiff_t>(span->at),
               bytes_.begin() + static_cast<ptrdiff_t>(span->end));
}

Bytes Packet::Payload() const {
  if (layers_.empty()) return {};
  const Span& last = layers_.back();
  const size_t at = std::min(last.at + last.header, last.end);
  return Bytes(bytes_.begin() + static_cast<ptrdiff_t>(at),
               bytes_.begin() + static_cast<ptrdiff_t>(last.end));
}

Bytes Packet::Options(Kind kind) const {
  const Span* span = Find(kind);
  if (span == nullptr) return {};
  const size_t fixed = kind == Kind::kIpv4 || kind == Kind::kTcp ? 20 : 2;
  if (span->header <= fixed) return {};
  return Bytes(bytes_.begin() + static_cast<ptrdiff_t>(span->at + fixed),
               bytes_.begin() + static_cast<ptrdiff_t>(span->at + span->header));
}

Packet Packet::Quoted() const {
  const bool error4 = Has(Kind::kIcmp4) && IsIcmp4Error(static_cast<int>(Get(icmp4::kType)));
  const bool error6 = Has(Kind::kIcmp6) && Get(icmp6::kType).u64() < 128;
  if (!error4 && !error6) return Packet();
  return OfQuoted(Payload());
}

std::string Packet::Summary() const { return Summarize(*this); }

}  // namespace moat::conform
