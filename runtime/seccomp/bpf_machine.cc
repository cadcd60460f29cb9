#include "runtime/seccomp/bpf_machine.h"

#include <cstring>

namespace moat::runtime::seccomp {
namespace {

std::optional<uint32_t> Run(const std::vector<sock_filter>& code, const seccomp_data& data,
                            size_t* steps) {
  uint32_t a = 0;
  uint32_t x = 0;
  uint32_t scratch[BPF_MEMWORDS] = {};
  *steps = 0;
  for (size_t pc = 0; pc < code.size(); ++pc) {
    const sock_filter& insn = code[pc];
    ++*steps;
    const auto branch = [&](bool taken) { pc += taken ? insn.jt : insn.jf; };
    switch (insn.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        if (insn.k % 4 != 0 || insn.k + 4 > sizeof data) return std::nullopt;
        std::memcpy(&a, reinterpret_cast<const char*>(&data) + insn.k, 4);
        break;
      case BPF_LD | BPF_MEM:
        if (insn.k >= BPF_MEMWORDS) return std::nullopt;
        a = scratch[insn.k];
        break;
      case BPF_ST:
        if (insn.k >= BPF_MEMWORDS) return std::nullopt;
        scratch[insn.k] = a;
        break;
      case BPF_MISC | BPF_TAX:
        x = a;
        break;
      case BPF_MISC | BPF_TXA:
        a = x;
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        a &= insn.k;
        break;
      case BPF_JMP | BPF_JA:
        pc += insn.k;
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        branch(a == insn.k);
        break;
      case BPF_JMP | BPF_JGT | BPF_K:
        branch(a > insn.k);
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        branch(a >= insn.k);
        break;
      case BPF_JMP | BPF_JSET | BPF_K:
        branch((a & insn.k) != 0);
        break;
      case BPF_RET | BPF_K:
        return insn.k;
      default:
        return std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<uint32_t> RunFilter(const std::vector<sock_filter>& code, const seccomp_data& data) {
  size_t ignored = 0;
  return Run(code, data, &ignored);
}

size_t CountSteps(const std::vector<sock_filter>& code, const seccomp_data& data) {
  size_t steps = 0;
  Run(code, data, &steps);
  return steps;
}

}  // namespace moat::runtime::seccomp
