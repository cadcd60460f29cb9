// Frames as a pcapng stream (draft-ietf-opsawg-pcapng), which Wireshark and tcpdump read.
//
//   PcapngWriter writer([&](std::span<const uint8_t> block) { file.Append(block); });
//   const uint32_t eth0 = writer.AddInterface("eth0", PcapngWriter::kEthernet, 0);
//   writer.AddFrame(eth0, clock.Now() + boot_time, PcapngWriter::Direction::kOut, pieces);
#ifndef MOAT_NETSTACK_LINK_PCAPNG_H_
#define MOAT_NETSTACK_LINK_PCAPNG_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "netstack/base/time.h"

namespace moat::netstack {

class PcapngWriter {
 public:
  // Given each complete block, in order. Writes the section header at once.
  using Sink = std::function<void(std::span<const uint8_t> block)>;
  explicit PcapngWriter(Sink sink);

  // LINKTYPE_ values.
  static constexpr uint16_t kEthernet = 1;
  static constexpr uint16_t kRawIp = 101;
  enum class Direction : uint8_t { kUnknown = 0, kIn = 1, kOut = 2 };

  // Returns the interface's number for AddFrame(). `snap_length` 0: whole frames.
  uint32_t AddInterface(std::string_view name, uint16_t link_type, uint32_t snap_length);
  // `since_epoch` has nanosecond resolution. Super-segments are written as they are.
  void AddFrame(uint32_t interface, Duration since_epoch, Direction direction,
                std::span<const std::span<const uint8_t>> pieces);

 private:
  void Begin(uint32_t type);
  void End();
  void Put16(uint16_t value);
  void Put32(uint32_t value);
  void PutBytes(std::span<const uint8_t> bytes);
  void Pad();
  void PutOption(uint16_t code, std::span<const uint8_t> value);

  Sink sink_;
  std::vector<uint8_t> block_;
  std::vector<uint32_t> snap_lengths_;  // by interface
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_LINK_PCAPNG_H_
