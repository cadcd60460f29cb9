#include "netstack/link_local/dhcp_with_fallback.h"

#include <algorithm>

namespace moat::netstack {
namespace {

LinkLocalOptions OnInterface(LinkLocalOptions options, InterfaceIndex interface) {
  options.interface = interface;
  return options;
}

}  // namespace

DhcpWithFallback::DhcpWithFallback(Stack& stack, const DhcpOptions& dhcp,
                                   const FallbackOptions& fallback)
    : clock_(*dhcp.clock),
      patience_(fallback.patience),
      dhcp_(stack, dhcp),
      link_local_(stack, OnInterface(fallback.link_local, dhcp.interface)) {}

absl::Status DhcpWithFallback::Start() {
  const absl::Status status = dhcp_.Start();
  if (status.ok()) fall_back_ = clock_.Now() + patience_;
  return status;
}

void DhcpWithFallback::Stop() {
  fall_back_ = kNever;
  link_local_.Stop();
  dhcp_.Release();
}

void DhcpWithFallback::Poll() {
  dhcp_.Poll();
  const bool waiting = fall_back_ != kNever;
  const bool fallen_back = link_local_.state() != LinkLocalClient::State::kStopped;
  if (dhcp_.state() == DhcpClient::State::kStopped) return;
  if (dhcp_.lease().has_value()) {
    fall_back_ = kNever;
    link_local_.Stop();
  } else if (!waiting && !fallen_back) {  // the lease was lost
    fall_back_ = clock_.Now() + patience_;
  } else if (waiting && fall_back_ <= clock_.Now()) {
    fall_back_ = kNever;
    (void)link_local_.Start();
  }
  link_local_.Poll();
}

Time DhcpWithFallback::NextDeadline() const { return std::min(dhcp_.NextDeadline(), fall_back_); }

}  // namespace moat::netstack
