#include "sentry/boot/farewell.h"

#include <algorithm>
#include <string_view>

#include "sentry/socket/reaper.h"

namespace moat::sentry {
namespace {

using netstack::SocketInfo;

// States in which the peer still waits for something of ours.
constexpr std::string_view kWaiting[] = {"ESTAB", "FIN-WAIT-1", "CLOSE-WAIT", "CLOSING",
                                         "LAST-ACK"};

}  // namespace

Farewell::Farewell(Sandbox& sandbox)
    : sandbox_(sandbox),
      deadline_(sandbox.clock().Now() + kLongest),
      timer_(sandbox.timers(), netstack::MemberTimer<&Farewell::OnTimer>, this) {
  sandbox_.reaper().Sweep();
  OnTimer();
}

bool Farewell::Outstanding() const {
  for (const SocketInfo& info : sandbox_.stack().ListSockets()) {
    if (info.type != SocketInfo::Type::kTcp) continue;
    if (std::find(std::begin(kWaiting), std::end(kWaiting), info.state) != std::end(kWaiting)) {
      return true;
    }
  }
  return false;
}

bool Farewell::Done() { return sandbox_.clock().Now() >= deadline_ || !Outstanding(); }

}  // namespace moat::sentry
