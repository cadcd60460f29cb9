// A seccomp profile from arbitrary bytes: whatever compiles is a well-formed program, for any call.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "runtime/seccomp/bpf_machine.h"
#include "runtime/seccomp/compile.h"

namespace {

class Bytes {
 public:
  Bytes(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  uint8_t Byte() { return at_ < size_ ? data_[at_++] : 0; }
  uint64_t Word() {
    uint64_t word = 0;
    for (int i = 0; i < 8; ++i) word = word << 8 | Byte();
    return word;
  }
  bool empty() const { return at_ >= size_; }
  template <size_t n>
  const char* Pick(const char* const (&words)[n]) {
    return words[Byte() % n];
  }

 private:
  const uint8_t* data_;
  size_t size_;
  size_t at_ = 0;
};

constexpr const char* kActions[] = {"SCMP_ACT_ALLOW",
                                    "SCMP_ACT_ERRNO",
                                    "SCMP_ACT_KILL",
                                    "SCMP_ACT_LOG",
                                    "SCMP_ACT_TRAP",
                                    "SCMP_ACT_NOTIFY",
                                    "",
                                    "x"};
constexpr const char* kOps[] = {"SCMP_CMP_EQ", "SCMP_CMP_NE", "SCMP_CMP_LT",        "SCMP_CMP_LE",
                                "SCMP_CMP_GT", "SCMP_CMP_GE", "SCMP_CMP_MASKED_EQ", "?"};
constexpr const char* kNames[] = {"read",   "clone", "socket", "semop", "mseal",
                                  "openat", "ipc",   "",       "zzz",   "personality"};
constexpr const char* kArchitectures[] = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32",
                                          "SCMP_ARCH_AARCH64", "?"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Bytes in(data, size);
  moat::runtime::Seccomp profile;
  profile.default_action = in.Pick(kActions);
  for (int i = in.Byte() % 4; i > 0; --i) profile.architectures.push_back(in.Pick(kArchitectures));
  while (!in.empty()) {
    moat::runtime::SeccompRule& rule = profile.syscalls.emplace_back();
    rule.action = in.Pick(kActions);
    rule.errno_ret = in.Byte();
    for (int i = in.Byte() % 4; i >= 0; --i) rule.names.push_back(in.Pick(kNames));
    for (int i = in.Byte() % 5; i > 0; --i) {
      moat::runtime::SeccompArg& arg = rule.args.emplace_back();
      arg.index = in.Byte() % 8;
      arg.op = in.Pick(kOps);
      arg.value = in.Word();
      arg.value_two = in.Word();
    }
  }
  const auto program = moat::runtime::seccomp::Compile(profile);
  if (!program.ok()) return 0;
  for (uint32_t nr : {0u, 56u, 102u, 117u, 359u, 462u, 0x40000000u, 0xffffffffu}) {
    for (uint32_t arch : {0xc000003eu, 0x40000003u, 0xc00000b7u, 0u}) {
      seccomp_data call{};
      call.nr = static_cast<int>(nr);
      call.arch = arch;
      for (auto& arg : call.args) arg = nr;
      if (!moat::runtime::seccomp::RunFilter(program->code, call)) std::abort();
    }
  }
  return 0;
}
