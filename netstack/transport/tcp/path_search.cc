// What a path carries that swallows big segments without a word (RFC 4821): a black hole is found
// by its timeouts (7.7), or every path is taken for one (tcp_mtu_probing 2), and larger sizes are
// searched for (7.3) by single segments of text that are bigger than others, as Linux does: one at
// a time, while all is well and enough follows to show its loss quickly. The loss of a probe alone
// is no sign of congestion (7.6.2).
#include <algorithm>

#include "netstack/transport/tcp/connection.h"

namespace moat::netstack::tcp {
namespace {

// Segments of cwnd to probe with; RFC 4821 7.4 wants fast retransmit sure.
constexpr uint32_t kLeastWindow = 11;

}  // namespace

// By timeouts in a row. As Linux: down to tcp_base_mss, and to half with each further one.
void Connection::SuspectBlackHole() {
  const Sysctls& sysctls = core_.sysctls;
  if (sysctls.mtu_probing->value() == 0 || retransmits_ < sysctls.retries1->value()) return;
  SearchPath(path_search_ ? repair_->path.low / 2 : UINT32_MAX);
  ++core_.counters.black_holes;
  UpdateMss();
}

// Only small segments, of at most `most` octets, until larger ones have shown that they arrive.
void Connection::SearchPath(uint32_t most) {
  const Sysctls& sysctls = core_.sysctls;
  PathSearch& search = NeedRepair().path;
  if (!path_search_) search = {.high = MssCeiling() + 1};
  const auto floor = static_cast<uint32_t>(
      std::max(sysctls.mtu_probe_floor->value(), sysctls.min_snd_mss->value()));
  search.low = std::max(std::min(static_cast<uint32_t>(sysctls.base_mss->value()), most), floor);
  search.high = std::max(search.high, search.low + 1);
  search.probe = 0;
  search.again = kNever;
  path_search_ = true;
}

// The MSS to try next; 0: none now.
uint32_t Connection::NextPathProbe() {
  PathSearch& search = repair_->path;
  const uint32_t ceiling = MssCeiling();
  if (search.again <= core_.Now()) {  // the path may be another one by now
    search.high = ceiling + 1;
    search.again = kNever;
  }
  search.high = std::min(search.high, ceiling + 1);
  if (search.high <= search.low + 1) {
    if (search.low >= ceiling) path_search_ = false;  // it carries all that there is to carry
    return 0;
  }
  const auto threshold = static_cast<uint32_t>(core_.sysctls.probe_threshold->value());
  if (search.high - search.low > threshold) return search.low + (search.high - search.low) / 2;
  if (search.high > ceiling) return ceiling;  // nothing was found that does not go
  if (search.again == kNever) {
    search.again = core_.Now() + core_.sysctls.Seconds(core_.sysctls.probe_interval);
  }
  return 0;
}

// Sends a probe instead of the next segment when there is one to send. False: it was not.
bool Connection::ProbePath(uint32_t unsent) {
  PathSearch& search = repair_->path;
  const uint32_t mss = tcb_.snd.mss;
  if (search.probe != 0 || recovery_ != Recovery::kOpen || duplicate_acks_ > 0 || send_cwr_)
    return false;
  if (flight_.lost() > 0 || flight_.sacked() > 0 || flight_.retransmitted() > 0) return false;
  if (window_.cwnd < kLeastWindow * mss) return false;
  const uint32_t size = NextPathProbe();
  const uint32_t text = size == 0 ? 0 : TextOf(size);
  if (text <= mss) return false;
  const uint32_t needed = text + (kDupThresh + 1) * mss;
  const SeqNum edge = tcb_.snd.una + tcb_.snd.wnd;
  if (unsent < needed || edge < tcb_.snd.nxt + needed || CwndRoom() < text || PacerHolds())
    return false;
  const SeqNum seq = tcb_.snd.nxt;
  const SeqNum small = tcb_.snd.small;
  uint32_t length = text;
  if (const Error error = SendSegment(seq, &length, 0, /*whole=*/true); error != Error::kOk) {
    search.high = size;
    OnSendError(error);
    return false;
  }
  Sent(seq, length, false);
  tcb_.snd.small = small;  // it is not small
  if (length <= mss) return true;  // the send queue was in too many pieces
  search.probe = size;
  search.begin = seq;
  search.end = seq + length;
  return true;
}

void Connection::PathProbeArrived() {
  PathSearch& search = repair_->path;
  search.low = search.probe;
  search.probe = 0;
  ++core_.counters.mtu_probe_success;
  if (search.low >= MssCeiling()) path_search_ = false;
  UpdateMss();
}

void Connection::PathProbeFailed() {
  PathSearch& search = repair_->path;
  search.high = std::max(search.probe, search.low + 1);
  search.probe = 0;
  ++core_.counters.mtu_probe_fail;
}

// What is deemed lost by now is the probe and nothing else: it is sent again, in pieces, with the
// window as it is.
bool Connection::OnlyPathProbeLost() {
  PathSearch& search = repair_->path;
  if (search.probe == 0 || tcb_.snd.una != search.begin || flight_.empty()) return false;
  const uint32_t length = flight_.front().length;
  if (!tcb_.sack) {
    duplicate_acks_ = 0;
    (void)flight_.MarkFirstLost(length);
  }
  if (flight_.lost() != length) return false;
  PathProbeFailed();
  return true;
}

}  // namespace moat::netstack::tcp
