#include "conform/bench/trace.h"

#include <cstdio>

namespace moat::conform {
namespace {

void Put32(Bytes& out, uint32_t value) {  // little-endian
  for (int i = 0; i < 4; ++i) out.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

}  // namespace

std::string Trace::Format(size_t most) const {
  std::string text;
  const size_t first = entries_.size() > most ? entries_.size() - most : 0;
  if (first != 0) text += "    ... " + std::to_string(first) + " frames before\n";
  for (size_t i = first; i < entries_.size(); ++i) {
    const auto& [sent, packet] = entries_[i];
    char head[48];
    std::snprintf(head, sizeof(head), "  %8.3f port %d %s ",
                  std::chrono::duration<double>(packet.time()).count(), packet.port(),
                  sent ? "->" : "<-");
    text += head + packet.Summary() + "\n";
  }
  return text;
}

// draft-ietf-opsawg-pcap: magic of nanosecond files, version 2.4, link type 1 (Ethernet).
Bytes Trace::Pcap() const {
  Bytes out;
  for (uint32_t word : {0xa1b23c4du, 0x00040002u, 0u, 0u, 262144u, 1u}) Put32(out, word);
  for (const auto& [sent, packet] : entries_) {
    const auto nanoseconds = packet.time().count();
    Put32(out, static_cast<uint32_t>(nanoseconds / 1000000000));
    Put32(out, static_cast<uint32_t>(nanoseconds % 1000000000));
    Put32(out, static_cast<uint32_t>(packet.bytes().size()));
    Put32(out, static_cast<uint32_t>(packet.bytes().size()));
    out.insert(out.end(), packet.bytes().begin(), packet.bytes().end());
  }
  return out;
}

}  // namespace moat::conform
