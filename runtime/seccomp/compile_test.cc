#include "runtime/seccomp/compile.h"

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <random>
#include <set>

#include "absl/strings/str_cat.h"
#include "runtime/seccomp/bpf_machine.h"
#include "runtime/seccomp/names.h"

namespace moat::runtime::seccomp {
namespace {

constexpr uint32_t kAllow = SECCOMP_RET_ALLOW;
constexpr uint32_t kEperm = SECCOMP_RET_ERRNO | EPERM;
constexpr uint32_t kEnosys = SECCOMP_RET_ERRNO | ENOSYS;

SeccompRule Rule(std::vector<std::string> names, std::string action,
                 std::vector<SeccompArg> args = {}) {
  SeccompRule rule;
  rule.names = std::move(names);
  rule.action = std::move(action);
  rule.args = std::move(args);
  return rule;
}

SeccompArg Arg(uint32_t index, std::string op, uint64_t value, uint64_t value_two = 0) {
  SeccompArg arg;
  arg.index = index;
  arg.op = std::move(op);
  arg.value = value;
  arg.value_two = value_two;
  return arg;
}

Seccomp Profile(std::string action, std::vector<SeccompRule> rules,
                std::vector<std::string> architectures = {}) {
  Seccomp profile;
  profile.default_action = std::move(action);
  profile.syscalls = std::move(rules);
  profile.architectures = std::move(architectures);
  return profile;
}

std::vector<sock_filter> MustCompile(const Seccomp& profile) {
  const absl::StatusOr<Program> program = Compile(profile);
  EXPECT_TRUE(program.ok()) << program.status();
  return program.ok() ? program->code : std::vector<sock_filter>();
}

uint32_t Ask(const std::vector<sock_filter>& code, uint32_t audit, uint32_t nr,
             std::vector<uint64_t> args = {}) {
  seccomp_data data{};
  data.arch = audit;
  data.nr = static_cast<int>(nr);
  for (size_t i = 0; i < args.size(); ++i) data.args[i] = args[i];
  const std::optional<uint32_t> result = RunFilter(code, data);
  EXPECT_TRUE(result.has_value()) << "malformed program";
  return result.value_or(0xdead);
}

#if defined(__x86_64__)

constexpr uint32_t kX64 = AUDIT_ARCH_X86_64;
constexpr uint32_t kI386 = AUDIT_ARCH_I386;
constexpr uint32_t kX32Bit = 0x40000000;

TEST(Compile, ListedCallsAreAllowedOthersGetTheDefault) {
  const auto code = MustCompile(
      Profile("SCMP_ACT_ERRNO", {Rule({"read", "write", "close", "openat2"}, "SCMP_ACT_ALLOW")}));
  EXPECT_EQ(Ask(code, kX64, SYS_read), kAllow);
  EXPECT_EQ(Ask(code, kX64, SYS_write), kAllow);
  EXPECT_EQ(Ask(code, kX64, SYS_open), kEperm);
  EXPECT_EQ(Ask(code, kX64, SYS_close), kAllow);
  EXPECT_EQ(Ask(code, kX64, SYS_ptrace), kEperm);
}

TEST(Compile, CallsYoungerThanTheProfileFailWithEnosysUnderARefusingDefault) {
  const auto refusing =
      MustCompile(Profile("SCMP_ACT_ERRNO", {Rule({"read", "openat2"}, "SCMP_ACT_ALLOW")}));
  EXPECT_EQ(Ask(refusing, kX64, SYS_openat2 - 1), kEperm);
  EXPECT_EQ(Ask(refusing, kX64, SYS_openat2 + 1), kEnosys);
  const auto lenient =
      MustCompile(Profile("SCMP_ACT_ALLOW", {Rule({"openat2"}, "SCMP_ACT_ERRNO")}));
  EXPECT_EQ(Ask(lenient, kX64, SYS_openat2 + 1), kAllow);
}

TEST(Compile, NamesYoungerThanLibseccompAreKnown) {
  const auto code = MustCompile(Profile("SCMP_ACT_ERRNO", {Rule({"mseal"}, "SCMP_ACT_ALLOW")}));
  EXPECT_EQ(Ask(code, kX64, 462), kAllow);
}

TEST(Compile, UnknownNamesAreLeftOut) {
  const auto code =
      MustCompile(Profile("SCMP_ACT_ERRNO", {Rule({"no_such_call", "read"}, "SCMP_ACT_ALLOW")}));
  EXPECT_EQ(Ask(code, kX64, SYS_read), kAllow);
}

TEST(Compile, ForeignArchitecturesAreKilledAndListedOnesHaveTheirOwnNumbers) {
  const Seccomp native = Profile("SCMP_ACT_ALLOW", {Rule({"read"}, "SCMP_ACT_ERRNO")});
  const auto code = MustCompile(native);
  EXPECT_EQ(Ask(code, kI386, 3), uint32_t{SECCOMP_RET_KILL_THREAD});
  EXPECT_EQ(Ask(code, kX64, kX32Bit), uint32_t{SECCOMP_RET_KILL_THREAD});
  Seccomp all = native;
  all.architectures = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"};
  const auto wide = MustCompile(all);
  EXPECT_EQ(Ask(wide, kI386, 3), kEperm);  // read
  EXPECT_EQ(Ask(wide, kI386, 4), kAllow);  // write
  EXPECT_EQ(Ask(wide, kX64, kX32Bit), kEperm);
  EXPECT_EQ(Ask(wide, kX64, kX32Bit + 1), kAllow);
  EXPECT_EQ(Ask(wide, AUDIT_ARCH_AARCH64, 3), uint32_t{SECCOMP_RET_KILL_THREAD});
}

TEST(Compile, MultiplexedCallsOf32BitX86) {
  const auto code =
      MustCompile(Profile("SCMP_ACT_ERRNO", {Rule({"socket", "semop", "read"}, "SCMP_ACT_ALLOW")},
                          {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86"}));
  EXPECT_EQ(Ask(code, kI386, 359), kAllow);       // socket itself
  EXPECT_EQ(Ask(code, kI386, 102, {1}), kAllow);  // socketcall(SYS_SOCKET)
  EXPECT_EQ(Ask(code, kI386, 102, {2}), kEperm);  // SYS_BIND
  EXPECT_EQ(Ask(code, kI386, 117, {1}), kAllow);  // ipc(SEMOP)
  EXPECT_EQ(Ask(code, kI386, 117, {2}), kEperm);
}

TEST(Compile, ConditionsOfOneRuleMustAllHold) {
  const auto code = MustCompile(Profile(
      "SCMP_ACT_ERRNO",
      {Rule({"socket"}, "SCMP_ACT_ALLOW", {Arg(0, "SCMP_CMP_EQ", 1), Arg(1, "SCMP_CMP_LE", 2)})}));
  EXPECT_EQ(Ask(code, kX64, SYS_socket, {1, 2}), kAllow);
  EXPECT_EQ(Ask(code, kX64, SYS_socket, {1, 3}), kEperm);
  EXPECT_EQ(Ask(code, kX64, SYS_socket, {2, 2}), kEperm);
}

TEST(Compile, ConditionsOnTheSameArgumentAreAlternatives) {
  const auto code = MustCompile(
      Profile("SCMP_ACT_ERRNO", {Rule({"personality"}, "SCMP_ACT_ALLOW",
                                      {Arg(0, "SCMP_CMP_EQ", 0), Arg(0, "SCMP_CMP_EQ", 8)})}));
  EXPECT_EQ(Ask(code, kX64, SYS_personality, {0}), kAllow);
  EXPECT_EQ(Ask(code, kX64, SYS_personality, {8}), kAllow);
  EXPECT_EQ(Ask(code, kX64, SYS_personality, {4}), kEperm);
}

TEST(Compile, EachComparisonIsExactOver64Bits) {
  struct Row {
    const char* op;
    bool (*holds)(uint64_t argument, uint64_t value);
  };
  const Row rows[] = {
      {"SCMP_CMP_EQ", [](uint64_t a, uint64_t v) { return a == v; }},
      {"SCMP_CMP_NE", [](uint64_t a, uint64_t v) { return a != v; }},
      {"SCMP_CMP_LT", [](uint64_t a, uint64_t v) { return a < v; }},
      {"SCMP_CMP_LE", [](uint64_t a, uint64_t v) { return a <= v; }},
      {"SCMP_CMP_GT", [](uint64_t a, uint64_t v) { return a > v; }},
      {"SCMP_CMP_GE", [](uint64_t a, uint64_t v) { return a >= v; }},
      {"SCMP_CMP_MASKED_EQ", [](uint64_t a, uint64_t v) { return (a & v) == (v & 0x700000007); }},
  };
  const uint64_t values[] = {
      0,           1,           2,           0x7fffffff,  0x80000000,         0xffffffff,
      0x100000000, 0x100000001, 0x1ffffffff, 0x200000000, 0xfffffffe00000000, ~uint64_t{0} - 1,
      ~uint64_t{0}};
  for (const Row& row : rows) {
    for (uint64_t value : values) {
      const auto code = MustCompile(Profile(
          "SCMP_ACT_ERRNO",
          {Rule({"read"}, "SCMP_ACT_ALLOW", {Arg(5, row.op, value, value & 0x700000007)})}));
      for (uint64_t argument : values) {
        EXPECT_EQ(Ask(code, kX64, SYS_read, {0, 0, 0, 0, 0, argument}) == kAllow,
                  row.holds(argument, value))
            << argument << " " << row.op << " " << value;
      }
    }
  }
}

TEST(Compile, AnUnconditionalRuleOutranksConditionalOnes) {
  const auto code = MustCompile(Profile(
      "SCMP_ACT_ERRNO", {Rule({"clone"}, "SCMP_ACT_KILL_PROCESS", {Arg(0, "SCMP_CMP_EQ", 1)}),
                         Rule({"clone"}, "SCMP_ACT_ALLOW"), Rule({"clone"}, "SCMP_ACT_LOG")}));
  EXPECT_EQ(Ask(code, kX64, SYS_clone, {1}), kAllow);
}

TEST(Compile, ErrnoComesFromTheRule) {
  Seccomp profile = Profile("SCMP_ACT_ERRNO",
                            {Rule({"read"}, "SCMP_ACT_ERRNO"), Rule({"write"}, "SCMP_ACT_TRACE"),
                             Rule({"openat2"}, "SCMP_ACT_ALLOW")});
  profile.default_errno_ret = 7;
  profile.syscalls[0].errno_ret = 99;
  const auto code = MustCompile(profile);
  EXPECT_EQ(Ask(code, kX64, SYS_read), SECCOMP_RET_ERRNO | 99u);
  EXPECT_EQ(Ask(code, kX64, SYS_write), SECCOMP_RET_TRACE | uint32_t{EPERM});
  EXPECT_EQ(Ask(code, kX64, SYS_open), SECCOMP_RET_ERRNO | 7u);
}

// The profile of Docker's size: four hundred names, a few rules on arguments.
Seccomp LargeProfile() {
  std::vector<std::string> names;
  for (int number = 0; number < 460; ++number) {
    char* name = ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, number);
    if (name == nullptr) continue;
    if (number % 9 != 4) names.push_back(name);
    ::free(name);
  }
  for (const char* name : {"socketcall", "ipc", "_llseek", "fcntl64", "mmap2", "waitpid"}) {
    names.push_back(name);
  }
  return Profile("SCMP_ACT_ERRNO",
                 {Rule(names, "SCMP_ACT_ALLOW"),
                  Rule({"clone"}, "SCMP_ACT_ALLOW", {Arg(0, "SCMP_CMP_MASKED_EQ", 2114060288)})},
                 {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"});
}

TEST(Compile, ALargeProfileIsQuickToCompileAndToRun) {
  const Seccomp profile = LargeProfile();
  double best = 1e9;
  std::vector<sock_filter> code;
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    code = MustCompile(profile);
    best = std::min(
        best, std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
                  .count());
  }
  size_t worst = 0;
  for (uint32_t nr = 0; nr < 500; ++nr) {
    seccomp_data data{};
    data.arch = kX64;
    data.nr = static_cast<int>(nr);
    worst = std::max(worst, CountSteps(code, data));
  }
  RecordProperty("milliseconds", absl::StrCat(best));
  std::printf("compiled in %.3f ms, %zu instructions, at most %zu steps\n", best, code.size(),
              worst);
  EXPECT_LT(best, 50) << "far above its usual time";
  EXPECT_LE(worst, 24u);
}

TEST(Load, TheKernelTakesTheProgramAndObeysIt) {
  Seccomp profile =
      Profile("SCMP_ACT_ALLOW", {Rule({"getppid"}, "SCMP_ACT_ERRNO"),
                                 Rule({"umask"}, "SCMP_ACT_ERRNO", {Arg(0, "SCMP_CMP_EQ", 0123)})});
  profile.syscalls[0].errno_ret = 77;
  const absl::StatusOr<Program> program = Compile(profile);
  ASSERT_TRUE(program.ok());
  const pid_t child = ::fork();
  if (child == 0) {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) ::_exit(1);
    if (Load(*program) != 0) ::_exit(2);
    if (::syscall(SYS_getppid) != -1 || errno != 77) ::_exit(3);
    if (::syscall(SYS_umask, 0123) != -1 || errno != EPERM) ::_exit(4);
    if (::syscall(SYS_umask, 022) < 0) ::_exit(5);
    ::_exit(42);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 42);
}

// --- libseccomp as the oracle
// -------------------------------------------------------------------------

scmp_compare Native(const std::string& op) {
  return op == "SCMP_CMP_EQ"   ? SCMP_CMP_EQ
         : op == "SCMP_CMP_NE" ? SCMP_CMP_NE
         : op == "SCMP_CMP_LT" ? SCMP_CMP_LT
         : op == "SCMP_CMP_LE" ? SCMP_CMP_LE
         : op == "SCMP_CMP_GT" ? SCMP_CMP_GT
         : op == "SCMP_CMP_GE" ? SCMP_CMP_GE
                               : SCMP_CMP_MASKED_EQ;
}

std::vector<sock_filter> ByLibseccomp(const Seccomp& profile) {
  const uint32_t default_action =
      ActionFromName(profile.default_action, profile.default_errno_ret, "").value();
  scmp_filter_ctx context = ::seccomp_init(default_action);
  for (const std::string& name : profile.architectures) {
    ::seccomp_arch_add(context, ArchitectureFromName(name)->token);
  }
  for (const SeccompRule& rule : profile.syscalls) {
    const uint32_t action = ActionFromName(rule.action, rule.errno_ret, "").value();
    if (action == default_action) continue;
    std::vector<scmp_arg_cmp> args;
    for (const SeccompArg& arg : rule.args) {
      args.push_back(
          {.arg = arg.index, .op = Native(arg.op), .datum_a = arg.value, .datum_b = arg.value_two});
    }
    for (const std::string& name : rule.names) {
      const int number = ::seccomp_syscall_resolve_name(name.c_str());
      if (number == __NR_SCMP_ERROR) continue;
      ::seccomp_rule_add_array(context, action, number, args.size(), args.data());
    }
  }
  const int fd = ::memfd_create("filter", MFD_CLOEXEC);
  ::seccomp_export_bpf(context, fd);
  ::seccomp_release(context);
  std::vector<sock_filter> code(::lseek(fd, 0, SEEK_END) / sizeof(sock_filter));
  EXPECT_EQ(::pread(fd, code.data(), code.size() * sizeof(sock_filter), 0),
            static_cast<ssize_t>(code.size() * sizeof(sock_filter)));
  ::close(fd);
  return code;
}

// A profile whose rules do not contradict each other, since libseccomp's order for those is its
// own.
Seccomp RandomProfile(std::mt19937& random) {
  const auto below = [&](uint32_t n) { return static_cast<uint32_t>(random() % n); };
  static const char* const kOps[] = {"SCMP_CMP_EQ",       "SCMP_CMP_NE", "SCMP_CMP_LT",
                                     "SCMP_CMP_LE",       "SCMP_CMP_GT", "SCMP_CMP_GE",
                                     "SCMP_CMP_MASKED_EQ"};
  static const char* const kActions[] = {"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_LOG",
                                         "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP"};
  static const uint64_t kValues[] = {0, 1, 7, 0x10000, 0x7fffffff};
  Seccomp profile = Profile(kActions[below(3)], {});
  if (below(2)) profile.architectures.push_back("SCMP_ARCH_X86");
  if (below(2)) profile.architectures.push_back("SCMP_ARCH_X32");
  std::set<std::string> used;
  for (uint32_t i = 0, n = below(30); i < n; ++i) {
    SeccompRule rule = Rule({}, kActions[below(5)]);
    for (uint32_t j = 0, names = 1 + below(20); j < names; ++j) {
      char* name = ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, below(450));
      if (name == nullptr) continue;
      if (used.insert(name).second) rule.names.push_back(name);
      ::free(name);
    }
    // libseccomp compares the arguments of socketcall(2) and ipc(2) with what was meant for the
    // call inside.
    const bool multiplexed =
        std::any_of(rule.names.begin(), rule.names.end(), [](const std::string& name) {
          return ::seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86, name.c_str()) < -100;
        });
    if (below(3) == 0 && !multiplexed) {
      for (uint32_t index = 0; index < 6; ++index) {
        if (below(4) != 0) continue;
        const uint64_t value = kValues[below(5)];
        rule.args.push_back(Arg(index, kOps[below(7)], value, value & kValues[below(5)]));
      }
    }
    if (!rule.names.empty()) profile.syscalls.push_back(std::move(rule));
  }
  return profile;
}

TEST(Compile, AgreesWithLibseccompCallByCall) {
  std::mt19937 random(20240501);
  const uint64_t arguments[] = {0, 1, 2, 7, 8, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff};
  for (int round = 0; round < 60; ++round) {
    const Seccomp profile = RandomProfile(random);
    const auto ours = MustCompile(profile);
    const auto theirs = ByLibseccomp(profile);
    for (uint32_t audit : {kX64, kI386, uint32_t{AUDIT_ARCH_AARCH64}}) {
      for (uint32_t nr = 0; nr < 480; ++nr) {
        for (int variant = 0; variant < 6; ++variant) {
          const uint32_t number = audit == kX64 && variant > 3 ? nr | kX32Bit : nr;
          std::vector<uint64_t> args;
          for (int i = 0; i < 6; ++i) args.push_back(arguments[random() % 10]);
          const uint32_t a = Ask(ours, audit, number, args);
          const uint32_t b = Ask(theirs, audit, number, args);
          // Ours refuses calls beyond the profile's horizon with ENOSYS, as runc adds in front.
          if (a == kEnosys) continue;
          ASSERT_EQ(a, b) << "round " << round << " arch " << std::hex << audit << " call "
                          << std::dec << number << " args " << args[0] << "," << args[1] << ","
                          << args[2];
        }
      }
    }
  }
}

#endif  // __x86_64__

TEST(Compile, BadWordsNameTheirField) {
  const auto message = [](const Seccomp& profile) {
    return std::string(Compile(profile).status().message());
  };
  EXPECT_EQ(message(Profile("SCMP_ACT_NO", {})),
            "linux.seccomp.defaultAction: unknown value \"SCMP_ACT_NO\"");
  EXPECT_EQ(message(Profile("SCMP_ACT_ALLOW", {Rule({"read"}, "x")})),
            "linux.seccomp.syscalls[0].action: unknown value \"x\"");
  EXPECT_EQ(message(Profile("SCMP_ACT_ALLOW", {Rule({"read"}, "SCMP_ACT_LOG", {Arg(0, "EQ", 1)})})),
            "linux.seccomp.syscalls[0].args[0].op: unknown value \"EQ\"");
  EXPECT_EQ(message(Profile("SCMP_ACT_ALLOW", {}, {"SCMP_ARCH_VAX"})),
            "linux.seccomp.architectures: unknown value \"SCMP_ARCH_VAX\"");
  Seccomp flags = Profile("SCMP_ACT_ALLOW", {});
  flags.flags = {"NO_FLAG"};
  EXPECT_EQ(message(flags), "linux.seccomp.flags: unknown value \"NO_FLAG\"");
}

TEST(Compile, NotifyAndItsListenerAreNotSupported) {
  EXPECT_EQ(Compile(Profile("SCMP_ACT_NOTIFY", {})).status().code(),
            absl::StatusCode::kUnimplemented);
  Seccomp listener = Profile("SCMP_ACT_ALLOW", {});
  listener.listener_path = "/run/agent.sock";
  EXPECT_EQ(Compile(listener).status().code(), absl::StatusCode::kUnimplemented);
}

TEST(Compile, AProfileTooLargeForTheKernelIsRefused) {
  Seccomp profile = Profile("SCMP_ACT_ERRNO", {});
  for (uint64_t value = 0; value < 1000; ++value) {
    profile.syscalls.push_back(Rule({"read"}, "SCMP_ACT_ALLOW", {Arg(0, "SCMP_CMP_EQ", value)}));
  }
  EXPECT_NE(Compile(profile).status().message().find("too large"), std::string::npos);
}

TEST(Compile, FlagsDefaultToSpecAllow) {
  EXPECT_EQ(Compile(Profile("SCMP_ACT_ALLOW", {}))->flags,
            uint32_t{SECCOMP_FILTER_FLAG_SPEC_ALLOW});
  Seccomp profile = Profile("SCMP_ACT_ALLOW", {});
  profile.flags = {"SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"};
  EXPECT_EQ(Compile(profile)->flags, uint32_t{SECCOMP_FILTER_FLAG_LOG});
}

}  // namespace
}  // namespace moat::runtime::seccomp
