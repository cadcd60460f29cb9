#include "runtime/seccomp/generate.h"

#include <linux/seccomp.h>

#include <bit>
#include <cstddef>
#include <cstdint>

namespace moat::runtime::seccomp {
namespace {

using Code = std::vector<sock_filter>;

constexpr size_t kFarthestBranch = 255;  // jt and jf are bytes; a BPF_JA reaches anywhere

sock_filter Load(size_t offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset));
}
sock_filter Return(uint32_t value) { return BPF_STMT(BPF_RET | BPF_K, value); }
sock_filter Branch(uint16_t compare, uint32_t k, size_t if_true, size_t if_false) {
  return BPF_JUMP(static_cast<uint16_t>(BPF_JMP | compare | BPF_K), k,
                  static_cast<uint8_t>(if_true), static_cast<uint8_t>(if_false));
}

void AppendTo(Code& out, const Code& code) { out.insert(out.end(), code.begin(), code.end()); }

// `test` with "true" falling over to `yes`, "false" to `no`, which follows it.
Code Choose(uint16_t compare, uint32_t k, const Code& yes, const Code& no) {
  Code out;
  if (no.size() <= kFarthestBranch) {
    out.push_back(Branch(compare, k, no.size(), 0));
  } else {
    out.push_back(Branch(compare, k, 0, 1));
    out.push_back(BPF_STMT(BPF_JMP | BPF_JA, static_cast<uint32_t>(no.size())));
  }
  AppendTo(out, no);
  AppendTo(out, yes);
  return out;
}

constexpr size_t LowWord(uint32_t argument) {
  return offsetof(seccomp_data, args) + 8 * argument +
         (std::endian::native == std::endian::big ? 4 : 0);
}
constexpr size_t HighWord(uint32_t argument) {
  return offsetof(seccomp_data, args) + 8 * argument +
         (std::endian::native == std::endian::big ? 0 : 4);
}

// Where a condition's branch leads; resolved once the length of the rest of the rule is known.
enum class Exit : uint8_t { kNext, kHolds, kFails };

struct Step {
  sock_filter code;
  Exit if_true = Exit::kNext;
  Exit if_false = Exit::kNext;
};

Step Test(uint16_t compare, uint32_t k, Exit if_true, Exit if_false) {
  return {Branch(compare, k, 0, 0), if_true, if_false};
}

// The 64-bit comparison in two halves, upper first. The last step's exits never lead to "next".
std::vector<Step> Steps(const Condition& c) {
  const uint32_t high = static_cast<uint32_t>(c.value >> 32);
  const uint32_t low = static_cast<uint32_t>(c.value);
  const Step load_high{Load(HighWord(c.argument))};
  const Step load_low{Load(LowWord(c.argument))};
  const auto ordered = [&](Exit above, Exit below, uint16_t last) {
    return std::vector<Step>{load_high, Test(BPF_JGT, high, above, Exit::kNext),
                             Test(BPF_JEQ, high, Exit::kNext, below), load_low,
                             Test(last, low, above, below)};
  };
  switch (c.compare) {
    case Compare::kEq:
      return {load_high, Test(BPF_JEQ, high, Exit::kNext, Exit::kFails), load_low,
              Test(BPF_JEQ, low, Exit::kHolds, Exit::kFails)};
    case Compare::kNe:
      return {load_high, Test(BPF_JEQ, high, Exit::kNext, Exit::kHolds), load_low,
              Test(BPF_JEQ, low, Exit::kFails, Exit::kHolds)};
    case Compare::kGt:
      return ordered(Exit::kHolds, Exit::kFails, BPF_JGT);
    case Compare::kGe:
      return ordered(Exit::kHolds, Exit::kFails, BPF_JGE);
    case Compare::kLe:
      return ordered(Exit::kFails, Exit::kHolds, BPF_JGT);
    case Compare::kLt:
      return ordered(Exit::kFails, Exit::kHolds, BPF_JGE);
    case Compare::kMaskedEq:
      break;
  }
  const Step mask_high{BPF_STMT(BPF_ALU | BPF_AND | BPF_K, high)};
  const Step mask_low{BPF_STMT(BPF_ALU | BPF_AND | BPF_K, low)};
  return {load_high,
          mask_high,
          Test(BPF_JEQ, static_cast<uint32_t>(c.masked >> 32), Exit::kNext, Exit::kFails),
          load_low,
          mask_low,
          Test(BPF_JEQ, static_cast<uint32_t>(c.masked), Exit::kHolds, Exit::kFails)};
}

// The rule's tests, its action, and behind it where "fails" leads. Six conditions of six steps each
// stay far below kFarthestBranch.
void AppendRule(Code& out, const ConditionalAction& rule) {
  std::vector<std::vector<Step>> conditions;
  size_t total = 0;
  for (const Condition& condition : rule.all) {
    conditions.push_back(Steps(condition));
    total += conditions.back().size();
  }
  size_t at = 0;  // instructions so far
  for (const std::vector<Step>& steps : conditions) {
    const size_t end = at + steps.size();
    for (const Step& step : steps) {
      sock_filter code = step.code;
      const auto distance = [&](Exit exit) -> uint8_t {
        const size_t target = exit == Exit::kHolds   ? end
                              : exit == Exit::kFails ? total + 1
                                                     : at + 1;
        return static_cast<uint8_t>(target - at - 1);
      };
      if (BPF_CLASS(code.code) == BPF_JMP) {
        code.jt = distance(step.if_true);
        code.jf = distance(step.if_false);
      }
      out.push_back(code);
      ++at;
    }
  }
  out.push_back(Return(rule.action));
}

Code Leaf(const Verdict& verdict) {
  Code out;
  for (const ConditionalAction& rule : verdict.rules) AppendRule(out, rule);
  out.push_back(Return(verdict.otherwise));
  return out;
}

// The number is in the accumulator.
Code Tree(const std::vector<Range>& ranges, size_t begin, size_t end) {
  if (end - begin == 1) return Leaf(ranges[begin].verdict);
  const size_t middle = begin + (end - begin) / 2;
  return Choose(BPF_JGE, ranges[middle].first, Tree(ranges, middle, end),
                Tree(ranges, begin, middle));
}

}  // namespace

std::vector<sock_filter> Generate(const Policy& policy) {
  Code rest = {Return(policy.foreign)};
  for (auto it = policy.architectures.rbegin(); it != policy.architectures.rend(); ++it) {
    Code body = {Load(offsetof(seccomp_data, nr))};
    AppendTo(body, Tree(it->ranges, 0, it->ranges.size()));
    // The architecture asked for first comes to lie last, but costs one comparison only.
    rest = Choose(BPF_JEQ, it->audit, body, rest);
  }
  Code out = {Load(offsetof(seccomp_data, arch))};
  AppendTo(out, rest);
  return out;
}

}  // namespace moat::runtime::seccomp
