// The user timeout option of a connection (RFC 5482): what is sent, and what is made of the peer's.
#include <algorithm>

#include "netstack/transport/tcp/connection.h"
#include "netstack/transport/tcp/state.h"
#include "netstack/transport/tcp/user_timeout_option.h"

namespace moat::netstack::tcp {

Duration Connection::AdvertisedUserTimeout() const {
  const Duration chosen = settings_->tcp.user_timeout;
  return chosen > Duration::zero() ? chosen : DurationOfRetries(RetryLimit());
}

// The limit of resources goes before a peer's wish: it does not hold for orphans, whom nobody waits
// for. L_LIMIT is longer than the retransmission timeout, so that what is retransmitted has its
// time to be acknowledged.
Duration Connection::UserTimeout() const {
  const Duration chosen = settings_->tcp.user_timeout;
  if (chosen > Duration::zero() || tcb_.snd.remote_uto == 0 || orphan()) return chosen;
  const Sysctl& limits = *core_.sysctls.user_timeout_limits;
  UserTimeouts timeouts;
  timeouts.advertised = AdvertisedUserTimeout();
  timeouts.remote = DecodeUserTimeout(tcb_.snd.remote_uto);
  const Duration two_tries = rtt_.Rto() + rtt_.Rto(1);
  timeouts.least = std::max<Duration>(std::chrono::seconds(limits.value(0)), two_tries);
  timeouts.most = std::max<Duration>(std::chrono::seconds(limits.value(1)), two_tries);
  return AdoptedUserTimeout(timeouts);
}

// Of a SYN, or of an acceptable segment.
void Connection::TakeUserTimeout(uint16_t option) {
  if (!user_timeout_option_ || option == 0) return;
  tcb_.snd.remote_uto = option;
  if (IsSynchronized(state_)) ArmIdleTimer();
}

// 4.2: with the option in use, keepalives begin only after the time that data would be waited for.
Duration Connection::KeepaliveIdle() const {
  const Duration idle = settings_->tcp.keepalive_idle;
  if (tcb_.snd.remote_uto == 0) return idle;
  return std::max<Duration>(idle, UserTimeout() + std::chrono::seconds(1));
}

// 3: other options go before. A SYN that is sent again has none, in case that is what gets lost.
// Returns whether `options` have it now.
bool Connection::PutUserTimeout(TcpOptionSet& options, uint8_t flags) const {
  if ((flags & tcp_flag::kRst) != 0 || options.sack_count != 0) return false;
  if ((flags & tcp_flag::kSyn) != 0 && retransmits_ > 0) return false;
  const size_t accecn = accecn_ == nullptr ? 0 : TcpAccEcnSize(kTcpMaxAccEcnFields);
  const size_t size = TcpFixedOptionsSize(options) + accecn + kTcpUserTimeoutSize;
  if (size > kTcpMaxOptionsSize) return false;
  options.user_timeout = EncodeUserTimeout(AdvertisedUserTimeout());
  return true;
}

}  // namespace moat::netstack::tcp
