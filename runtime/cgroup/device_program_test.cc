#include "runtime/cgroup/device_program.h"

#include <gtest/gtest.h>

#include "runtime/cgroup/default_devices.h"

namespace moat::runtime::cgroup {
namespace {

// Just enough of the eBPF machine to run what the compiler emits.
uint64_t Run(const std::vector<bpf_insn>& program, const bpf_cgroup_dev_ctx& context) {
  uint64_t reg[11] = {};
  const auto* words = reinterpret_cast<const uint32_t*>(&context);
  for (size_t at = 0; at < program.size(); ++at) {
    const bpf_insn& insn = program[at];
    uint64_t& dst = reg[insn.dst_reg];
    const uint64_t src = reg[insn.src_reg];
    switch (insn.code) {
      case BPF_LDX | BPF_MEM | BPF_W:
        dst = words[insn.off / 4];
        break;
      case BPF_ALU | BPF_MOV | BPF_X:
        dst = static_cast<uint32_t>(src);
        break;
      case BPF_ALU | BPF_MOV | BPF_K:
        dst = static_cast<uint32_t>(insn.imm);
        break;
      case BPF_ALU64 | BPF_MOV | BPF_K:
        dst = static_cast<int64_t>(insn.imm);
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        dst = static_cast<uint32_t>(dst) & insn.imm;
        break;
      case BPF_ALU | BPF_RSH | BPF_K:
        dst = static_cast<uint32_t>(dst) >> insn.imm;
        break;
      case BPF_JMP | BPF_JNE | BPF_K:
        if (dst != uint64_t(int64_t{insn.imm})) at += insn.off;
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        if (dst == uint64_t(int64_t{insn.imm})) at += insn.off;
        break;
      case BPF_JMP | BPF_JNE | BPF_X:
        if (dst != src) at += insn.off;
        break;
      case BPF_JMP | BPF_EXIT:
        return reg[0];
      default:
        ADD_FAILURE() << "unknown instruction " << int{insn.code};
        return 99;
    }
  }
  ADD_FAILURE() << "ran off the end";
  return 99;
}

bool Allowed(const std::vector<DeviceRule>& rules, char type, uint32_t major, uint32_t minor,
             const char* access) {
  uint32_t bits = 0;
  for (const char* c = access; *c != '\0'; ++c) {
    bits |= *c == 'm' ? BPF_DEVCG_ACC_MKNOD : *c == 'r' ? BPF_DEVCG_ACC_READ : BPF_DEVCG_ACC_WRITE;
  }
  const uint32_t kind = type == 'c' ? BPF_DEVCG_DEV_CHAR : BPF_DEVCG_DEV_BLOCK;
  const bpf_cgroup_dev_ctx context{
      .access_type = (bits << 16) | kind, .major = major, .minor = minor};
  return Run(CompileDeviceProgram(rules), context) == 1;
}

DeviceRule Rule(bool allow, const char* type, std::optional<int64_t> major,
                std::optional<int64_t> minor, const char* access) {
  DeviceRule rule;
  rule.allow = allow;
  rule.type = type;
  rule.major = major;
  rule.minor = minor;
  rule.access = access;
  return rule;
}

TEST(DeviceProgram, NothingIsAllowedWithoutARule) { EXPECT_FALSE(Allowed({}, 'c', 1, 3, "r")); }

TEST(DeviceProgram, TheLastMatchingRuleDecides) {
  const std::vector<DeviceRule> rules = {Rule(false, "a", {}, {}, "rwm"),
                                         Rule(true, "c", 1, {}, "rw"), Rule(false, "c", 1, 5, "w")};
  EXPECT_TRUE(Allowed(rules, 'c', 1, 3, "rw"));
  EXPECT_FALSE(Allowed(rules, 'c', 1, 3, "rwm"));
  EXPECT_FALSE(Allowed(rules, 'b', 1, 3, "r"));
  EXPECT_FALSE(Allowed(rules, 'c', 2, 3, "r"));
  EXPECT_TRUE(Allowed(rules, 'c', 1, 5, "r"));
  EXPECT_FALSE(Allowed(rules, 'c', 1, 5, "rw"));
}

TEST(DeviceProgram, AMatchAllRuleHidesEverythingBeforeIt) {
  const std::vector<DeviceRule> rules = {Rule(false, "c", 1, 3, "rwm"), Rule(true, "", {}, {}, "")};
  EXPECT_TRUE(Allowed(rules, 'c', 1, 3, "rwm"));
  EXPECT_LT(CompileDeviceProgram(rules).size(), 10u);
}

TEST(DeviceProgram, MinusOneIsAnyAndLargeNumbersAreExact) {
  EXPECT_TRUE(Allowed({Rule(true, "b", -1, -1, "rwm")}, 'b', 7, 9, "w"));
  const std::vector<DeviceRule> large = {Rule(true, "c", 1, 0xfffffff0LL, "rwm")};
  EXPECT_TRUE(Allowed(large, 'c', 1, 0xfffffff0u, "r"));
  EXPECT_FALSE(Allowed(large, 'c', 1, 0x7ffffff0u, "r"));
  EXPECT_FALSE(Allowed({Rule(true, "c", 1LL << 33, 0, "rwm")}, 'c', 0, 0, "r"));
}

TEST(DefaultDevices, AllowsTheUsualOnesAndMknod) {
  Resources resources;
  resources.devices = {Rule(false, "", {}, {}, "rwm")};
  AddDefaultDevices(&resources);
  EXPECT_TRUE(Allowed(resources.devices, 'c', 1, 3, "rwm"));   // null
  EXPECT_TRUE(Allowed(resources.devices, 'c', 136, 7, "rw"));  // a pty
  EXPECT_TRUE(Allowed(resources.devices, 'b', 8, 0, "m"));
  EXPECT_FALSE(Allowed(resources.devices, 'b', 8, 0, "r"));
  EXPECT_FALSE(Allowed(resources.devices, 'c', 1, 1, "r"));  // mem
}

}  // namespace
}  // namespace moat::runtime::cgroup
