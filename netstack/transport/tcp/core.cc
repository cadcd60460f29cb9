#include "netstack/transport/tcp/core.h"

#include <array>
#include <chrono>
#include <utility>

#include "netstack/transport/tcp/connection.h"
#include "netstack/transport/tcp/time_wait.h"

namespace moat::netstack::tcp {
namespace {

// How long writers wait before memory is asked for again; Linux waits 2 to 200 ms.
constexpr Duration kStarvedWait = std::chrono::milliseconds(50);

}  // namespace

Core::Core(const TransportEnvironment& environment)
    : env(environment),
      memory(*environment.memory),
      counters(*environment.counters),
      sysctls(*environment.sysctls),
      isn(*environment.random),
      cookies(*environment.random),
      flows(*environment.random),
      starved_timer_(*environment.timers, MemberTimer<&Core::OnStarvedTimer>, this) {}

Core::~Core() {
  Reap();
  while (!connections.empty()) delete connections.front();
  while (!time_wait_list.empty()) delete time_wait_list.front();
}

Connection* Core::Adopt(std::unique_ptr<Connection> connection) {
  Connection* raw = connection.release();
  connections.PushBack(raw->all_hook());
  return raw;
}

void Core::Retire(Connection* connection) {
  // Off the list of all, so that it cannot be retired or listed again.
  if (!connection->all_hook().linked()) return;
  connection->all_hook().Unlink();
  retired_.push_back(connection);
}

void Core::Reap() {
  while (!retired_.empty()) {
    Connection* connection = retired_.back();
    retired_.pop_back();
    delete connection;
  }
}

void Core::Adopt(std::unique_ptr<TimeWait> time_wait) {
  ++time_waits_;
  ++counters.time_waited;
  time_wait_list.PushBack(time_wait.release()->hook());
}

void Core::Destroy(TimeWait* time_wait) {
  flows.Erase(time_wait);
  --time_waits_;
  delete time_wait;
}

void Core::Flush() {
  while (!flush_.empty()) {
    Connection* connection = flush_.front();
    connection->Flush();  // leaves the list
  }
  Reap();
}

void Core::Starve() {
  if (!starved_timer_.armed()) starved_timer_.Arm(Now() + kStarvedWait);
}

void Core::OnStarvedTimer() {
  connections.ForEach([](Connection& connection) { connection.TryAgain(); });
  Reap();
}

void Core::SaveSyn(const Connection* connection, const Segment& syn) {
  const std::span<const uint8_t> packet = syn.packet->ip_packet.span();
  if (packet.size() < syn.text.size()) return;  // IP does not show it: it came in fragments
  const std::span<const uint8_t> headers = packet.first(packet.size() - syn.text.size());
  if (headers.empty() || !memory.TryCharge(MemoryUse::kPending, SavedSynCost(headers.size()))) {
    return;
  }
  saved_syns_[connection].assign(headers.begin(), headers.end());
}

Result<std::vector<uint8_t>> Core::TakeSavedSyn(const Connection* connection, size_t room) {
  const auto found = saved_syns_.find(connection);
  if (found == saved_syns_.end()) return std::vector<uint8_t>();
  if (found->second.size() > room) return Error::kMessageSize;
  std::vector<uint8_t> headers = std::move(found->second);
  saved_syns_.erase(found);
  memory.Release(SavedSynCost(headers.size()));
  return headers;
}

FlowKey Core::KeyOf(const Segment& segment) {
  const IpPacketIn& packet = *segment.packet;
  FlowKey key;
  key.local = packet.destination;
  key.remote = packet.source;
  key.local_port = segment.destination_port;
  key.remote_port = segment.source_port;
  if (packet.source.is_v6() && packet.source.IsLinkLocal()) key.scope = packet.interface;
  return key;
}

void Core::Send(const Bare& bare) {
  RouteQuery query;
  query.destination = bare.flow.remote;
  query.source = bare.flow.local;
  query.interface = bare.flow.scope != 0 ? bare.flow.scope : bare.interface;
  Result<RouteRef> route = env.ip->FindRoute(query);
  if (!route.ok()) return;
  std::array<uint8_t, kTcpMaxHeaderSize> header;
  TcpOptionSet options;
  options.has_timestamps = bare.timestamps;
  options.ts_value = bare.ts_value;
  options.ts_echo = bare.ts_echo;
  options.has_mss = bare.mss != 0;
  options.mss = bare.mss;
  options.sack_permitted = bare.sack_permitted;
  options.has_window_scale = bare.has_window_scale;
  options.window_scale = bare.window_scale;
  TcpFields fields;
  fields.source_port = bare.flow.local_port;
  fields.destination_port = bare.flow.remote_port;
  fields.seq = bare.seq;
  fields.ack = bare.ack;
  fields.flags = bare.flags | FlagsOfAce(bare.ace);
  fields.ae = AeOfAce(bare.ace);
  fields.window = bare.wnd;
  fields.options_size = EmitTcpOptions(options, header.data() + kTcpHeaderSize);
  EmitTcp(fields, header.data());
  IpPacketOut out;
  out.protocol = ip_protocol::kTcp;
  out.traffic_class = bare.traffic_class;
  out.transport_header = {header.data(), kTcpHeaderSize + fields.options_size};
  out.checksum_offset = kTcpChecksumOffset;
  ++counters.out_segs;
  if ((bare.flags & tcp_flag::kRst) != 0) ++counters.out_rsts;
  (void)env.ip->Send(**route, out);  // lost like any segment
}

void Core::SendReset(const Segment& segment) {
  if (segment.Has(tcp_flag::kRst)) return;
  if (segment.packet->to_several()) return;
  Bare bare;
  bare.flow = KeyOf(segment);
  if (bare.flow.scope != 0) bare.interface = segment.packet->interface;
  if (segment.Has(tcp_flag::kAck)) {
    bare.seq = segment.ack;
    bare.flags = tcp_flag::kRst;
  } else {
    bare.ack = segment.end();
    bare.flags = tcp_flag::kRst | tcp_flag::kAck;
  }
  Send(bare);
}

const FastOpenKeys& Core::fast_open_keys() {
  const std::string& text = sysctls.fast_open_key->text();
  if (fast_open_keys_ != nullptr && text == fast_open_keys_text_) return *fast_open_keys_;
  fast_open_keys_text_ = text;
  fast_open_keys_ = text == Sysctls::kNoFastOpenKey
                        ? std::make_unique<FastOpenKeys>(*env.random)
                        : std::make_unique<FastOpenKeys>(*ParseFastOpenSecret(text));
  return *fast_open_keys_;
}

bool Core::AllowChallengeAck() {
  const Time now = Now();
  if (now - challenge_second_ >= std::chrono::seconds(1)) {
    challenge_second_ = now;
    challenges_ = 0;
  }
  if (challenges_ >= sysctls.challenge_ack_limit->value()) return false;
  ++challenges_;
  return true;
}

bool Core::AllowInvalidAck(Time& last) {
  const Time now = Now();
  const auto limit = std::chrono::milliseconds(sysctls.invalid_ratelimit->value());
  if (last != Time{} && now - last < limit) return false;
  last = now;
  return true;
}

}  // namespace moat::netstack::tcp
