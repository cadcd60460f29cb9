#include "netstack/link/pcapng.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace moat::netstack {
namespace {

// Block types and options by the draft's sections 4.1 to 4.3.
constexpr uint32_t kSectionHeader = 0x0a0d0d0a, kInterface = 1, kEnhancedPacket = 6;
constexpr uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr uint16_t kEndOfOptions = 0, kInterfaceName = 2, kTimestampResolution = 9,
                   kPacketFlags = 2;
constexpr uint8_t kNanoseconds = 9;  // 10^-9

}  // namespace

PcapngWriter::PcapngWriter(Sink sink) : sink_(std::move(sink)) {
  Begin(kSectionHeader);
  Put32(kByteOrderMagic);
  Put16(1);
  Put16(0);
  Put32(0xffffffff);  // section length: unknown
  Put32(0xffffffff);
  End();
}

uint32_t PcapngWriter::AddInterface(std::string_view name, uint16_t link_type,
                                    uint32_t snap_length) {
  Begin(kInterface);
  Put16(link_type);
  Put16(0);
  Put32(snap_length);
  PutOption(kInterfaceName, {reinterpret_cast<const uint8_t*>(name.data()), name.size()});
  PutOption(kTimestampResolution, {&kNanoseconds, 1});
  PutOption(kEndOfOptions, {});
  End();
  snap_lengths_.push_back(snap_length == 0 ? UINT32_MAX : snap_length);
  return static_cast<uint32_t>(snap_lengths_.size() - 1);
}

void PcapngWriter::AddFrame(uint32_t interface, Duration since_epoch, Direction direction,
                            std::span<const std::span<const uint8_t>> pieces) {
  size_t size = 0;
  for (const auto& piece : pieces) size += piece.size();
  const size_t captured = std::min<size_t>(size, snap_lengths_.at(interface));
  const uint64_t time = static_cast<uint64_t>(since_epoch.count());
  Begin(kEnhancedPacket);
  Put32(interface);
  Put32(static_cast<uint32_t>(time >> 32));
  Put32(static_cast<uint32_t>(time));
  Put32(static_cast<uint32_t>(captured));
  Put32(static_cast<uint32_t>(size));
  size_t left = captured;
  for (const auto& piece : pieces) {
    const size_t take = std::min(left, piece.size());
    PutBytes(piece.first(take));
    left -= take;
  }
  Pad();
  const uint32_t flags = static_cast<uint32_t>(direction);
  PutOption(kPacketFlags, {reinterpret_cast<const uint8_t*>(&flags), sizeof(flags)});
  PutOption(kEndOfOptions, {});
  End();
}

void PcapngWriter::Begin(uint32_t type) {
  block_.clear();
  Put32(type);
  Put32(0);  // total length, known at the end
}

void PcapngWriter::End() {
  const uint32_t total = static_cast<uint32_t>(block_.size() + sizeof(uint32_t));
  std::memcpy(block_.data() + 4, &total, sizeof(total));
  Put32(total);
  sink_(block_);
}

void PcapngWriter::PutBytes(std::span<const uint8_t> bytes) {
  block_.insert(block_.end(), bytes.begin(), bytes.end());
}

void PcapngWriter::Put16(uint16_t value) {
  PutBytes({reinterpret_cast<const uint8_t*>(&value), sizeof(value)});
}

void PcapngWriter::Put32(uint32_t value) {
  PutBytes({reinterpret_cast<const uint8_t*>(&value), sizeof(value)});
}

void PcapngWriter::Pad() { block_.resize((block_.size() + 3) & ~size_t{3}); }

void PcapngWriter::PutOption(uint16_t code, std::span<const uint8_t> value) {
  Put16(code);
  Put16(static_cast<uint16_t>(value.size()));
  PutBytes(value);
  Pad();
}

}  // namespace moat::netstack
