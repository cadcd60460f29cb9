// Programs made of arbitrary bytes: shaped so that many of them are valid.
#ifndef MOAT_NETSTACK_BPF_RANDOM_PROGRAM_H_
#define MOAT_NETSTACK_BPF_RANDOM_PROGRAM_H_

#include <cstdint>
#include <span>
#include <vector>

#include "netstack/bpf/classic_bpf.h"

namespace moat::netstack {

// Four bytes for each instruction: the code out of a list (or, seldom, any), two jumps, the
// constant out of `bytes`' last. A returning instruction is put behind them.
inline std::vector<BpfInstruction> ProgramOf(std::span<const uint8_t> bytes) {
  constexpr uint16_t kCodes[] = {
      0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0x00, 0x60, 0x80,              // ld
      0x01, 0x61, 0x81, 0xb1, 0x02, 0x03,                                // ldx, st, stx
      0x04, 0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x34, 0x3c, 0x44, 0x4c, 0x54,  // alu
      0x5c, 0x64, 0x6c, 0x74, 0x7c, 0x84, 0x94, 0x9c, 0xa4, 0xac,
      0x05, 0x15, 0x1d, 0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d,              // jmp
      0x07, 0x87, 0x06, 0x16,                                            // tax, txa, ret
      0x02, 0x03, 0x30, 0x28, 0x15, 0x07,                                // more of some
  };
  constexpr size_t kCount = sizeof(kCodes) / sizeof(kCodes[0]);
  constexpr uint32_t kConstants[] = {
      0,  1,      2,          3,          4,          12,         14,         20,
      31, 40,     0xff,       32,         63,         64,         65,         15,
      16, 0xffff, 0xffffffff, 0x80000000, 0xfff00000, 0xffe00000, 0xfff0000e, 0x7fffffff};
  constexpr size_t kConstantCount = sizeof(kConstants) / sizeof(kConstants[0]);
  std::vector<BpfInstruction> program;
  for (size_t i = 0; i + 4 <= bytes.size(); i += 4) {
    BpfInstruction instruction;
    instruction.code = bytes[i] < 4 * kCount ? kCodes[bytes[i] % kCount] : bytes[i];
    instruction.jump_true = bytes[i + 1] % 4;
    instruction.jump_false = bytes[i + 2] % 4;
    instruction.constant = (bytes[i + 1] & 0x80) != 0 ? bytes[i + 3]
                                                      : kConstants[bytes[i + 3] % kConstantCount];
    program.push_back(instruction);
  }
  program.push_back({.code = 0x16});  // ret a
  return program;
}

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_BPF_RANDOM_PROGRAM_H_
