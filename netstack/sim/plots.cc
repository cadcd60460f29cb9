// The plots of a report.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "netstack/sim/chart.h"
#include "netstack/sim/report.h"

namespace moat::netstack::sim {
namespace {

using Points = std::vector<std::pair<double, double>>;

// What a line shows shall be readable; there are more points than that behind it.
constexpr size_t kMaxSteps = 400;

double Seconds(Duration duration) { return static_cast<double>(duration.count()) / 1e9; }

// Mean rates of equal pieces of time.
Points Throughput(const std::vector<FlowPoint>& points) {
  Points line;
  if (points.size() < 2) return line;
  const Duration step = std::max<Duration>(
      (points.back().at - points.front().at) / static_cast<Duration::rep>(kMaxSteps),
      std::chrono::milliseconds(1));
  FlowPoint last = points.front();
  for (const FlowPoint& point : points) {
    if (point.at - last.at < step) continue;
    const double rate = static_cast<double>(point.delivered - last.delivered) * 8 /
                        Seconds(point.at - last.at) / 1e6;
    line.emplace_back(Seconds(last.at), rate);
    line.emplace_back(Seconds(point.at), rate);
    last = point;
  }
  return line;
}

template <typename Value>
Points Line(const std::vector<FlowPoint>& points, Value value) {
  Points line;
  for (const FlowPoint& point : points) {
    if (value(point) > 0) line.emplace_back(Seconds(point.at), value(point));
  }
  return line;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> ReportPlots(const Scenario& scenario,
                                                             const Report& report) {
  Chart throughput = {"Throughput", "Mbit/s", {}};
  Chart window = {"Congestion window, and ssthresh dashed", "KiB", {}};
  Chart rtt = {"Round trip time", "ms", {}};
  for (size_t i = 0; i < report.flows.size(); ++i) {
    const std::string& name = scenario.flows[i].name;
    const std::vector<FlowPoint>& points = report.flows[i].points;
    throughput.lines.push_back({name, Throughput(points), false, i});
    rtt.lines.push_back(
        {name, Line(points, [](const FlowPoint& p) { return Seconds(p.rtt) * 1e3; }), false, i});
    Points windows =
        Line(points, [](const FlowPoint& p) { return static_cast<double>(p.window) / 1024; });
    if (windows.empty()) continue;
    // A threshold that is far above the window would squeeze it to nothing.
    double most = 0;
    for (const auto& [x, y] : windows) most = std::max(most, y);
    Points thresholds =
        Line(points, [](const FlowPoint& p) { return static_cast<double>(p.threshold) / 1024; });
    std::erase_if(thresholds, [most](const auto& p) { return p.second > 2 * most; });
    window.lines.push_back({name, std::move(windows), false, i});
    window.lines.push_back({name + " ssthresh", std::move(thresholds), true, i});
  }
  return {{"throughput.svg", ChartSvg(throughput)},
          {"window.svg", ChartSvg(window)},
          {"rtt.svg", ChartSvg(rtt)}};
}

}  // namespace moat::netstack::sim
