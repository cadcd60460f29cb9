#include "runtime/cgroup/device_program.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "absl/strings/str_cat.h"

namespace moat::runtime::cgroup {
namespace {

// Registers of the program. R1 comes in as the context, struct bpf_cgroup_dev_ctx.
constexpr uint8_t kResult = BPF_REG_0;
constexpr uint8_t kContext = BPF_REG_1;  // free after the prologue
constexpr uint8_t kType = BPF_REG_2;
constexpr uint8_t kAccess = BPF_REG_3;
constexpr uint8_t kMajor = BPF_REG_4;
constexpr uint8_t kMinor = BPF_REG_5;

bpf_insn Instruction(uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm) {
  bpf_insn insn{};
  insn.code = code;
  insn.dst_reg = dst;
  insn.src_reg = src;
  insn.off = off;
  insn.imm = imm;
  return insn;
}

bpf_insn Load(uint8_t dst, int16_t offset) {
  return Instruction(BPF_LDX | BPF_MEM | BPF_W, dst, BPF_REG_1, offset, 0);
}
bpf_insn Set(uint8_t dst, int32_t value) {
  return Instruction(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value);
}
bpf_insn Exit() { return Instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0); }

constexpr int32_t kAllAccess = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;

int32_t AccessBits(const std::string& access) {
  int32_t bits = 0;
  for (char c : access) {
    bits |= c == 'm' ? BPF_DEVCG_ACC_MKNOD : c == 'r' ? BPF_DEVCG_ACC_READ : BPF_DEVCG_ACC_WRITE;
  }
  return bits == 0 ? kAllAccess : bits;
}

bool AnyType(const DeviceRule& rule) { return rule.type != "b" && rule.type != "c"; }
bool AnyNumber(const std::optional<int64_t>& number) { return number.value_or(-1) < 0; }

// A number that no device has.
bool Impossible(const std::optional<int64_t>& number) { return number.value_or(0) > UINT32_MAX; }

// Jumps (JNE and JEQ with offset 0) are filled in to lead to the end of the rule.
std::vector<bpf_insn> CompileRule(const DeviceRule& rule) {
  std::vector<bpf_insn> out;
  // 32-bit compares (BPF_JMP32) need 5.1; the registers hold zero-extended words, and an immediate
  // above 2^31 would be sign-extended, so large numbers are compared through a register.
  const auto unless_equal = [&out](uint8_t reg, int64_t value) {
    if (value > INT32_MAX) {
      out.push_back(Instruction(BPF_ALU | BPF_MOV | BPF_K, kContext, 0, 0,
                                static_cast<int32_t>(static_cast<uint32_t>(value))));
      out.push_back(Instruction(BPF_JMP | BPF_JNE | BPF_X, reg, kContext, 0, 0));
    } else {
      out.push_back(Instruction(BPF_JMP | BPF_JNE | BPF_K, reg, 0, 0, static_cast<int32_t>(value)));
    }
  };
  if (!AnyType(rule)) {
    unless_equal(kType, rule.type == "c" ? BPF_DEVCG_DEV_CHAR : BPF_DEVCG_DEV_BLOCK);
  }
  const int32_t bits = AccessBits(rule.access);
  if (bits != kAllAccess) {
    out.push_back(Instruction(BPF_ALU | BPF_MOV | BPF_X, kContext, kAccess, 0, 0));
    out.push_back(Instruction(BPF_ALU | BPF_AND | BPF_K, kContext, 0, 0, bits));
    out.push_back(rule.allow ? Instruction(BPF_JMP | BPF_JNE | BPF_X, kContext, kAccess, 0, 0)
                             : Instruction(BPF_JMP | BPF_JEQ | BPF_K, kContext, 0, 0, 0));
  }
  if (!AnyNumber(rule.major)) unless_equal(kMajor, *rule.major);
  if (!AnyNumber(rule.minor)) unless_equal(kMinor, *rule.minor);
  out.push_back(Set(kResult, rule.allow ? 1 : 0));
  out.push_back(Exit());
  for (size_t i = 0; i < out.size(); ++i) {
    const bool jump = BPF_CLASS(out[i].code) == BPF_JMP && BPF_OP(out[i].code) != BPF_EXIT;
    if (jump) out[i].off = static_cast<int16_t>(out.size() - i - 1);
  }
  return out;
}

bool MatchesEverything(const DeviceRule& rule) {
  return AnyType(rule) && AnyNumber(rule.major) && AnyNumber(rule.minor) &&
         AccessBits(rule.access) == kAllAccess;
}

long Bpf(int command, bpf_attr* attr) { return ::syscall(SYS_bpf, command, attr, sizeof *attr); }

uint64_t Address(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer); }

int LoadProgram(const std::vector<bpf_insn>& program) {
  bpf_attr attr{};
  attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attr.insns = Address(program.data());
  attr.insn_cnt = static_cast<uint32_t>(program.size());
  attr.license = Address("Apache-2.0");
  return static_cast<int>(Bpf(BPF_PROG_LOAD, &attr));
}

// Ids of the programs attached to this cgroup itself; those of ancestors stay theirs.
std::vector<uint32_t> AttachedPrograms(int cgroup_fd) {
  std::vector<uint32_t> ids(64);  // BPF_CGROUP_MAX_PROGS
  bpf_attr attr{};
  attr.query.target_fd = cgroup_fd;
  attr.query.attach_type = BPF_CGROUP_DEVICE;
  attr.query.prog_ids = Address(ids.data());
  attr.query.prog_cnt = static_cast<uint32_t>(ids.size());
  if (Bpf(BPF_PROG_QUERY, &attr) != 0) return {};
  ids.resize(attr.query.prog_cnt);
  return ids;
}

void Detach(int cgroup_fd, uint32_t id) {
  bpf_attr open{};
  open.prog_id = id;
  const int program = static_cast<int>(Bpf(BPF_PROG_GET_FD_BY_ID, &open));
  if (program < 0) return;
  bpf_attr attr{};
  attr.target_fd = cgroup_fd;
  attr.attach_bpf_fd = program;
  attr.attach_type = BPF_CGROUP_DEVICE;
  Bpf(BPF_PROG_DETACH, &attr);
  ::close(program);
}

}  // namespace

std::vector<bpf_insn> CompileDeviceProgram(const std::vector<DeviceRule>& rules) {
  constexpr int16_t kMajorOffset = offsetof(bpf_cgroup_dev_ctx, major);
  constexpr int16_t kMinorOffset = offsetof(bpf_cgroup_dev_ctx, minor);
  std::vector<bpf_insn> out = {
      Load(kType, offsetof(bpf_cgroup_dev_ctx, access_type)),  // (access << 16) | type
      Instruction(BPF_ALU | BPF_MOV | BPF_X, kAccess, kType, 0, 0),
      Instruction(BPF_ALU | BPF_AND | BPF_K, kType, 0, 0, 0xffff),
      Instruction(BPF_ALU | BPF_RSH | BPF_K, kAccess, 0, 0, 16),
      Load(kMajor, kMajorOffset),
      Load(kMinor, kMinorOffset),
  };
  bool decided = false;
  for (auto rule = rules.rbegin(); rule != rules.rend() && !decided; ++rule) {
    if (Impossible(rule->major) || Impossible(rule->minor)) continue;
    const std::vector<bpf_insn> compiled = CompileRule(*rule);
    out.insert(out.end(), compiled.begin(), compiled.end());
    decided = MatchesEverything(*rule);
  }
  if (!decided) {
    out.push_back(Set(kResult, 0));
    out.push_back(Exit());
  }
  return out;
}

absl::Status AttachDeviceProgram(const std::string& cgroup_directory,
                                 const std::vector<bpf_insn>& program) {
  const int cgroup_fd = ::open(cgroup_directory.c_str(), O_DIRECTORY | O_RDONLY | O_CLOEXEC);
  if (cgroup_fd < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cgroup: open ", cgroup_directory));
  }
  const std::vector<uint32_t> before = AttachedPrograms(cgroup_fd);
  absl::Status status;
  const int program_fd = LoadProgram(program);
  if (program_fd < 0) {
    status = absl::ErrnoToStatus(errno, "cgroup: load the device program");
  } else {
    bpf_attr attr{};
    attr.target_fd = cgroup_fd;
    attr.attach_bpf_fd = program_fd;
    attr.attach_type = BPF_CGROUP_DEVICE;
    attr.attach_flags = BPF_F_ALLOW_MULTI;
    if (Bpf(BPF_PROG_ATTACH, &attr) != 0) {
      status = absl::ErrnoToStatus(
          errno, absl::StrCat("cgroup: attach the device program to ", cgroup_directory));
    }
    ::close(program_fd);
  }
  if (status.ok()) {
    for (uint32_t id : before) Detach(cgroup_fd, id);
  }
  ::close(cgroup_fd);
  return status;
}

}  // namespace moat::runtime::cgroup
