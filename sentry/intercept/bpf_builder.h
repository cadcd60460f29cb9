// Assembles a classic BPF program for seccomp(2) at compile time: named labels, forward jumps only
// (as the kernel demands), fixed capacity.
#ifndef MOAT_SENTRY_INTERCEPT_BPF_BUILDER_H_
#define MOAT_SENTRY_INTERCEPT_BPF_BUILDER_H_

#include <linux/bpf_common.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace moat::sentry {

// Offsets into struct seccomp_data (little-endian: the low half of an argument comes first).
inline constexpr uint32_t kDataNumber = 0;
inline constexpr uint32_t kDataArchitecture = 4;
constexpr uint32_t DataArgumentLow(int i) { return 16 + 8 * static_cast<uint32_t>(i); }
constexpr uint32_t DataArgumentHigh(int i) { return DataArgumentLow(i) + 4; }

template <size_t kCapacity>
class BpfBuilder {
 public:
  // A place in the program; jumps to it may be added until it is placed.
  using Label = uint8_t;
  static constexpr Label kNext = 0;  // the following instruction

  constexpr Label NewLabel() { return ++labels_; }
  constexpr void Place(Label label) { position_[label] = size_; }

  constexpr void Load(uint32_t offset) { Append(BPF_LD | BPF_W | BPF_ABS, offset, kNext, kNext); }
  constexpr void JumpIfEqual(uint32_t value, Label yes, Label no = kNext) {
    Append(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no);
  }
  constexpr void JumpIfAtLeast(uint32_t value, Label yes, Label no = kNext) {
    Append(BPF_JMP | BPF_JGE | BPF_K, value, yes, no);
  }
  constexpr void JumpIfAnyBit(uint32_t bits, Label yes, Label no = kNext) {
    Append(BPF_JMP | BPF_JSET | BPF_K, bits, yes, no);
  }
  constexpr void Return(uint32_t action) { Append(BPF_RET | BPF_K, action, kNext, kNext); }
  constexpr void ReturnErrno(uint32_t error) {
    Return(SECCOMP_RET_ERRNO | (error & SECCOMP_RET_DATA));
  }

  // Resolves the labels. False: too long, a label that was not placed, or a jump backwards or
  // beyond 255 instructions.
  constexpr bool Finish() {
    if (overflow_) return false;
    for (size_t i = 0; i < size_; ++i) {
      if (!Resolve(i, yes_[i], &program_[i].jt) || !Resolve(i, no_[i], &program_[i].jf))
        return false;
    }
    return true;
  }

  constexpr size_t size() const { return size_; }
  constexpr const std::array<sock_filter, kCapacity>& program() const { return program_; }

 private:
  constexpr void Append(uint16_t code, uint32_t k, Label yes, Label no) {
    if (size_ >= kCapacity) {
      overflow_ = true;
      return;
    }
    program_[size_] = {code, 0, 0, k};
    yes_[size_] = yes;
    no_[size_] = no;
    ++size_;
  }
  constexpr bool Resolve(size_t at, Label label, uint8_t* jump) const {
    if (label == kNext) return true;
    const size_t target = position_[label];
    if (target <= at || target - at - 1 > 255) return false;
    *jump = static_cast<uint8_t>(target - at - 1);
    return true;
  }

  std::array<sock_filter, kCapacity> program_{};
  std::array<Label, kCapacity> yes_{};
  std::array<Label, kCapacity> no_{};
  std::array<size_t, 256> position_{};
  size_t size_ = 0;
  Label labels_ = 0;
  bool overflow_ = false;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_INTERCEPT_BPF_BUILDER_H_
