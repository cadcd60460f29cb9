#include "conform/bench/case.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <utility>

namespace moat::conform {
namespace {

// In the order of the documentation; a suite that is not named here comes last.
constexpr std::string_view kSuiteOrder[] = {
    "arp", "ipv4", "icmpv4", "igmp", "igmpv3", "ipv6", "ipv6-router", "icmpv6", "filtering",
    "ndp", "autoconf", "path-mtu", "mld", "mldv2", "udp", "udp-v6", "tcp-core", "tcp-core-v6",
    "tcp-advanced", "tcp-advanced-v6", "tcp-highperf", "tcp-highperf-v6",
};

size_t SuiteRank(std::string_view suite) {
  const auto* at = std::find(std::begin(kSuiteOrder), std::end(kSuiteOrder), suite);
  return static_cast<size_t>(at - std::begin(kSuiteOrder));
}

using Key = std::pair<std::string_view, int>;

std::map<Key, const Case*>& Registry() {
  static auto* registry = new std::map<Key, const Case*>();
  return *registry;
}
std::map<Key, const char*>& Waivers() {
  static auto* waivers = new std::map<Key, const char*>();
  return *waivers;
}

}  // namespace

const char* LevelName(Level level) {
  static constexpr const char* kNames[] = {"MUST", "SHOULD", "MAY"};
  return kNames[static_cast<size_t>(level)];
}

std::string Case::id() const {
  char text[64];
  std::snprintf(text, sizeof(text), "%s-%03d", suite, number);
  return text;
}

RegisterCase::RegisterCase(const Case& c) {
  const bool added = Registry().emplace(Key(c.suite, c.number), new Case(c)).second;
  if (added) return;
  std::fprintf(stderr, "conform: there are two cases %s\n", c.id().c_str());
  std::abort();
}

RegisterWaiver::RegisterWaiver(const char* suite, int number, const char* reason) {
  Waivers().emplace(Key(suite, number), reason);
}

std::vector<const Case*> AllCases() {
  std::vector<const Case*> cases;
  for (const auto& [key, c] : Registry()) cases.push_back(c);
  std::stable_sort(cases.begin(), cases.end(), [](const Case* a, const Case* b) {
    return SuiteRank(a->suite) < SuiteRank(b->suite);
  });
  return cases;
}

std::vector<std::string> SuiteNames() {
  std::vector<std::string> names;
  for (const Case* c : AllCases()) {
    if (names.empty() || names.back() != c->suite) names.emplace_back(c->suite);
  }
  return names;
}

const Case* FindCase(std::string_view id) {
  for (const auto& [key, c] : Registry()) {
    if (c->id() == id) return c;
  }
  return nullptr;
}

std::string_view WaiverOf(const Case& c) {
  const auto found = Waivers().find(Key(c.suite, c.number));
  return found == Waivers().end() ? std::string_view() : found->second;
}

std::string NeedNames(uint32_t needs) {
  static constexpr const char* kNames[] = {
      "two ports",  "UDP",     "TCP",       "ping",        "neighbour flush", "static neighbours",
      "addresses",  "routes",  "MTU",       "link state",  "sysctls",         "IPv4 forwarding",
      "IPv6 forwarding", "multicast", "source filters", "IPv6", "autoconfiguration",
      "router advertisements", "filters"};
  std::string text;
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if ((needs >> i & 1) == 0) continue;
    if (!text.empty()) text += ", ";
    text += kNames[i];
  }
  return text;
}

}  // namespace moat::conform
