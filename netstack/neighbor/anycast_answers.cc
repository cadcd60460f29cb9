#include "netstack/neighbor/anycast_answers.h"

namespace moat::netstack {
namespace {

constexpr uint32_t kMaxDelayMs = 1000;  // MAX_ANYCAST_DELAY_TIME, RFC 4861 10

}  // namespace

bool AnycastAnswers::Add(const AnycastAnswer& answer) {
  if (waiting_.size() >= kMaxWaiting) return false;
  const auto delay = std::chrono::milliseconds(random_.Below(kMaxDelayMs + 1));
  waiting_.emplace(clock_.Now() + delay, answer);
  timer_.Arm(waiting_.begin()->first);
  return true;
}

void AnycastAnswers::OnTimer() {
  const Time now = clock_.Now();
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    const AnycastAnswer due = waiting_.extract(waiting_.begin()).mapped();
    host_.AnswerDue(due);
  }
  if (!waiting_.empty()) timer_.Arm(waiting_.begin()->first);
}

}  // namespace moat::netstack
