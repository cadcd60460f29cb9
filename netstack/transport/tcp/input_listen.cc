// SEGMENT ARRIVES in LISTEN (RFC 9293 3.10.7.2).
#include <memory>
#include <utility>

#include "netstack/transport/tcp/connection.h"
#include "netstack/transport/tcp/listener.h"

namespace moat::netstack::tcp {

void Listener::SegmentArrives(const Segment& segment, const SeqNum* minimum_isn) {
  // First, check for a RST.
  if (segment.Has(tcp_flag::kRst)) return;
  // Second, check for an ACK: any acknowledgment is bad here.
  if (segment.Has(tcp_flag::kAck)) {
    core_.SendReset(segment);
    return;
  }
  // Third, check for a SYN. RFC 1122 4.2.3.10: not from or to a group or a broadcast.
  if (!segment.Has(tcp_flag::kSyn)) return;
  if (segment.packet->to_broadcast || segment.packet->to_multicast) return;
  if (segment.packet->source.IsMulticast() || segment.packet->source.IsUnspecified()) return;
  // DEVIATION: SYN with FIN or RST never begins a connection (as Linux and most do).
  if (segment.Has(tcp_flag::kFin)) return;
  OnSyn(segment, minimum_isn);
}

void Listener::OnSyn(const Segment& segment, const SeqNum* minimum_isn) {
  if (AcceptQueueFull()) {
    ++core_.counters.listen_overflows;
    ++core_.counters.listen_drops;
    return;
  }
  if (embryo_count_ >= core_.sysctls.max_syn_backlog->value()) {
    ++core_.counters.request_queue_full_drop;
    ++core_.counters.listen_drops;
    return;
  }
  const FlowKey key = Core::KeyOf(segment);
  Connection* connection = NewEmbryo(segment, key);
  SeqNum iss = core_.isn.Isn(key, core_.Now());
  if (minimum_isn != nullptr && iss < *minimum_isn) iss = *minimum_isn;
  if (connection->OpenPassive(*this, segment, iss) == Error::kOk) return;
  ++core_.counters.listen_drops;
  OnGone(*connection);
  core_.flows.Erase(connection);
  core_.Retire(connection);
}

Connection* Listener::NewEmbryo(const Segment& segment, const FlowKey& key) {
  Settings settings = settings_;
  auto connection = std::make_unique<Connection>(core_, core_.NextId(), key, settings,
                                                 port_.Share(key.local));
  if (!congestion_control_.empty()) (void)connection->SetCongestionControl(congestion_control_);
  core_.flows.Insert(connection.get());
  embryos_.PushBack(connection->listener_hook());
  ++embryo_count_;
  return core_.Adopt(std::move(connection));
}

}  // namespace moat::netstack::tcp
