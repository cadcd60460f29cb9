// Scenario files from nowhere: the parser never crashes, its errors are one line that begins with
// the file's name, and what it takes keeps the limits that the simulation relies on.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "netstack/sim/parser.h"

namespace moat::netstack::sim {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

// Mostly words of the grammar: random bytes alone would hardly pass the first word.
constexpr std::string_view kWords[] = {
    "host",  "router", "switch", "link",  "sysctl", "bulk",  "requests", "udp",     "ping",
    "at",    "seed",   "limit",  "a",     "b",      "c",     "d",        "s",       "t",
    "a-b",   "s-t",    "rate",   "delay", "loss",   "back",  "forth",    "queue",   "ecn",   "mtu",
    "name",  "10Mbit", "20ms",   "1%",    "64KiB",  "1500",  "10MB",     "5",       "0",
    "start", "cc",     "cubic",  "ipv6",  "all",    "ipv4.tcp_sack",     "reorder", "down",
    "up",    "set",    "for",    "size",  "count",  "1.5s",  "99999999999999999999"};

std::string Text(const uint8_t* data, size_t size) {
  std::string text = "host a\nhost b\nswitch s\nswitch t\nlink a b\nlink s t\n";
  for (size_t i = 0; i < size; ++i) {
    if (data[i] < 0x20) {
      text += '\n';
    } else if (data[i] < 0x30) {
      text += static_cast<char>(i + 1 < size ? data[++i] : 0);
    } else {
      text += kWords[data[i] % std::size(kWords)];
      text += ' ';
    }
  }
  return text;
}

void Check(const Scenario& s) {
  Require(s.nodes.size() <= kMaxNodes && s.links.size() <= kMaxLinks);
  Require(s.flows.size() <= kMaxFlows && s.events.size() <= kMaxEvents);
  for (const LinkSpec& link : s.links) {
    Require(link.a < s.nodes.size() && link.b < s.nodes.size() && link.a != link.b);
    Require(link.mtu >= 576 && link.mtu <= 65535);
    for (const LinkDirection* d : {&link.forth, &link.back}) {
      Require(d->loss <= 1'000'000 && d->delay.count() >= 0 && (d->rate == 0 || d->rate >= 100));
    }
  }
  for (const FlowSpec& flow : s.flows) {
    Require(flow.from < s.nodes.size() && flow.to < s.nodes.size() && flow.from != flow.to);
    Require(s.nodes[flow.from].kind != NodeKind::kSwitch);
    Require(flow.size >= 16 && flow.count >= 1 && flow.bytes >= 1);
  }
  for (const LinkEvent& event : s.events) Require(event.link < s.links.size());
}

void Try(std::string_view text) {
  const absl::StatusOr<Scenario> scenario = ParseScenario("f", text);
  if (scenario.ok()) {
    Check(*scenario);
    return;
  }
  const absl::string_view message = scenario.status().message();
  Require(message.substr(0, 2) == "f:" && message.find('\n') == absl::string_view::npos);
}

}  // namespace
}  // namespace moat::netstack::sim

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace moat::netstack::sim;  // NOLINT: an entry point has no namespace
  Try({reinterpret_cast<const char*>(data), size});
  Try(Text(data, size));
  return 0;
}
