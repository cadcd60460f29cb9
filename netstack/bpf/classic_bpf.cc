#include "netstack/bpf/classic_bpf.h"

#include <algorithm>
#include <array>
#include <optional>

namespace moat::netstack {
namespace {

// The fields of an instruction's code (linux/bpf_common.h).
constexpr uint16_t kClassMask = 0x07;
constexpr uint16_t kLd = 0, kLdx = 1, kSt = 2, kStx = 3, kAlu = 4, kJmp = 5, kRet = 6, kMisc = 7;
constexpr uint16_t kSizeMask = 0x18, kWord = 0x00, kHalf = 0x08, kByte = 0x10;
constexpr uint16_t kModeMask = 0xe0;
constexpr uint16_t kImm = 0x00, kAbs = 0x20, kInd = 0x40, kMem = 0x60, kLen = 0x80, kMsh = 0xa0;
constexpr uint16_t kOpMask = 0xf0;
constexpr uint16_t kAdd = 0x00, kSub = 0x10, kMul = 0x20, kDiv = 0x30, kOr = 0x40, kAnd = 0x50,
                   kLsh = 0x60, kRsh = 0x70, kNeg = 0x80, kMod = 0x90, kXor = 0xa0;
constexpr uint16_t kJa = 0x00, kJeq = 0x10, kJgt = 0x20, kJge = 0x30, kJset = 0x40;
constexpr uint16_t kX = 0x08;             // the operand is X, not the constant
constexpr uint16_t kReturnA = 0x10;
constexpr uint16_t kTax = 0x00, kTxa = 0x80;

constexpr size_t kScratchWords = 16;  // BPF_MEMWORDS

// Offsets below zero (linux/filter.h).
constexpr int32_t kAncillary = -0x1000;
constexpr int32_t kNetwork = -0x100000;
constexpr int32_t kLink = -0x200000;
enum Ancillary : int32_t {
  kProtocol = 0, kPacketType = 4, kInterface = 8, kMark = 16, kQueue = 20, kHardwareType = 28,
  kRxHash = 32, kCpu = 36, kXorX = 40, kVlanTag = 44, kVlanTagPresent = 48, kRandom = 56,
  kVlanProtocol = 60,
};
constexpr Ancillary kKnownAncillary[] = {
    kProtocol, kPacketType, kInterface, kMark,           kQueue,  kHardwareType, kRxHash,
    kCpu,      kXorX,       kVlanTag,   kVlanTagPresent, kRandom, kVlanProtocol,
};

constexpr bool IsAncillary(uint32_t constant) {
  return static_cast<int32_t>(constant) < 0 && static_cast<int32_t>(constant) >= kAncillary;
}

// --- Verification --------------------------------------------------------------------------------

// The codes that there are; everything else is refused.
constexpr std::array<bool, 256> KnownCodes() {
  std::array<bool, 256> known{};
  for (uint16_t size : {kWord, kHalf, kByte}) {
    known[kLd | size | kAbs] = true;
    known[kLd | size | kInd] = true;
  }
  for (uint16_t mode : {kImm, kMem, kLen}) {
    known[kLd | mode] = true;
    known[kLdx | mode] = true;
  }
  known[kLdx | kByte | kMsh] = true;
  known[kSt] = known[kStx] = true;
  for (uint16_t operation : {kAdd, kSub, kMul, kDiv, kOr, kAnd, kLsh, kRsh, kMod, kXor}) {
    known[kAlu | operation] = true;
    known[kAlu | operation | kX] = true;
  }
  known[kAlu | kNeg] = true;
  known[kJmp | kJa] = true;
  for (uint16_t operation : {kJeq, kJgt, kJge, kJset}) {
    known[kJmp | operation] = true;
    known[kJmp | operation | kX] = true;
  }
  known[kRet] = known[kRet | kReturnA] = true;
  known[kMisc | kTax] = known[kMisc | kTxa] = true;
  return known;
}
constexpr std::array<bool, 256> kKnownCodes = KnownCodes();

bool OperandFits(const BpfInstruction& i) {
  switch (i.code & kClassMask) {
    case kAlu: {
      if ((i.code & kX) != 0) return true;
      const uint16_t operation = i.code & kOpMask;
      if (operation == kDiv || operation == kMod) return i.constant != 0;
      return (operation != kLsh && operation != kRsh) || i.constant < 32;
    }
    case kLd:
      if ((i.code & kModeMask) == kAbs && IsAncillary(i.constant)) {
        const auto asked =
            static_cast<Ancillary>(static_cast<int32_t>(i.constant) - kAncillary);
        return std::find(std::begin(kKnownAncillary), std::end(kKnownAncillary), asked) !=
               std::end(kKnownAncillary);
      }
      [[fallthrough]];
    case kLdx: return (i.code & kModeMask) != kMem || i.constant < kScratchWords;
    case kSt:
    case kStx: return i.constant < kScratchWords;
    default: return true;
  }
}

bool JumpsInside(const BpfInstruction& i, size_t at, size_t size) {
  if ((i.code & kClassMask) != kJmp) return true;
  const size_t left = size - at - 1;  // instructions behind this one
  if ((i.code & kOpMask) == kJa) return i.constant < left;
  return i.jump_true < left && i.jump_false < left;
}

// Whether no path reads a word of scratch memory that was not written on it (what follows a return
// counts as a path, as in Linux). Jumps only go forward, so one pass over all instructions sees
// every path into each before it.
bool ScratchIsWritten(std::span<const BpfInstruction> program) {
  constexpr uint16_t kAll = 0xffff;
  std::vector<uint16_t> written(program.size(), kAll);
  uint16_t now = 0;
  for (size_t at = 0; at < program.size(); ++at) {
    const BpfInstruction& i = program[at];
    now &= written[at];
    const auto bit = static_cast<uint16_t>(1u << (i.constant % kScratchWords));
    switch (i.code & kClassMask) {
      case kSt:
      case kStx: now |= bit; break;
      case kLd:
      case kLdx:
        if ((i.code & kModeMask) == kMem && (now & bit) == 0) return false;
        break;
      case kJmp:
        if ((i.code & kOpMask) == kJa) {
          written[at + 1 + i.constant] &= now;
        } else {
          written[at + 1 + i.jump_true] &= now;
          written[at + 1 + i.jump_false] &= now;
        }
        now = kAll;
        break;
      default: break;
    }
  }
  return true;
}

// --- Running -------------------------------------------------------------------------------------

// `size` (1, 2 or 4) bytes at `offset` of the packet, big-endian.
std::optional<uint32_t> Gather(const BpfInput& input, size_t offset, size_t size) {
  std::array<uint8_t, 4> bytes{};
  size_t got = 0;
  const auto take = [&](std::span<const uint8_t> piece) {
    if (offset >= piece.size()) {
      offset -= piece.size();
      return;
    }
    while (got < size && offset < piece.size()) bytes[got++] = piece[offset++];
    offset = 0;
  };
  take(input.head);
  for (const auto& piece : input.rest) {
    if (got == size) break;
    take(piece);
  }
  if (got != size) return std::nullopt;
  uint32_t value = 0;
  for (size_t i = 0; i < size; ++i) value = value << 8 | bytes[i];
  return value;
}

std::optional<uint32_t> Load(const BpfInput& input, uint32_t where, uint16_t code) {
  const size_t size = (code & kSizeMask) == kWord ? 4 : (code & kSizeMask) == kHalf ? 2 : 1;
  const auto offset = static_cast<int32_t>(where);
  if (offset >= 0) return Gather(input, input.start + static_cast<size_t>(offset), size);
  if (offset >= kNetwork) {
    return Gather(input, input.network + static_cast<size_t>(offset - kNetwork), size);
  }
  if (offset >= kLink) return Gather(input, static_cast<size_t>(offset - kLink), size);
  return std::nullopt;
}

uint32_t Ask(const BpfInput& input, Ancillary what, uint32_t a, uint32_t x) {
  switch (what) {
    case kProtocol: return input.protocol;
    case kPacketType: return input.packet_type;
    case kInterface: return input.interface;
    case kHardwareType: return input.hardware_type;
    case kRandom: return input.random;
    case kXorX: return a ^ x;
    default: return 0;
  }
}

// False: a division by zero.
bool Calculate(uint16_t operation, uint32_t operand, uint32_t& a) {
  switch (operation) {
    case kAdd: a += operand; break;
    case kSub: a -= operand; break;
    case kMul: a *= operand; break;
    case kOr: a |= operand; break;
    case kAnd: a &= operand; break;
    case kXor: a ^= operand; break;
    case kLsh: a <<= operand & 31; break;
    case kRsh: a >>= operand & 31; break;
    case kNeg: a = 0 - a; break;
    case kDiv:
      if (operand == 0) return false;
      a /= operand;
      break;
    case kMod:
      if (operand == 0) return false;
      a %= operand;
      break;
    default: break;
  }
  return true;
}

bool Holds(uint16_t operation, uint32_t a, uint32_t operand) {
  switch (operation) {
    case kJeq: return a == operand;
    case kJgt: return a > operand;
    case kJge: return a >= operand;
    default: return (a & operand) != 0;  // kJset
  }
}

}  // namespace

size_t BpfInput::size() const {
  size_t size = head.size();
  for (const auto& piece : rest) size += piece.size();
  return size;
}

Result<ClassicBpf> ClassicBpf::Verify(std::span<const BpfInstruction> program) {
  if (program.empty() || program.size() > kMostInstructions) return Error::kInvalid;
  for (size_t at = 0; at < program.size(); ++at) {
    const BpfInstruction& i = program[at];
    if (i.code >= kKnownCodes.size() || !kKnownCodes[i.code]) return Error::kInvalid;
    if (!OperandFits(i) || !JumpsInside(i, at, program.size())) return Error::kInvalid;
  }
  if ((program.back().code & kClassMask) != kRet) return Error::kInvalid;
  if (!ScratchIsWritten(program)) return Error::kInvalid;
  return ClassicBpf({program.begin(), program.end()});
}

uint32_t ClassicBpf::Run(const BpfInput& input) const {
  uint32_t a = 0, x = 0;
  std::array<uint32_t, kScratchWords> scratch{};
  const auto length = static_cast<uint32_t>(input.size() - std::min(input.size(), input.start));
  for (size_t at = 0; at < program_.size(); ++at) {
    const BpfInstruction& i = program_[at];
    const uint32_t operand = (i.code & kX) != 0 ? x : i.constant;  // of kAlu and kJmp
    switch (i.code & kClassMask) {
      case kLd:
      case kLdx: {
        uint32_t& to = (i.code & kClassMask) == kLd ? a : x;
        const uint16_t mode = i.code & kModeMask;
        if (mode == kImm) {
          to = i.constant;
        } else if (mode == kMem) {
          to = scratch[i.constant];
        } else if (mode == kLen) {
          to = length;
        } else if (mode == kAbs && IsAncillary(i.constant)) {
          to = Ask(input, static_cast<Ancillary>(static_cast<int32_t>(i.constant) - kAncillary), a,
                   x);
        } else {
          const std::optional<uint32_t> loaded =
              Load(input, mode == kInd ? x + i.constant : i.constant, i.code);
          if (!loaded.has_value()) return 0;
          to = mode == kMsh ? (*loaded & 0xf) * 4 : *loaded;
        }
        break;
      }
      case kSt: scratch[i.constant] = a; break;
      case kStx: scratch[i.constant] = x; break;
      case kAlu:
        if (!Calculate(i.code & kOpMask, operand, a)) return 0;
        break;
      case kJmp:
        if ((i.code & kOpMask) == kJa) {
          at += i.constant;
        } else {
          at += Holds(i.code & kOpMask, a, operand) ? i.jump_true : i.jump_false;
        }
        break;
      case kRet: return (i.code & kReturnA) != 0 ? a : i.constant;
      default:  // kMisc
        if ((i.code & kTxa) != 0) {
          a = x;
        } else {
          x = a;
        }
    }
  }
  return 0;  // not reached: the last instruction returns
}

}  // namespace moat::netstack
