// Lines over time as SVG. Small and plain: axes with round numbers, a grid, a legend.
#ifndef MOAT_NETSTACK_SIM_CHART_H_
#define MOAT_NETSTACK_SIM_CHART_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace moat::netstack::sim {

struct ChartLine {
  std::string name;  // in the legend; escaped
  std::vector<std::pair<double, double>> points;  // x ascending, both finite and not negative
  bool dashed = false;
  size_t colour = 0;  // lines with equal numbers have the same
};

struct Chart {
  std::string title;
  std::string y_label;  // the x axis is "seconds"
  std::vector<ChartLine> lines;
};

std::string ChartSvg(const Chart& chart);

}  // namespace moat::netstack::sim

#endif  // MOAT_NETSTACK_SIM_CHART_H_
