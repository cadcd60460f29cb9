// Traffic between two hosts, its progress over time, and what came of it.
#ifndef MOAT_NETSTACK_SIM_FLOW_H_
#define MOAT_NETSTACK_SIM_FLOW_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "netstack/sim/event_queue.h"
#include "netstack/sim/host.h"
#include "netstack/sim/pattern.h"
#include "netstack/sim/scenario.h"
#include "netstack/wire/address.h"

namespace moat::netstack::sim {

// A flow's state at a time. Windows are octets; zero where there is none.
struct FlowPoint {
  Duration at{0};  // since the simulation began
  uint64_t delivered = 0;
  uint64_t window = 0, threshold = 0;  // cwnd, ssthresh (0: not yet set)
  Duration rtt{0};                     // smoothed; of the last message for pings and datagrams
};

struct FlowResult {
  bool complete = false;     // everything arrived, byte for byte; for datagrams: all were sent
  std::string error;         // why not
  std::string congestion;    // what was used
  Duration start{0}, time{0};
  uint64_t bytes = 0;        // payload delivered
  // TCP, both ends together.
  uint64_t sent_bytes = 0, retransmitted_bytes = 0;  // payload; sent includes retransmitted
  uint64_t retransmits = 0;  // segments
  uint64_t timeouts = 0;     // retransmission timer
  // Round trips: TCP's smoothed one; of a request; of an echo; one way for datagrams.
  Duration min_rtt{0}, mean_rtt{0}, max_rtt{0};
  // Requests, datagrams, echoes.
  uint64_t messages_sent = 0, messages_received = 0, duplicates = 0, reordered = 0;
  std::vector<FlowPoint> points;

  double goodput() const {  // bits per second
    return time.count() <= 0 ? 0
                             : static_cast<double>(bytes) * 8e9 / static_cast<double>(time.count());
  }
};

// All borrowed, and outlive the flow.
struct FlowContext {
  EventQueue* queue = nullptr;
  const FlowSpec* spec = nullptr;
  Host* from = nullptr;
  Host* to = nullptr;
  IpAddress address{};  // of `to`
  uint16_t port = 0;    // that the flow has to itself
  const Pattern* pattern = nullptr;
  std::function<void()> finished{};  // called once
};

class Flow : public EventTarget {
 public:
  // Points are recorded at an interval that doubles whenever there are this many.
  static constexpr size_t kMaxPoints = 4096;

  explicit Flow(FlowContext context) : context_(std::move(context)) {}

  // Before anything runs: asks for its start, and lets servers listen.
  void Open();
  // The simulation ends: an unfinished flow fails.
  void Stop();
  bool done() const { return done_; }
  const FlowResult& result() const { return result_; }
  const FlowContext& context() const { return context_; }
  const FlowSpec& spec() const { return *context_.spec; }

  void OnEvent(uint64_t argument) override;

  // For its programs.
  void Fail(std::string why);
  void Finish();
  FlowResult& mutable_result() { return result_; }
  void AddRtt(Duration rtt);  // one measurement with the weight of one

 private:
  virtual void Listen() = 0;
  virtual void Begin() = 0;
  virtual void Measure(FlowPoint& point) = 0;  // fills window, threshold, rtt
  virtual void Close() = 0;                    // last look at the sockets

  void Record();
  void End();

  FlowContext context_;
  FlowResult result_;
  bool done_ = false;
  bool begun_ = false;
  Duration interval_ = std::chrono::milliseconds(1);
  double rtt_sum_ = 0, rtt_weight_ = 0;

 protected:
  // TCP's mean is over time.
  void AddRtt(Duration rtt, double weight);
};

std::unique_ptr<Flow> NewBulkFlow(FlowContext context);
std::unique_ptr<Flow> NewRequestsFlow(FlowContext context);
std::unique_ptr<Flow> NewUdpFlow(FlowContext context);
std::unique_ptr<Flow> NewPingFlow(FlowContext context);
std::unique_ptr<Flow> NewFlow(FlowContext context);  // by its kind

}  // namespace moat::netstack::sim

#endif  // MOAT_NETSTACK_SIM_FLOW_H_
