#include "netstack/transport/tcp/tcp_protocol.h"

#include <string>
#include <utility>

#include "netstack/transport/tcp/connection.h"
#include "netstack/transport/tcp/core.h"
#include "netstack/transport/tcp/listener.h"
#include "netstack/transport/tcp/socket.h"
#include "netstack/transport/tcp/state.h"
#include "netstack/transport/tcp/time_wait.h"
#include "netstack/wire/checksum.h"

namespace moat::netstack {

using tcp::Connection;
using tcp::Core;
using tcp::Flow;
using tcp::FlowKey;
using tcp::Listener;
using tcp::Segment;
using tcp::TimeWait;

namespace {

bool Parse(const IpPacketIn& packet, Segment& segment) {
  TcpView view;
  if (!TcpView::Parse(packet.payload.span(), &view)) return false;
  segment.packet = &packet;
  segment.source_port = view.source_port();
  segment.destination_port = view.destination_port();
  segment.seq = view.seq();
  segment.ack = view.ack();
  segment.flags = view.flags();
  segment.ae = view.ae();
  segment.wnd = view.window();
  segment.up = view.urgent_pointer();
  segment.gso_size = packet.gso_size;
  segment.options = ParseTcpOptions(view.options());
  segment.text = packet.payload;
  segment.text.RemovePrefix(view.header_size());
  return true;
}

bool ChecksumIsRight(const IpPacketIn& packet) {
  if (packet.checksum == RxChecksum::kVerified) return true;
  return TransportChecksumValid(packet.source, packet.destination, ip_protocol::kTcp,
                                packet.payload.span());
}

// What is in no flow: a listener's, or nobody's.
void ArrivesAtListener(Core& core, const Segment& segment, const FlowKey& key,
                       const SeqNum* minimum_isn) {
  Listener* listener = core.listeners.Find(key.local, key.local_port, segment.packet->interface,
                                           core.flows.HashOf(key));
  if (listener != nullptr) {
    const SocketOptions& options = listener->settings()->socket;
    if (segment.packet->hop_limit < tcp::MinimumHops(options, key.remote)) {
      ++core.counters.minimum_ttl_drop;
      return;
    }
    listener->SegmentArrives(segment, minimum_isn);
  } else {
    core.SendReset(segment);  // 3.10.7.1
  }
}

void Dispatch(Core& core, Segment& segment) {
  const FlowKey key = Core::KeyOf(segment);
  Flow* flow = core.flows.Find(key);
  if (flow != nullptr && flow->device != 0 && flow->device != segment.packet->interface)
    flow = nullptr;
  if (flow == nullptr) {
    ArrivesAtListener(core, segment, key, nullptr);
  } else if (segment.packet->hop_limit < flow->minimum_hops) [[unlikely]] {
    ++core.counters.minimum_ttl_drop;
  } else if (flow->kind == Flow::Kind::kConnection) {
    static_cast<Connection*>(flow)->SegmentArrives(segment);
  } else {
    auto* time_wait = static_cast<TimeWait*>(flow);
    if (!time_wait->SegmentArrives(segment)) return;
    // A new connection takes the place of the old one, if somebody listens (RFC 6191).
    const SeqNum minimum_isn = time_wait->minimum_isn();
    ++core.counters.time_wait_recycled;
    core.Destroy(time_wait);
    ArrivesAtListener(core, segment, key, &minimum_isn);
  }
}

}  // namespace

TcpProtocol::TcpProtocol(const TransportEnvironment& environment)
    : core_(std::make_unique<Core>(environment)) {}

TcpProtocol::~TcpProtocol() = default;

std::unique_ptr<TcpSocket> TcpProtocol::NewSocket(Family family) {
  return std::make_unique<tcp::Socket>(*core_, family);
}

TransportProtocol::Disposition TcpProtocol::Receive(const IpPacketIn& packet) {
  // RFC 9293 MUST-57 is about addresses; as Linux, no segment in a link's group frame is taken, so
  // that nobody can speak to the connections of a whole link at once.
  if (packet.in_group_frame) [[unlikely]] {
    ++core_->counters.group_frames;
    return Disposition::kHandled;
  }
  Segment segment;
  ++core_->counters.in_segs;  // a super-segment is one, as on Linux; TcpInfo has them singly
  if (!Parse(packet, segment)) {
    ++core_->counters.in_errs;
    return Disposition::kHandled;
  }
  if (!ChecksumIsRight(packet)) {
    ++core_->counters.in_errs;
    ++core_->counters.in_csum_errors;
    return Disposition::kHandled;
  }
  Dispatch(*core_, segment);
  core_->Reap();
  return Disposition::kHandled;
}

namespace {

// The connection that the quoted segment is of, and the segment's number; null when there is none.
Connection* SenderOf(const Core& core, const IcmpErrorIn& error, SeqNum* seq) {
  if (error.quoted_transport.size() < 8) return nullptr;
  FlowKey key;
  key.local = error.source;
  key.remote = error.destination;
  key.local_port = LoadBe16(error.quoted_transport.data());
  key.remote_port = LoadBe16(error.quoted_transport.data() + 2);
  if (error.destination.is_v6() && error.destination.IsLinkLocal()) key.scope = error.interface;
  Flow* flow = core.flows.Find(key);
  if (flow == nullptr || flow->kind != Flow::Kind::kConnection) return nullptr;
  *seq = SeqNum(LoadBe32(error.quoted_transport.data() + 4));
  return static_cast<Connection*>(flow);
}

}  // namespace

void TcpProtocol::ReceiveError(const IcmpErrorIn& error) {
  SeqNum seq;
  Connection* connection = SenderOf(*core_, error, &seq);
  if (connection == nullptr) return;
  if (error.hop_limit < connection->minimum_hops) {
    ++core_->counters.minimum_ttl_drop;
    return;
  }
  connection->OnIcmpError(error, seq);
  core_->Reap();
}

bool TcpProtocol::MayHaveSent(const IcmpErrorIn& error) const {
  SeqNum seq;
  const Connection* connection = SenderOf(*core_, error, &seq);
  return connection != nullptr && connection->InFlight(seq);
}

void TcpProtocol::GiveUpAddress(const IpAddress& address, InterfaceIndex) {
  core_->connections.ForEach([&](Connection& connection) {
    if (connection.key.local == address) connection.LoseAddress();
  });
  core_->Reap();
}

void TcpProtocol::Flush() { core_->Flush(); }

void TcpProtocol::NoteArrivals(size_t waited) {
  core_->governor.OnArrivals(waited, static_cast<uint32_t>(core_->sysctls.rmem->value(2)));
}

namespace {

SocketInfo Describe(const Listener& listener) {
  SocketInfo info;
  info.type = SocketInfo::Type::kTcp;
  info.family = listener.local().address.family();
  info.state = std::string(tcp::StateName(TcpState::kListen));
  info.local = listener.local();
  info.remote.address = IpAddress::Any(info.family);
  info.receive_queue = listener.accept_count();
  info.send_queue = listener.backlog();
  info.bound_device = listener.device();
  info.id = listener.id();
  return info;
}

SocketInfo Describe(const Flow& flow, TcpState state, uint64_t id) {
  SocketInfo info;
  info.type = SocketInfo::Type::kTcp;
  info.family = flow.key.local.family();
  info.state = std::string(tcp::StateName(state));
  info.local = {flow.key.local, flow.key.local_port, flow.key.scope};
  info.remote = {flow.key.remote, flow.key.remote_port, flow.key.scope};
  info.bound_device = flow.device;
  info.id = id;
  return info;
}

}  // namespace

void TcpProtocol::ListSockets(std::vector<SocketInfo>* out) const {
  core_->listeners.ForEach([out](const Listener& listener) { out->push_back(Describe(listener)); });
  core_->connections.ForEach([out](Connection& connection) {
    if (connection.state() == TcpState::kClosed) return;
    SocketInfo info = Describe(connection, connection.state(), connection.id());
    info.receive_queue = static_cast<uint32_t>(connection.ReadableBytes());
    info.send_queue = static_cast<uint32_t>(connection.UnackedBytes());
    info.tcp = std::make_shared<const TcpInfo>(connection.Info());
    out->push_back(std::move(info));
  });
  core_->time_wait_list.ForEach([out](const TimeWait& rest) {
    out->push_back(Describe(rest, TcpState::kTimeWait, rest.id()));
  });
}

std::vector<TcpTimers> TcpProtocol::ListTimers() const {
  std::vector<TcpTimers> out;
  core_->connections.ForEach([&](Connection& connection) {
    if (connection.state() == TcpState::kClosed) return;
    out.push_back({connection.id(), connection.send_timer_armed(), connection.ack_timer_armed(),
                   connection.idle_timer_armed()});
  });
  core_->time_wait_list.ForEach([&](const TimeWait& rest) {
    out.push_back({.id = rest.id(), .idle = rest.timer_armed()});
  });
  return out;
}

}  // namespace moat::netstack
