// Any program over any packet: what is accepted ends, and what it says does not depend on how the
// packet is cut into pieces.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "netstack/bpf/classic_bpf.h"
#include "netstack/bpf/random_program.h"
#include "test/fuzz/seeds.h"

std::vector<std::vector<uint8_t>> FuzzSeeds() {
  std::vector<std::vector<uint8_t>> seeds;
  const std::array<uint8_t, 20> program = {0, 1, 2,  3, 40, 0, 1, 5, 44, 1,
                                           0, 9, 13, 0, 0,  4, 7, 2, 2,  2};
  for (uint8_t length = 0; length < 20; length += 4) seeds.push_back(FuzzSeed(length, 7, program));
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace moat::netstack;  // NOLINT: the entry point's name is fixed
  if (size < 2) return 0;
  const std::span<const uint8_t> bytes(data + 2, size - 2);
  const size_t cut = std::min<size_t>(data[0] * size_t{4}, bytes.size());
  const std::vector<BpfInstruction> shaped = ProgramOf(bytes.first(cut));
  const std::span<const uint8_t> packet = bytes.subspan(cut);
  const Result<ClassicBpf> program = ClassicBpf::Verify(shaped);
  if (!program.ok()) return 0;
  BpfInput whole{.head = packet, .start = data[1] % 16u, .network = data[1] % 32u, .random = 4};
  const uint32_t wanted = program->Run(whole);
  std::vector<std::span<const uint8_t>> pieces;
  const size_t step = data[1] / 32u + 1u;
  for (size_t at = 0; at < packet.size(); at += step) {
    pieces.push_back(packet.subspan(at, std::min(step, packet.size() - at)));
  }
  BpfInput cut_up = whole;
  cut_up.head = {};
  cut_up.rest = pieces;
  if (program->Run(cut_up) != wanted) __builtin_trap();
  return 0;
}
