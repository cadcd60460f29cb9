#include "netstack/sim/grid/cases.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace moat::netstack::sim {
namespace {

constexpr double kMbit = 1e6;
constexpr uint64_t kMB = 1'000'000;

// A direct link of `mbit` and `rtt_ms`, with a queue of one round trip (at least 30 kB) and `more`
// options.
GridCase Direct(std::string name, double mbit, double rtt_ms, const std::string& more,
                uint64_t bytes) {
  GridCase c;
  c.name = std::move(name);
  const double queue = std::max(30e3, mbit * kMbit / 8 * rtt_ms / 1e3);
  c.network =
      absl::StrCat("host a\nhost b\nlink a b name path rate ", static_cast<int64_t>(mbit * 1000),
                   "kbit delay ", static_cast<int64_t>(rtt_ms * 500), "us queue ",
                   static_cast<int64_t>(queue), " ", more, "\n");
  c.bytes = bytes;
  c.path.rate = mbit * kMbit;
  c.path.rtt = rtt_ms / 1e3;
  c.floor = 0.5;
  c.per_fault = 1.6;
  c.storm = 0.02;
  return c;
}

GridCase Loss(double percent, double mbit, double rtt_ms, uint64_t bytes) {
  GridCase c = Direct(absl::StrCat("loss_", percent, "%_", mbit, "Mbit_", rtt_ms, "ms"), mbit,
                      rtt_ms, absl::StrCat("forth loss ", percent, "%"), bytes);
  c.path.loss = percent / 100;
  // A handful of losses more or less is half of a short transfer's luck; at 10 % and more the
  // model's timeouts are all there is.
  if (percent > 0) c.floor = 0.35;
  return c;
}

void AddLosses(std::vector<GridCase>& grid) {
  grid.push_back(Loss(0, 20, 20, 4 * kMB));
  grid.push_back(Loss(0.1, 20, 20, 4 * kMB));
  grid.push_back(Loss(1, 20, 20, 4 * kMB));
  grid.push_back(Loss(3, 20, 20, 2 * kMB));
  grid.push_back(Loss(5, 20, 20, 2 * kMB));
  grid.push_back(Loss(10, 20, 20, 1 * kMB));
  grid.push_back(Loss(20, 20, 20, kMB / 2));
}

void AddDelays(std::vector<GridCase>& grid) {
  for (const double rtt : {1.0, 10.0, 50.0, 200.0, 500.0}) {
    grid.push_back(Loss(0, 10, rtt, 4 * kMB));
    grid.push_back(Loss(1, 10, rtt, kMB));
  }
}

void AddDisorder(std::vector<GridCase>& grid) {
  const auto add = [&](const char* name, const char* options, double held_back, double floor) {
    GridCase c = Direct(name, 20, 20, options, 3 * kMB);
    // What is held back by more than three segments counts as lost without RACK (RFC 5681 3.2).
    c.path.loss = held_back;
    c.floor = floor;
    grid.push_back(std::move(c));
  };
  add("reorder_1%_2ms", "reorder 1% reorder-by 2ms", 0.01, 0.4);
  add("reorder_5%_10ms", "reorder 5% reorder-by 10ms", 0.05, 0.4);
  add("reorder_30%_5ms", "reorder 30% reorder-by 5ms", 0.3, 0.4);
  add("duplicate_5%", "duplicate 5%", 0, 0.5);
  add("duplicate_50%", "duplicate 50%", 0, 0.5);
  add("corrupt_2%", "forth corrupt 2%", 0.02, 0.35);
  add("jitter_5ms", "jitter 5ms", 0, 0.5);
  // Frames that keep their order wait for the slowest before them, both ways.
  add("jitter_100ms", "jitter 100ms", 0, 0.25);
  grid.back().path.rtt += 0.2;
  grid.back().floor_of["vegas"] = 0.02;  // every rise of the round trip is a queue to it
  add("everything", "loss 2% reorder 2% reorder-by 5ms duplicate 2% corrupt 1% jitter 5ms", 0.05,
      0.35);
}

void AddQueues(std::vector<GridCase>& grid) {
  const auto add = [&](const char* name, const char* options, double floor) {
    // The last `queue` counts.
    GridCase c = Direct(name, 10, 20, options, 4 * kMB);
    c.floor = floor;
    grid.push_back(std::move(c));
  };
  add("bufferbloat_2MB", "queue 2MB", 0.5);
  add("queue_of_5", "queue 1MB queue-packets 5", 0.3);
  add("queue_of_20", "queue 1MB queue-packets 20", 0.4);
  // 10 Mbit/s need about 200 kbit/s of ACKs for every other segment.
  add("asymmetric_10Mbit_256kbit", "back rate 256kbit queue 20kB", 0.5);
  grid.back().path.ack_rate = 256e3;
  add("asymmetric_10Mbit_64kbit", "back rate 64kbit queue 10kB", 0.4);
  grid.back().path.ack_rate = 64e3;
  // ACKs are cumulative: only where all of a window are lost does a timeout follow. They begin to
  // be lost once the hosts know each other, since lost neighbour messages are another matter.
  for (const auto& [percent, floor] :
       {std::pair{10, 0.4}, std::pair{30, 0.3}, std::pair{50, 0.1}}) {
    add(absl::StrCat("ack_loss_", percent, "%").c_str(), "", floor);
    absl::StrAppend(&grid.back().network, "at 200ms set path back loss ", percent, "%\n");
  }
  add("slow_receiver_rate", "rate 64kbit", 0.5);
  grid.back().bytes = kMB / 10;
  grid.back().path.rate = 64e3;
}

void AddWindows(std::vector<GridCase>& grid) {
  const auto add = [&](const char* name, const char* options, double window, double mss,
                       double floor) {
    GridCase c = Direct(name, 20, 20, "", kMB);
    c.flow_options = options;
    c.path.window = window;
    c.path.payload = mss;
    c.path.frame = mss + 66;
    c.floor = floor;
    grid.push_back(std::move(c));
  };
  add("window_4KiB", "receive-buffer 4KiB mss 536", 4096, 524, 0.3);
  add("window_2KiB_ipv6", "receive-buffer 2KiB mss 500 ipv6", 2048, 488, 0.2);
  add("window_16KiB", "receive-buffer 16KiB", 16384, 1448, 0.3);
  add("send_buffer_8KiB", "send-buffer 8KiB", 8192, 1448, 0.3);
  add("mss_100", "mss 100", 0, 88, 0.3);
}

// Outages: the path is away from one second on. The retransmission timer doubles (RFC 6298 5.5), so
// that coming back may be noticed as late as the outage was long.
void AddOutages(std::vector<GridCase>& grid) {
  struct Outage {
    const char* name;
    const char* begin;
    const char* end;
    double length;
  };
  constexpr Outage kOutages[] = {{"vanishes_300ms", "1s", "1.3s", 0.3},
                                 {"vanishes_3s", "1s", "4s", 3},
                                 {"vanishes_20s", "1s", "21s", 20},
                                 {"vanishes_at_syn_2s", "0s", "2s", 2}};
  for (const Outage& o : kOutages) {
    GridCase c = Direct(o.name, 10, 20, "", 4 * kMB);
    absl::StrAppend(&c.network, "at ", o.begin, " down path\nat ", o.end, " up path\n");
    c.path.stall = 2 * o.length + 1;
    grid.push_back(std::move(c));
  }
  GridCase often = Direct("vanishes_often", 10, 20, "", 4 * kMB);
  for (int i = 0; i < 10; ++i) {
    absl::StrAppend(&often.network, "at ", i, ".5s down path\nat ", i, ".9s up path\n");
  }
  often.path.stall = 10 * (2 * 0.4 + 0.2);
  often.floor = 0.4;
  grid.push_back(std::move(often));
  GridCase slower = Direct("rate_falls_to_a_tenth", 20, 20, "", 4 * kMB);
  absl::StrAppend(&slower.network, "at 500ms set path rate 2Mbit\n");
  slower.path.rate = 2 * kMbit;
  slower.floor = 0.4;
  slower.path.stall = 1;
  grid.push_back(std::move(slower));
}

void AddKinds(std::vector<GridCase>& grid) {
  const auto add = [&](const char* name, const char* before, const char* options) {
    GridCase c = Direct(name, 20, 20, "forth loss 1%", 2 * kMB);
    c.network += before;
    c.flow_options = options;
    c.path.loss = 0.01;
    c.floor = 0.3;
    grid.push_back(std::move(c));
  };
  add("ipv6_loss_1%", "", "ipv6");
  add("no_sack_loss_1%", "sysctl all ipv4.tcp_sack 0\n", "");
  add("no_timestamps_loss_1%", "sysctl all ipv4.tcp_timestamps 0\n", "");
  add("no_scaling_loss_1%", "sysctl all ipv4.tcp_window_scaling 0\n", "");
  grid.back().path.window = 65535;
  for (GridCase& c : grid) {
    if (c.name == "no_sack_loss_1%")
      c.per_fault = 4;  // RFC 6582: a segment per round trip, or a timeout
  }
  GridCase offload = Direct("offload_loss_1%", 20, 20, "forth loss 1%", 2 * kMB);
  offload.network.replace(0, 6, "host a offload");
  offload.path.loss = 0.01;
  offload.floor = 0.3;
  grid.push_back(std::move(offload));
  // Jumbo frames up to a switch, ordinary ones behind it: the MSS option agrees on the smaller.
  GridCase jumbo = Direct("jumbo_beside_1500", 20, 20, "", 4 * kMB);
  jumbo.network =
      "host a\nhost b\nswitch s\nlink a s mtu 9000 rate 100Mbit delay 1ms\n"
      "link s b rate 20Mbit delay 9ms queue 50kB\n";
  grid.push_back(std::move(jumbo));
  // Only routers know of the small link: path MTU discovery (RFC 1191, RFC 8201).
  for (const char* family : {"", "ipv6"}) {
    GridCase path =
        Direct(*family == 0 ? "path_mtu_1400" : "path_mtu_1400_ipv6", 20, 20, "", 4 * kMB);
    path.network =
        "host a\nhost b\nrouter r\nrouter s\nlink a r mtu 9000 rate 100Mbit delay 1ms\n"
        "link r s mtu 1400 rate 20Mbit delay 8ms queue 50kB\nlink s b mtu 9000 rate 100Mbit delay "
        "1ms\n";
    path.flow_options = family;
    path.path.payload = 1348;
    path.path.frame = 1414;
    path.floor = 0.4;
    grid.push_back(std::move(path));
  }
  GridCase big = Direct("jumbo_9000_loss_1%", 50, 20, "mtu 9000 forth loss 1%", 8 * kMB);
  big.path.payload = 8948;
  big.path.frame = 9014;
  big.path.loss = 0.01;
  big.floor = 0.3;
  grid.push_back(std::move(big));
}

// Explicit congestion notification: both hosts have `mode` of tcp_ecn, and half of the queue is
// free of marks.
void Mark(GridCase& c, const char* mode) {
  absl::StrAppend(&c.network, "sysctl all ipv4.tcp_ecn ", mode, "\n");
}

void AddMarks(std::vector<GridCase>& grid) {
  const auto add = [&](const char* name, const char* mode, const char* options, double floor) {
    GridCase c = Direct(name, 10, 20, absl::StrCat("ecn 15kB ", options), 4 * kMB);
    Mark(c, mode);
    c.floor = floor;
    grid.push_back(std::move(c));
  };
  add("ecn", "1", "", 0.85);
  add("accecn", "3", "", 0.85);
  // Several ACKs in a row may be missing, and the three bits of ACE wrap (RFC 9768 3.2.2.5.2).
  add("accecn_ack_loss_30%", "3", "", 0.3);
  absl::StrAppend(&grid.back().network, "at 200ms set path back loss 30%\n");
  add("accecn_asymmetric_64kbit", "3", "back rate 64kbit queue 10kB", 0.4);
  grid.back().path.ack_rate = 64e3;
  add("accecn_reorder_5%_10ms", "3", "reorder 5% reorder-by 10ms", 0.4);
  grid.back().path.loss = 0.05;
  add("accecn_everything", "3",
      "loss 2% reorder 2% reorder-by 5ms duplicate 2% corrupt 1% jitter 5ms", 0.35);
  grid.back().path.loss = 0.05;
  add("accecn_vanishes_3s", "3", "", 0.5);
  absl::StrAppend(&grid.back().network, "at 1s down path\nat 4s up path\n");
  grid.back().path.stall = 7;
}

}  // namespace

std::vector<GridCase> BoundedGrid() {
  std::vector<GridCase> grid;
  AddLosses(grid);
  AddDelays(grid);
  AddDisorder(grid);
  AddQueues(grid);
  AddWindows(grid);
  AddOutages(grid);
  AddKinds(grid);
  AddMarks(grid);
  return grid;
}

std::vector<GridCase> FullGrid() {
  std::vector<GridCase> grid = BoundedGrid();
  for (const GridCase& c :
       BoundedGrid()) {  // nothing is marked, but feedback is asked for and given
    grid.push_back(c);
    grid.back().name = "full_accecn_" + c.name;
    Mark(grid.back(), "3");
  }
  for (const double loss : {0.0, 0.01, 0.1, 0.5, 2.0, 5.0, 10.0, 20.0}) {
    for (const double rtt : {1.0, 5.0, 20.0, 100.0, 500.0}) {
      for (const double mbit : {1.0, 10.0, 100.0}) {
        GridCase c = Loss(loss, mbit, rtt, 0);
        // About twenty seconds of it, and enough segments for the law of large numbers.
        const double bytes = SteadyGoodput(c.path) * 20 / 8;
        c.bytes = static_cast<uint64_t>(std::clamp(bytes, 0.4e6, 20e6));
        // Its estimate of the bandwidth lags many round trips behind a slow start, so that the
        // first loss leaves a small window, from which it grows by a segment per round trip.
        if (loss == 0 && rtt >= 100 && mbit >= 100) c.floor_of["westwood"] = 0.2;
        c.name = "full_" + c.name;
        grid.push_back(std::move(c));
      }
    }
  }
  return grid;
}

}  // namespace moat::netstack::sim
