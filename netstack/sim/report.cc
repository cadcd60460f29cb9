#include "netstack/sim/report.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "netstack/sim/quantity.h"

namespace moat::netstack::sim {
namespace {

using Row = std::vector<std::string>;

constexpr std::string_view kKindNames[] = {"bulk", "requests", "udp", "ping"};  // by FlowKind

// Columns as wide as they need to be; the first `left` are aligned to the left.
std::string Table(const std::vector<Row>& rows, size_t left) {
  std::vector<size_t> widths(rows[0].size());
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string pad(widths[i] - row[i].size(), ' ');
      absl::StrAppend(&line, i == 0 ? "" : "  ", i < left ? row[i] + pad : pad + row[i]);
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    absl::StrAppend(&text, line, "\n");
  }
  return text;
}

bool IsTcp(const FlowSpec& spec) {
  return spec.kind == FlowKind::kBulk || spec.kind == FlowKind::kRequests;
}

std::string Outcome(const FlowSpec& spec, const FlowResult& result) {
  if (!result.error.empty()) return result.error;
  if (spec.kind == FlowKind::kBulk) return "ok";
  std::string text = absl::StrCat(result.messages_received, "/", result.messages_sent);
  if (result.duplicates != 0) absl::StrAppend(&text, ", ", result.duplicates, " twice");
  if (result.reordered != 0) absl::StrAppend(&text, ", ", result.reordered, " late");
  return text;
}

Row FlowRow(const Scenario& scenario, const FlowSpec& spec, const FlowResult& result) {
  const bool tcp = IsTcp(spec);
  const auto rtt = [](Duration value) {
    return value.count() == 0 ? std::string("-") : FormatDuration(value);
  };
  return {spec.name,
          std::string(kKindNames[static_cast<size_t>(spec.kind)]),
          absl::StrCat(scenario.nodes[spec.from].name, ">", scenario.nodes[spec.to].name),
          tcp ? result.congestion : "-",
          FormatBytes(result.bytes),
          FormatDuration(result.time),
          FormatRate(result.goodput()),
          tcp ? absl::StrCat(result.retransmits) : "-",
          tcp ? absl::StrCat(result.timeouts) : "-",
          rtt(result.min_rtt),
          rtt(result.mean_rtt),
          Outcome(spec, result)};
}

Row LinkRow(const std::string& name, const ChannelCounters& c, Duration time) {
  const double seconds = static_cast<double>(time.count()) / 1e9;
  return {name,
          absl::StrCat(c.offered),
          absl::StrCat(c.delivered),
          absl::StrCat(c.lost),
          absl::StrCat(c.queue_full),
          absl::StrCat(c.marked),
          absl::StrCat(c.down),
          absl::StrCat(c.oversize + c.overflow),
          FormatBytes(c.longest_queue_bytes),
          FormatDuration(c.longest_wait),
          FormatRate(seconds > 0 ? static_cast<double>(c.delivered_bytes) * 8 / seconds : 0)};
}

std::string Direction(const Scenario& scenario, const LinkSpec& link, bool forth) {
  const std::string& a = scenario.nodes[link.a].name;
  const std::string& b = scenario.nodes[link.b].name;
  return forth ? absl::StrCat(link.name, " ", a, ">", b) : absl::StrCat(link.name, " ", b, ">", a);
}

// Objects and arrays of numbers and strings; the caller closes what it opens.
class JsonWriter {
 public:
  void Open(std::string_view key, char bracket) {
    Key(key);
    text_ += bracket;
    first_ = true;
  }
  void Close(char bracket) {
    text_ += bracket;
    first_ = false;
  }
  void Text(std::string_view key, std::string_view value) {
    Key(key);
    Quote(value);
  }
  void Flag(std::string_view key, bool value) {
    Key(key);
    text_ += value ? "true" : "false";
  }
  void Count(std::string_view key, uint64_t value) {
    Key(key);
    absl::StrAppend(&text_, value);
  }
  void Seconds(std::string_view key, Duration value) {
    Key(key);
    const auto nanoseconds = value.count();
    absl::StrAppend(&text_, absl::StrFormat("%d.%09d", nanoseconds / 1'000'000'000,
                                            nanoseconds % 1'000'000'000));
  }
  std::string Take() { return std::move(text_) + "\n"; }

 private:
  void Key(std::string_view key) {
    if (!first_) text_ += ',';
    first_ = false;
    if (key.empty()) return;
    Quote(key);
    text_ += ':';
  }
  void Quote(std::string_view value) {
    text_ += '"';
    for (const char c : value) {
      if (c == '"' || c == '\\') text_ += '\\';
      if (static_cast<unsigned char>(c) >= ' ') {
        text_ += c;
      } else {
        absl::StrAppend(&text_, absl::StrFormat("\\u%04x", static_cast<unsigned char>(c)));
      }
    }
    text_ += '"';
  }

  std::string text_;
  bool first_ = true;
};

void WriteFlow(JsonWriter& json, const Scenario& scenario, const FlowSpec& spec,
               const FlowResult& result) {
  json.Open("", '{');
  json.Text("name", spec.name);
  json.Text("kind", kKindNames[static_cast<size_t>(spec.kind)]);
  json.Text("from", scenario.nodes[spec.from].name);
  json.Text("to", scenario.nodes[spec.to].name);
  json.Flag("complete", result.complete);
  json.Text("error", result.error);
  json.Seconds("start", result.start);
  json.Seconds("time", result.time);
  json.Count("bytes", result.bytes);
  json.Count("goodput", static_cast<uint64_t>(result.goodput()));
  json.Seconds("min_rtt", result.min_rtt);
  json.Seconds("mean_rtt", result.mean_rtt);
  json.Seconds("max_rtt", result.max_rtt);
  if (IsTcp(spec)) {
    json.Text("congestion_control", result.congestion);
    json.Count("sent_bytes", result.sent_bytes);
    json.Count("retransmitted_bytes", result.retransmitted_bytes);
    json.Count("retransmits", result.retransmits);
    json.Count("timeouts", result.timeouts);
  }
  if (spec.kind != FlowKind::kBulk) {
    json.Count("messages_sent", result.messages_sent);
    json.Count("messages_received", result.messages_received);
    json.Count("duplicates", result.duplicates);
    json.Count("reordered", result.reordered);
  }
  json.Close('}');
}

void WriteChannel(JsonWriter& json, std::string_view key, const ChannelCounters& c) {
  const std::pair<std::string_view, uint64_t> rows[] = {
      {"offered", c.offered},       {"offered_bytes", c.offered_bytes},
      {"delivered", c.delivered},   {"delivered_bytes", c.delivered_bytes},
      {"lost", c.lost},             {"queue_full", c.queue_full},
      {"down", c.down},             {"oversize", c.oversize},
      {"overflow", c.overflow},     {"corrupted", c.corrupted},
      {"duplicated", c.duplicated}, {"reordered", c.reordered},
      {"marked", c.marked},
      {"longest_queue_bytes", c.longest_queue_bytes}};
  json.Open(key, '{');
  for (const auto& [name, value] : rows) json.Count(name, value);
  json.Seconds("longest_wait", c.longest_wait);
  json.Close('}');
}

}  // namespace

std::string ReportTable(const Scenario& scenario, const Report& report) {
  std::vector<Row> flows = {{"flow", "kind", "path", "cc", "bytes", "time", "goodput", "retrans",
                             "RTOs", "min RTT", "avg RTT", "outcome"}};
  for (size_t i = 0; i < report.flows.size(); ++i) {
    flows.push_back(FlowRow(scenario, scenario.flows[i], report.flows[i]));
  }
  std::vector<Row> links = {{"link", "offered", "arrived", "lost", "queue full", "marked", "down",
                             "other", "longest queue", "longest wait", "rate"}};
  for (size_t i = 0; i < report.links.size(); ++i) {
    const LinkSpec& spec = scenario.links[i];
    links.push_back(LinkRow(Direction(scenario, spec, true), report.links[i].forth, report.time));
    links.push_back(LinkRow(Direction(scenario, spec, false), report.links[i].back, report.time));
  }
  return absl::StrCat(Table(flows, 4), "\n", Table(links, 1), "\nseed ", report.seed, ", ",
                      FormatDuration(report.time), " of virtual time, ", report.events,
                      " events\n");
}

std::string ReportJson(const Scenario& scenario, const Report& report) {
  JsonWriter json;
  json.Open("", '{');
  json.Text("file", scenario.file);
  json.Count("seed", report.seed);
  json.Seconds("time", report.time);
  json.Count("events", report.events);
  json.Text("digest", absl::StrFormat("%016x", report.digest));
  json.Open("flows", '[');
  for (size_t i = 0; i < report.flows.size(); ++i) {
    WriteFlow(json, scenario, scenario.flows[i], report.flows[i]);
  }
  json.Close(']');
  json.Open("links", '[');
  for (size_t i = 0; i < report.links.size(); ++i) {
    const LinkSpec& spec = scenario.links[i];
    json.Open("", '{');
    json.Text("name", spec.name);
    json.Text("a", scenario.nodes[spec.a].name);
    json.Text("b", scenario.nodes[spec.b].name);
    WriteChannel(json, "forth", report.links[i].forth);
    WriteChannel(json, "back", report.links[i].back);
    json.Close('}');
  }
  json.Close(']');
  json.Close('}');
  return json.Take();
}

}  // namespace moat::netstack::sim
