#include "runtime/seccomp/policy.h"

#include <linux/seccomp.h>
#include <seccomp.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/seccomp/syscalls.h"

namespace moat::runtime::seccomp {
namespace {

constexpr uint32_t kX32Bit = 0x40000000;
constexpr uint32_t kNoSuchCall = SECCOMP_RET_ERRNO | ENOSYS;
// What a tracer puts into the number to skip a call; it is no call and gets the default.
constexpr uint32_t kSkipped = 0xffffffff;

// One rule of the profile with its words understood. No alternatives: unconditional.
struct Rule {
  const std::vector<std::string>* names;
  uint32_t action;
  std::vector<std::vector<Condition>> alternatives;
};

absl::StatusOr<std::vector<std::vector<Condition>>> ReadConditions(
    const std::vector<SeccompArg>& args, const std::string& field) {
  std::vector<Condition> conditions;
  std::set<uint32_t> seen;
  bool repeated = false;
  for (size_t i = 0; i < args.size(); ++i) {
    const SeccompArg& arg = args[i];
    const std::string where = absl::StrCat(field, ".args[", i, "].op");
    const absl::StatusOr<Compare> compare = CompareFromName(arg.op, where);
    if (!compare.ok()) return compare.status();
    if (arg.index > 5) return absl::InvalidArgumentError(absl::StrCat(where, ": index above 5"));
    conditions.push_back({.argument = arg.index,
                          .compare = *compare,
                          .value = arg.value,
                          .masked = *compare == Compare::kMaskedEq ? arg.value_two : 0});
    repeated |= !seen.insert(arg.index).second;
  }
  std::vector<std::vector<Condition>> alternatives;
  if (repeated) {
    for (const Condition& condition : conditions) alternatives.push_back({condition});
  } else if (!conditions.empty()) {
    alternatives.push_back(std::move(conditions));
  }
  return alternatives;
}

absl::StatusOr<std::vector<Rule>> ReadRules(const Seccomp& profile) {
  std::vector<Rule> rules;
  for (size_t i = 0; i < profile.syscalls.size(); ++i) {
    const SeccompRule& in = profile.syscalls[i];
    const std::string field = absl::StrCat("linux.seccomp.syscalls[", i, "]");
    const absl::StatusOr<uint32_t> action =
        ActionFromName(in.action, in.errno_ret, absl::StrCat(field, ".action"));
    if (!action.ok()) return action.status();
    auto alternatives = ReadConditions(in.args, field);
    if (!alternatives.ok()) return alternatives.status();
    rules.push_back({.names = &in.names, .action = *action, .alternatives = *alternatives});
  }
  return rules;
}

// Whether the default lets calls happen, or leaves them to a tracer.
bool Permissive(uint32_t action) {
  const uint32_t kind = action & SECCOMP_RET_ACTION_FULL;
  return kind == SECCOMP_RET_ALLOW || kind == SECCOMP_RET_LOG || kind == SECCOMP_RET_TRACE;
}

// The calls of one architecture that the profile names, with what it says about each.
class Calls {
 public:
  explicit Calls(uint32_t default_action) : default_action_(default_action) {}

  void Add(const Rule& rule, uint32_t token) {
    for (const std::string& name : *rule.names) {
      const SyscallNumbers numbers = ResolveSyscall(name, token);
      if (numbers.direct) AddOne(*numbers.direct, rule, nullptr);
      // Conditions on arguments cannot follow into a multiplexed call's memory.
      if (numbers.multiplexed && rule.alternatives.empty()) {
        const Condition which{
            .argument = 0, .compare = Compare::kEq, .value = numbers.multiplexed->first_argument};
        AddOne(numbers.multiplexed->number, rule, &which);
      }
    }
  }

  bool empty() const { return calls_.empty(); }
  uint32_t last() const { return calls_.empty() ? 0 : calls_.rbegin()->first; }

  // Appends ranges from `first` to `last()`, with the default in the gaps.
  void AppendRanges(uint32_t first, std::vector<Range>* out) {
    uint32_t next = first;
    for (auto& [number, call] : calls_) {
      if (number > next) Append(next, {.rules = {}, .otherwise = default_action_}, out);
      Verdict verdict{.rules = {}, .otherwise = call.always.value_or(default_action_)};
      if (!call.always) verdict.rules = std::move(call.rules);
      Append(number, std::move(verdict), out);
      next = number + 1;
    }
  }

  static void Append(uint32_t first, Verdict verdict, std::vector<Range>* out) {
    if (!out->empty() && out->back().verdict == verdict) return;
    out->push_back({.first = first, .verdict = std::move(verdict)});
  }

 private:
  struct Call {
    std::optional<uint32_t> always;
    std::vector<ConditionalAction> rules;
  };

  void AddOne(uint32_t number, const Rule& rule, const Condition* extra) {
    Call& call = calls_[number];
    if (rule.action == default_action_) return;  // named, so not "younger", but void
    if (extra != nullptr) {
      call.rules.push_back({.all = {*extra}, .action = rule.action});
    } else if (rule.alternatives.empty()) {
      if (!call.always) call.always = rule.action;
    } else {
      for (const std::vector<Condition>& all : rule.alternatives) {
        call.rules.push_back({.all = all, .action = rule.action});
      }
    }
  }

  uint32_t default_action_;
  std::map<uint32_t, Call> calls_;
};

class PolicyMaker {
 public:
  PolicyMaker(std::vector<Rule> rules, uint32_t default_action)
      : rules_(std::move(rules)),
        default_action_(default_action),
        beyond_(Permissive(default_action) ? default_action : kNoSuchCall) {}

  ArchitecturePolicy Make(const Architecture& architecture, bool with_x32) const {
    ArchitecturePolicy policy{.audit = architecture.audit, .ranges = {}};
    // On x86_64 the numbers from kX32Bit are x32's: a foreign architecture unless listed.
    const bool x86_64 = architecture.token == SCMP_ARCH_X86_64;
    if (architecture.token != SCMP_ARCH_X32) {
      AppendCalls(architecture.token, 0, &policy.ranges);
    } else {
      Calls::Append(0, {.rules = {}, .otherwise = SECCOMP_RET_KILL_THREAD}, &policy.ranges);
    }
    if (with_x32) {
      AppendCalls(SCMP_ARCH_X32, kX32Bit, &policy.ranges);
    } else if (x86_64) {
      const uint32_t foreign = beyond_ == kNoSuchCall ? kNoSuchCall : SECCOMP_RET_KILL_THREAD;
      Calls::Append(kX32Bit, {.rules = {}, .otherwise = foreign}, &policy.ranges);
    }
    Calls::Append(kSkipped, {.rules = {}, .otherwise = default_action_}, &policy.ranges);
    return policy;
  }

 private:
  void AppendCalls(uint32_t token, uint32_t first, std::vector<Range>* out) const {
    Calls calls(default_action_);
    for (const Rule& rule : rules_) calls.Add(rule, token);
    calls.AppendRanges(first, out);
    const uint32_t next = calls.empty() ? first : calls.last() + 1;
    // A profile that names no call of this architecture says nothing about its age.
    const uint32_t beyond = calls.empty() ? default_action_ : beyond_;
    Calls::Append(next, {.rules = {}, .otherwise = beyond}, out);
  }

  std::vector<Rule> rules_;
  uint32_t default_action_;
  uint32_t beyond_;  // for numbers above all that the profile names
};

}  // namespace

absl::StatusOr<Policy> MakePolicy(const Seccomp& profile) {
  if (!profile.listener_path.empty()) {
    return absl::UnimplementedError(
        "linux.seccomp.listenerPath: not supported, Moat's own listener takes its place");
  }
  const absl::StatusOr<uint32_t> default_action = ActionFromName(
      profile.default_action, profile.default_errno_ret, "linux.seccomp.defaultAction");
  if (!default_action.ok()) return default_action.status();
  absl::StatusOr<std::vector<Rule>> rules = ReadRules(profile);
  if (!rules.ok()) return rules.status();

  // The native architecture comes first: it is asked for first, and it is always in.
  std::vector<Architecture> architectures = {NativeArchitecture()};
  for (const std::string& name : profile.architectures) {
    const absl::StatusOr<Architecture> found = ArchitectureFromName(name);
    if (!found.ok()) return found.status();
    architectures.push_back(*found);
  }
  const bool x32 = std::any_of(architectures.begin(), architectures.end(),
                               [](const Architecture& a) { return a.token == SCMP_ARCH_X32; });
  const bool x86_64 =
      std::any_of(architectures.begin(), architectures.end(),
                  [](const Architecture& a) { return a.token == SCMP_ARCH_X86_64; });

  const PolicyMaker maker(*std::move(rules), *default_action);
  Policy policy{.architectures = {}, .foreign = SECCOMP_RET_KILL_THREAD};
  std::set<uint32_t> done;
  for (const Architecture& architecture : architectures) {
    const bool within_x86_64 = architecture.token == SCMP_ARCH_X32 && x86_64;
    if (within_x86_64 || !done.insert(architecture.audit).second) continue;
    policy.architectures.push_back(
        maker.Make(architecture, x32 && architecture.audit == SCMP_ARCH_X86_64));
  }
  return policy;
}

}  // namespace moat::runtime::seccomp
