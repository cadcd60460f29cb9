#include "netstack/sim/simulation.h"

#include <array>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "netstack/sim/event_queue.h"
#include "netstack/sim/network.h"
#include "netstack/sim/pattern.h"

namespace moat::netstack::sim {
namespace {

constexpr uint16_t kFirstPort = 10'000;

class Simulation : public EventTarget {
 public:
  Simulation(const Scenario& scenario, const RunOptions& options)
      : scenario_(scenario),
        seed_(options.seed.value_or(scenario.seed)),
        network_(scenario, queue_) {}

  absl::Status Build(const RunOptions& options) {
    if (absl::Status status = network_.Build(seed_); !status.ok()) return status;
    if (options.capture) {
      for (size_t i = 0; i < scenario_.links.size(); ++i) Capture(i, options);
    }
    for (size_t i = 0; i < scenario_.events.size(); ++i) {
      queue_.At(EventQueue::kStart + scenario_.events[i].at, this, i);
    }
    for (size_t i = 0; i < scenario_.flows.size(); ++i) {
      if (absl::Status status = AddFlow(i); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  void Run() {
    for (auto& flow : flows_) flow->Open();
    const Time end = EventQueue::kStart + scenario_.limit;
    while (unfinished_ > 0 && queue_.next() <= end) queue_.RunOne();
    if (unfinished_ == 0 && !flows_.empty()) return;
    queue_.AdvanceTo(end);
    for (auto& flow : flows_) flow->Stop();
  }

  Report TakeReport() {
    Report report;
    report.seed = seed_;
    report.time = queue_.elapsed();
    report.events = queue_.handled();
    for (auto& flow : flows_) report.flows.push_back(flow->result());
    for (size_t i = 0; i < scenario_.links.size(); ++i) {
      report.links.push_back({network_.forth(i).counters(), network_.back(i).counters()});
      for (const Channel* channel : {&network_.forth(i), &network_.back(i)}) {
        report.digest = (report.digest ^ channel->digest()) * 0x9e3779b97f4a7c15 + 1;
      }
    }
    return report;
  }

  // An event of the scenario.
  void OnEvent(uint64_t argument) override {
    const LinkEvent& event = scenario_.events[argument];
    Channel& forth = network_.forth(event.link);
    Channel& back = network_.back(event.link);
    if (event.kind == LinkEvent::Kind::kChange) {
      forth.Change(event.forth);
      back.Change(event.back);
      return;
    }
    forth.SetUp(event.kind == LinkEvent::Kind::kUp);
    back.SetUp(event.kind == LinkEvent::Kind::kUp);
  }

 private:
  absl::Status AddFlow(size_t index) {
    const FlowSpec& spec = scenario_.flows[index];
    const std::optional<IpAddress> address = network_.AddressOf(spec.to, spec.family);
    if (!address) {
      return absl::InvalidArgumentError(
          absl::StrCat(scenario_.file, ":", spec.line, ": \"", scenario_.nodes[spec.to].name,
                       "\": has no address of this family: no link above, or an MTU below 1280"));
    }
    FlowContext context;
    context.queue = &queue_;
    context.spec = &spec;
    context.from = network_.host(spec.from);
    context.to = network_.host(spec.to);
    context.address = *address;
    context.port = static_cast<uint16_t>(kFirstPort + index);
    context.pattern = &pattern_;
    context.finished = [this] { --unfinished_; };
    ++unfinished_;
    flows_.push_back(NewFlow(std::move(context)));
    return absl::OkStatus();
  }

  void Capture(size_t link, const RunOptions& options) {
    const LinkSpec& spec = scenario_.links[link];
    captures_.push_back(std::make_unique<PcapngWriter>(options.capture(spec)));
    PcapngWriter* writer = captures_.back().get();
    const uint32_t a =
        writer->AddInterface(scenario_.nodes[spec.a].name, PcapngWriter::kEthernet, 0);
    const uint32_t b =
        writer->AddInterface(scenario_.nodes[spec.b].name, PcapngWriter::kEthernet, 0);
    const auto tap = [this, writer](uint32_t interface, PcapngWriter::Direction direction) {
      return [this, writer, interface, direction](const Slice& frame) {
        const std::array<std::span<const uint8_t>, 1> piece = {frame.span()};
        writer->AddFrame(interface, queue_.elapsed(), direction, piece);
      };
    };
    using Way = PcapngWriter::Direction;
    network_.forth(link).SetTaps(tap(a, Way::kOut), tap(b, Way::kIn));
    network_.back(link).SetTaps(tap(b, Way::kOut), tap(a, Way::kIn));
  }

  const Scenario& scenario_;
  const uint64_t seed_;
  Pattern pattern_;
  EventQueue queue_;
  std::vector<std::unique_ptr<PcapngWriter>> captures_;
  Network network_;
  size_t unfinished_ = 0;
  std::vector<std::unique_ptr<Flow>> flows_;  // their sockets go before the stacks
};

}  // namespace

absl::StatusOr<Report> Simulate(const Scenario& scenario, const RunOptions& options) {
  Simulation simulation(scenario, options);
  if (absl::Status status = simulation.Build(options); !status.ok()) return status;
  simulation.Run();
  return simulation.TakeReport();
}

}  // namespace moat::netstack::sim
