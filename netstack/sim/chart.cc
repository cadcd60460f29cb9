#include "netstack/sim/chart.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace moat::netstack::sim {
namespace {

constexpr double kWidth = 960, kHeight = 420;
constexpr double kLeft = 70, kRight = 170, kTop = 36, kBottom = 46;
constexpr size_t kMaxLegend = 20;
// Distinguishable without colours seen alike (Okabe and Ito 2008).
constexpr const char* kColours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                    "#e69f00", "#56b4e9", "#000000", "#999933"};

std::string Escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      default: out += c;
    }
  }
  return out;
}

// 1, 2 or 5 times a power of ten, so that about five steps reach `most`.
double Step(double most) {
  const double rough = most / 5;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (rough <= factor * power) return factor * power;
  }
  return 10 * power;
}

class Canvas {
 public:
  Canvas(double x_most, double y_most) : x_most_(x_most), y_most_(y_most) {}

  double X(double value) const { return kLeft + value / x_most_ * (kWidth - kLeft - kRight); }
  double Y(double value) const {
    return kHeight - kBottom - value / y_most_ * (kHeight - kTop - kBottom);
  }

  void Segment(double x1, double y1, double x2, double y2, const char* colour) {
    absl::StrAppendFormat(
        &svg, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n", x1, y1, x2,
        y2, colour);
  }
  void Text(double x, double y, const char* anchor, const std::string& text) {
    absl::StrAppendFormat(&svg, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y,
                          anchor, Escaped(text));
  }

  std::string svg;

 private:
  double x_most_, y_most_;
};

void DrawAxes(Canvas& canvas, double x_most, double y_most) {
  const double x_step = Step(x_most), y_step = Step(y_most);
  for (int i = 0; i * x_step <= x_most * 1.0001; ++i) {
    const double x = canvas.X(i * x_step);
    canvas.Segment(x, kTop, x, kHeight - kBottom, i == 0 ? "#333" : "#ddd");
    canvas.Text(x, kHeight - kBottom + 18, "middle", absl::StrFormat("%g", i * x_step));
  }
  for (int i = 0; i * y_step <= y_most * 1.0001; ++i) {
    const double y = canvas.Y(i * y_step);
    canvas.Segment(kLeft, y, kWidth - kRight, y, i == 0 ? "#333" : "#ddd");
    canvas.Text(kLeft - 8, y + 4, "end", absl::StrFormat("%g", i * y_step));
  }
}

void DrawLine(Canvas& canvas, const ChartLine& line, size_t row) {
  const char* colour = kColours[line.colour % std::size(kColours)];
  const char* dash = line.dashed ? " stroke-dasharray=\"5 4\"" : "";
  canvas.svg += "<polyline fill=\"none\" stroke-width=\"1.5\" points=\"";
  for (const auto& [x, y] : line.points) {
    absl::StrAppendFormat(&canvas.svg, "%.1f,%.1f ", canvas.X(x), canvas.Y(y));
  }
  absl::StrAppendFormat(&canvas.svg, "\" stroke=\"%s\"%s/>\n", colour, dash);
  if (row >= kMaxLegend) return;
  const double y = kTop + 16 * static_cast<double>(row);
  absl::StrAppendFormat(&canvas.svg,
                        "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" "
                        "stroke-width=\"2\"%s/>\n",
                        kWidth - kRight + 10, y, kWidth - kRight + 34, y, colour, dash);
  canvas.Text(kWidth - kRight + 40, y + 4, "start",
              row + 1 == kMaxLegend ? std::string("...") : line.name);
}

}  // namespace

std::string ChartSvg(const Chart& chart) {
  double x_most = 0, y_most = 0;
  for (const ChartLine& line : chart.lines) {
    for (const auto& [x, y] : line.points) {
      x_most = std::max(x_most, x);
      y_most = std::max(y_most, y);
    }
  }
  if (!(x_most > 0)) x_most = 1;
  y_most = y_most > 0 ? y_most * 1.05 : 1;
  Canvas canvas(x_most, y_most);
  canvas.svg = absl::StrFormat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%g\" height=\"%g\" viewBox=\"0 0 %g %g\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" "
      "fill=\"white\"/>\n",
      kWidth, kHeight, kWidth, kHeight);
  canvas.Text(kLeft, kTop - 14, "start", absl::StrCat(chart.title, " (", chart.y_label, ")"));
  canvas.Text((kLeft + kWidth - kRight) / 2, kHeight - 8, "middle", "seconds");
  DrawAxes(canvas, x_most, y_most);
  for (size_t i = 0; i < chart.lines.size(); ++i) DrawLine(canvas, chart.lines[i], i);
  return canvas.svg + "</svg>\n";
}

}  // namespace moat::netstack::sim
