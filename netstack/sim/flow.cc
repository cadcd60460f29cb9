#include "netstack/sim/flow.h"

#include <algorithm>
#include <utility>

namespace moat::netstack::sim {
namespace {

enum Argument : uint64_t { kBegin, kRecord };

struct Kind {
  std::unique_ptr<Flow> (*make)(FlowContext);
};
// By FlowKind.
constexpr Kind kKinds[] = {{&NewBulkFlow}, {&NewRequestsFlow}, {&NewUdpFlow}, {&NewPingFlow}};

}  // namespace

std::unique_ptr<Flow> NewFlow(FlowContext context) {
  return kKinds[static_cast<size_t>(context.spec->kind)].make(std::move(context));
}

void Flow::Open() {
  Listen();
  context_.to->Settle();
  context_.queue->At(EventQueue::kStart + spec().start, this, kBegin);
}

void Flow::OnEvent(uint64_t argument) {
  if (done_) return;
  if (argument == kBegin) {
    begun_ = true;
    result_.start = context_.queue->elapsed();
    Begin();
    context_.from->Settle();
  } else {
    Record();
  }
  if (!done_) context_.queue->After(interval_, this, kRecord);
}

void Flow::Record() {
  FlowPoint point;
  point.at = context_.queue->elapsed();
  point.delivered = result_.bytes;
  Measure(point);
  result_.points.push_back(point);
  if (result_.points.size() < kMaxPoints) return;
  for (size_t i = 0; i < result_.points.size() / 2; ++i) {
    result_.points[i] = result_.points[2 * i + 1];
  }
  result_.points.resize(result_.points.size() / 2);
  interval_ *= 2;
}

void Flow::AddRtt(Duration rtt, double weight) {
  if (rtt.count() <= 0) return;
  rtt_sum_ += static_cast<double>(rtt.count()) * weight;
  rtt_weight_ += weight;
  result_.mean_rtt = Duration(static_cast<Duration::rep>(rtt_sum_ / rtt_weight_));
  result_.max_rtt = std::max(result_.max_rtt, rtt);
  if (result_.min_rtt.count() == 0 || rtt < result_.min_rtt) result_.min_rtt = rtt;
}

void Flow::AddRtt(Duration rtt) { AddRtt(rtt, 1); }

void Flow::End() {
  done_ = true;
  if (begun_) {
    result_.time = context_.queue->elapsed() - result_.start;
    Record();
  }
  Close();
  context_.finished();
}

void Flow::Fail(std::string why) {
  if (done_) return;
  result_.error = std::move(why);
  End();
}

void Flow::Finish() {
  if (done_) return;
  result_.complete = true;
  End();
}

void Flow::Stop() { Fail(begun_ ? "not finished in time" : "not begun in time"); }

}  // namespace moat::netstack::sim
