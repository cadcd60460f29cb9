#include "netstack/sim/parser.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "netstack/sim/lines.h"
#include "netstack/sim/options.h"
#include "netstack/sim/quantity.h"

namespace moat::netstack::sim {
namespace {

constexpr uint64_t kTebi = 1ull << 40;
constexpr uint64_t kMaxDatagrams = 100'000'000;

class Parser {
 public:
  explicit Parser(std::string_view file) { scenario_.file = std::string(file); }

  absl::Status Parse(std::string_view text) {
    if (text.size() > kMaxScenarioBytes) {
      return absl::InvalidArgumentError(absl::StrCat(scenario_.file, ": larger than ",
                                                     kMaxScenarioBytes >> 20, " MiB"));
    }
    for (int number = 1; !text.empty(); ++number) {
      const size_t end = std::min(text.find('\n'), text.size());
      Line line(scenario_.file, number, text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
      if (line.done()) continue;
      if (absl::Status status = Statement(line); !status.ok()) return status;
    }
    return absl::OkStatus();
  }
  Scenario Take() { return std::move(scenario_); }

 private:
  // One row per first word of a line.
  struct Row {
    std::string_view word;
    absl::Status (Parser::*parse)(Line& line);
  };

  absl::Status Statement(Line& line);
  absl::Status Seed(Line& line);
  absl::Status Limit(Line& line);
  absl::Status Host(Line& line) { return Node(line, NodeKind::kHost); }
  absl::Status Router(Line& line) { return Node(line, NodeKind::kRouter); }
  absl::Status Switch(Line& line) { return Node(line, NodeKind::kSwitch); }
  absl::Status Link(Line& line);
  absl::Status Setting(Line& line);
  absl::Status Bulk(Line& line) { return Flow(line, FlowKind::kBulk); }
  absl::Status Requests(Line& line) { return Flow(line, FlowKind::kRequests); }
  absl::Status Udp(Line& line) { return Flow(line, FlowKind::kUdp); }
  absl::Status Ping(Line& line) { return Flow(line, FlowKind::kPing); }
  absl::Status Event(Line& line);

  absl::Status Node(Line& line, NodeKind kind);
  absl::Status Flow(Line& line, FlowKind kind);
  absl::Status TakeAmount(Line& line, FlowSpec& flow);
  absl::Status CheckDatagrams(const Line& line, const FlowSpec& flow) const;
  absl::Status TakeNode(Line& line, bool stack, size_t* index);
  absl::Status TakeQuantity(Line& line, Unit unit, uint64_t min, uint64_t max, uint64_t* value);
  absl::Status JoinSegments(const Line& line, const LinkSpec& link);
  size_t SegmentOf(size_t node);

  Scenario scenario_;
  std::map<std::string, size_t, std::less<>> nodes_;
  std::map<std::string, size_t, std::less<>> links_;
  std::set<std::string, std::less<>> flows_;
  std::set<std::pair<size_t, size_t>> linked_;
  std::vector<size_t> parents_;       // of switches that are joined: a forest
  std::vector<LinkSpec> current_;     // links after the events so far
};

absl::Status Parser::Statement(Line& line) {
  static constexpr Row kRows[] = {
      {"seed", &Parser::Seed},       {"limit", &Parser::Limit},   {"host", &Parser::Host},
      {"router", &Parser::Router},   {"switch", &Parser::Switch}, {"link", &Parser::Link},
      {"sysctl", &Parser::Setting},  {"bulk", &Parser::Bulk},     {"requests", &Parser::Requests},
      {"udp", &Parser::Udp},         {"ping", &Parser::Ping},     {"at", &Parser::Event},
  };
  const std::string_view word = line.Take();
  for (const Row& row : kRows) {
    if (row.word == word) return (this->*row.parse)(line);
  }
  return line.Error(word,
                    "a line begins with seed, limit, host, router, switch, link, sysctl, bulk, "
                    "requests, udp, ping or at");
}

absl::Status Parser::TakeQuantity(Line& line, Unit unit, uint64_t min, uint64_t max,
                                  uint64_t* value) {
  const std::string hint(UnitHint(unit));
  if (line.done()) return line.Missing(hint);
  const std::string_view word = line.Take();
  const std::optional<uint64_t> parsed = ParseQuantity(word, unit);
  if (!parsed) return line.Error(word, absl::StrCat("not ", hint));
  if (*parsed < min || *parsed > max) return line.Error(word, "out of bounds");
  *value = *parsed;
  return absl::OkStatus();
}

absl::Status NothingMore(Line& line) {
  return line.done() ? absl::OkStatus() : line.Error(line.Peek(), "nothing is expected here");
}

absl::Status Parser::Seed(Line& line) {
  absl::Status status = TakeQuantity(line, Unit::kCount, 0, UINT64_MAX, &scenario_.seed);
  return status.ok() ? NothingMore(line) : status;
}

absl::Status Parser::Limit(Line& line) {
  uint64_t value = 0;
  absl::Status status = TakeQuantity(line, Unit::kDuration, 1, 1000 * 3'600'000'000'000, &value);
  if (!status.ok()) return status;
  scenario_.limit = Duration(static_cast<Duration::rep>(value));
  return NothingMore(line);
}

absl::Status Parser::Node(Line& line, NodeKind kind) {
  if (line.done()) return line.Missing("a name");
  const std::string_view name = line.Take();
  if (absl::Status status = CheckName(line, name); !status.ok()) return status;
  if (name == "all") return line.Error(name, "means every node; choose another name");
  if (nodes_.contains(name)) return line.Error(name, "a node of this name is there already");
  if (scenario_.nodes.size() == kMaxNodes) {
    return line.Error(name, absl::StrCat("more than ", kMaxNodes, " nodes"));
  }
  NodeSpec node;
  node.name = std::string(name);
  node.kind = kind;
  node.line = line.number();
  if (kind == NodeKind::kHost && line.Peek() == "offload") {
    line.Take();
    node.offload = true;
  }
  nodes_.emplace(node.name, scenario_.nodes.size());
  parents_.push_back(scenario_.nodes.size());
  scenario_.nodes.push_back(std::move(node));
  return NothingMore(line);
}

absl::Status Parser::TakeNode(Line& line, bool stack, size_t* index) {
  if (line.done()) return line.Missing("a node");
  const std::string_view name = line.Take();
  const auto found = nodes_.find(name);
  if (found == nodes_.end()) return line.Error(name, "no node of this name above");
  *index = found->second;
  if (stack && scenario_.nodes[*index].kind == NodeKind::kSwitch) {
    return line.Error(name, "a switch has no stack");
  }
  return absl::OkStatus();
}

size_t Parser::SegmentOf(size_t node) {
  while (parents_[node] != node) node = parents_[node] = parents_[parents_[node]];
  return node;
}

// Switches have no spanning tree: a loop of them would carry broadcasts for ever.
absl::Status Parser::JoinSegments(const Line& line, const LinkSpec& link) {
  const auto is_switch = [&](size_t node) {
    return scenario_.nodes[node].kind == NodeKind::kSwitch;
  };
  if (!is_switch(link.a) || !is_switch(link.b)) return absl::OkStatus();
  const size_t a = SegmentOf(link.a), b = SegmentOf(link.b);
  if (a == b) return line.Error(link.name, "closes a loop of switches");
  parents_[a] = b;
  return absl::OkStatus();
}

absl::Status Parser::Link(Line& line) {
  LinkSpec link;
  link.line = line.number();
  if (absl::Status status = TakeNode(line, false, &link.a); !status.ok()) return status;
  const std::string_view second = line.Peek();
  if (absl::Status status = TakeNode(line, false, &link.b); !status.ok()) return status;
  if (link.a == link.b) return line.Error(second, "a link joins two different nodes");
  if (!linked_.insert(std::minmax(link.a, link.b)).second) {
    return line.Error(second, "these two nodes are linked already");
  }
  link.name = absl::StrCat(scenario_.nodes[link.a].name, "-", scenario_.nodes[link.b].name);
  if (absl::Status status = ParseLinkOptions(line, false, link); !status.ok()) return status;
  if (links_.contains(link.name)) {
    return line.Error(link.name, "a link of this name is there already");
  }
  if (scenario_.links.size() == kMaxLinks) {
    return line.Error(link.name, absl::StrCat("more than ", kMaxLinks, " links"));
  }
  if (absl::Status status = JoinSegments(line, link); !status.ok()) return status;
  links_.emplace(link.name, scenario_.links.size());
  current_.push_back(link);
  scenario_.links.push_back(std::move(link));
  return absl::OkStatus();
}

absl::Status Parser::Setting(Line& line) {
  const bool all = line.Peek() == "all";
  size_t node = 0;
  if (all) {
    line.Take();
  } else if (absl::Status status = TakeNode(line, true, &node); !status.ok()) {
    return status;
  }
  if (line.done()) return line.Missing("a sysctl like ipv4.tcp_sack");
  SettingSpec setting;
  setting.line = line.number();
  setting.name = std::string(line.Take());
  if (line.done()) return line.Missing("a value");
  setting.value = std::string(line.Take());
  while (!line.done()) absl::StrAppend(&setting.value, " ", std::string(line.Take()));
  for (size_t i = all ? 0 : node; i < (all ? scenario_.nodes.size() : node + 1); ++i) {
    if (scenario_.nodes[i].kind == NodeKind::kSwitch) continue;
    if (scenario_.settings.size() == kMaxSettings) {
      return line.Error(setting.name, absl::StrCat("more than ", kMaxSettings, " settings"));
    }
    setting.node = i;
    scenario_.settings.push_back(setting);
  }
  return absl::OkStatus();
}

// What a flow is about: bytes, a number of requests or pings, a rate.
absl::Status Parser::TakeAmount(Line& line, FlowSpec& flow) {
  switch (flow.kind) {
    case FlowKind::kBulk: return TakeQuantity(line, Unit::kBytes, 1, kTebi, &flow.bytes);
    case FlowKind::kRequests: return TakeQuantity(line, Unit::kCount, 1, 100'000'000, &flow.count);
    case FlowKind::kUdp:
      return TakeQuantity(line, Unit::kRate, 1, 10'000'000'000'000, &flow.rate);
    case FlowKind::kPing: return TakeQuantity(line, Unit::kCount, 1, 60'000, &flow.count);
  }
  return absl::OkStatus();
}

absl::Status Parser::CheckDatagrams(const Line& line, const FlowSpec& flow) const {
  const auto bits = static_cast<unsigned __int128>(flow.rate) *
                    static_cast<uint64_t>(flow.duration.count()) / 1'000'000'000;
  if (bits / 8 / flow.size <= kMaxDatagrams) return absl::OkStatus();
  return line.Error(flow.name, absl::StrCat("more than ", kMaxDatagrams, " datagrams"));
}

absl::Status Parser::Flow(Line& line, FlowKind kind) {
  FlowSpec flow;
  flow.kind = kind;
  flow.line = line.number();
  if (kind == FlowKind::kPing) {
    flow.size = 56;
    flow.interval = std::chrono::seconds(1);
  }
  if (line.done()) return line.Missing("a name");
  const std::string_view name = line.Take();
  flow.name = std::string(name);
  if (absl::Status status = CheckName(line, name); !status.ok()) return status;
  if (absl::Status status = TakeNode(line, true, &flow.from); !status.ok()) return status;
  const std::string_view to = line.Peek();
  if (absl::Status status = TakeNode(line, true, &flow.to); !status.ok()) return status;
  if (flow.from == flow.to) return line.Error(to, "a flow goes from one node to another");
  if (absl::Status status = TakeAmount(line, flow); !status.ok()) return status;
  if (absl::Status status = ParseFlowOptions(line, flow); !status.ok()) return status;
  if (kind == FlowKind::kUdp) {
    if (absl::Status status = CheckDatagrams(line, flow); !status.ok()) return status;
  }
  if (scenario_.flows.size() == kMaxFlows) {
    return line.Error(name, absl::StrCat("more than ", kMaxFlows, " flows"));
  }
  if (!flows_.insert(flow.name).second)
    return line.Error(name, "a flow of this name is there already");
  scenario_.flows.push_back(std::move(flow));
  return absl::OkStatus();
}

absl::Status Parser::Event(Line& line) {
  struct Action {
    std::string_view word;
    LinkEvent::Kind kind;
  };
  static constexpr Action kActions[] = {{"down", LinkEvent::Kind::kDown},
                                        {"up", LinkEvent::Kind::kUp},
                                        {"set", LinkEvent::Kind::kChange}};
  LinkEvent event;
  event.line = line.number();
  const std::string_view time = line.Peek();
  uint64_t at = 0;
  if (absl::Status status =
          TakeQuantity(line, Unit::kDuration, 0, 1000 * 3'600'000'000'000, &at);
      !status.ok()) {
    return status;
  }
  event.at = Duration(static_cast<Duration::rep>(at));
  if (!scenario_.events.empty() && event.at < scenario_.events.back().at) {
    return line.Error(time, "is before the line above; events are in order of time");
  }
  if (line.done()) return line.Missing("down, up or set");
  const std::string_view word = line.Take();
  const auto action = std::find_if(std::begin(kActions), std::end(kActions),
                                   [&](const Action& a) { return a.word == word; });
  if (action == std::end(kActions)) return line.Error(word, "down, up or set is expected");
  event.kind = action->kind;
  if (line.done()) return line.Missing("a link");
  const std::string_view name = line.Take();
  const auto link = links_.find(name);
  if (link == links_.end()) return line.Error(name, "no link of this name above");
  event.link = link->second;
  if (event.kind == LinkEvent::Kind::kChange) {
    if (line.done()) return line.Missing("an option");
    if (absl::Status status = ParseLinkOptions(line, true, current_[event.link]); !status.ok()) {
      return status;
    }
    event.forth = current_[event.link].forth;
    event.back = current_[event.link].back;
  }
  if (scenario_.events.size() == kMaxEvents) {
    return line.Error(time, absl::StrCat("more than ", kMaxEvents, " events"));
  }
  scenario_.events.push_back(event);
  return NothingMore(line);
}

}  // namespace

absl::StatusOr<Scenario> ParseScenario(std::string_view file, std::string_view text) {
  Parser parser(file);
  if (absl::Status status = parser.Parse(text); !status.ok()) return status;
  return parser.Take();
}

}  // namespace moat::netstack::sim
