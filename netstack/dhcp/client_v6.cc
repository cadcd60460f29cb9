#include "netstack/dhcp/client_v6.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// RFC 8415 7.6.
constexpr uint32_t kMaxDelayMs = 1000;
constexpr Duration kFirstTimeout = seconds(1);
constexpr Duration kMaxTimeout = seconds(3600);
constexpr uint32_t kDefaultRefresh = 86400;
constexpr uint32_t kMinRefresh = 600;
constexpr uint32_t kInfinite = 0xffffffff;

// All_DHCP_Relay_Agents_and_Servers (7.1).
IpAddress Servers() {
  static const uint8_t bytes[16] = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2};
  return IpAddress::V6(bytes);
}

}  // namespace

Duration Dhcpv6Client::Jittered(Duration base) {
  return base + base / 1000 * (static_cast<int64_t>(options_.random->Below(201)) - 100);
}

absl::Status Dhcpv6Client::Start() {
  const std::optional<InterfaceInfo> interface = stack_.FindInterface(options_.interface);
  if (!interface.has_value()) {
    return absl::NotFoundError(absl::StrCat("no interface with index ", options_.interface));
  }
  duid_ = DuidOf(interface->mac);
  most_ = kMaxTimeout;
  socket_ = stack_.NewUdpSocket(Family::kIpv6);
  SocketOptions socket_options = socket_->options();
  socket_options.reuse_address = true;
  socket_options.v6_only = true;
  socket_options.bound_device = options_.interface;
  socket_->SetOptions(socket_options);
  if (socket_->Bind({IpAddress::Any(Family::kIpv6), kDhcpv6ClientPort}) != Error::kOk) {
    socket_.reset();
    return absl::UnavailableError("port 546 is in use");
  }
  Begin();
  return absl::OkStatus();
}

void Dhcpv6Client::Stop() {
  socket_.reset();
  information_.reset();
  state_ = State::kStopped;
  deadline_ = kNever;
}

// 18.2.6: hosts that start in step, or whose information ages in step, do not ask in step.
void Dhcpv6Client::Begin() {
  state_ = State::kWaiting;
  deadline_ = options_.clock->Now() + milliseconds(options_.random->Below(kMaxDelayMs));
}

// Each retransmission waits twice as long, up to INF_MAX_RT, without an end (15). What could not
// be sent, as while there is no address yet, counts as lost.
void Dhcpv6Client::Ask() {
  const Time now = options_.clock->Now();
  if (state_ == State::kWaiting) {
    state_ = State::kAsking;
    transaction_ = options_.random->U32() & 0xffffff;
    began_ = now;
    timeout_ = Jittered(kFirstTimeout);
  } else {
    timeout_ += Jittered(timeout_);
    if (timeout_ > most_) timeout_ = Jittered(most_);
  }
  deadline_ = now + timeout_;
  Dhcpv6Request request;
  request.transaction = transaction_;
  request.client = duid_;
  request.elapsed =
      static_cast<uint16_t>(std::min<int64_t>((now - began_) / milliseconds(10), 0xffff));
  const std::vector<uint8_t> bytes = EmitDhcpv6(request);
  const std::span<const uint8_t> piece = bytes;
  SendControl control;
  control.interface = options_.interface;
  control.destination = Endpoint{Servers(), kDhcpv6ServerPort, options_.interface};
  (void)socket_->Send({&piece, 1}, control);
}

void Dhcpv6Client::Poll() {
  while (socket_ != nullptr) {
    const Result<Datagram> datagram = socket_->Receive();
    if (!datagram.ok()) break;
    Receive(datagram->payload.span());
  }
  if (state_ == State::kStopped || deadline_ > options_.clock->Now()) return;
  if (state_ == State::kInformed) return Begin();
  Ask();
}

// 16.10: a Reply to us and to what was asked last. A failure is not an answer: another server may
// have one.
void Dhcpv6Client::Receive(std::span<const uint8_t> bytes) {
  if (state_ != State::kAsking) return;
  std::optional<Dhcpv6Reply> reply = ParseDhcpv6(bytes);
  if (!reply.has_value() || reply->transaction != transaction_ || reply->server.empty() ||
      reply->client != duid_ || reply->status != 0) {
    return;
  }
  if (reply->max_retransmission.has_value()) most_ = seconds(*reply->max_retransmission);
  Dhcpv6Information& learned = information_.emplace();
  learned.name_servers = std::move(reply->name_servers);
  learned.domains = std::move(reply->domains);
  const uint32_t refresh = std::max(reply->refresh.value_or(kDefaultRefresh), kMinRefresh);
  learned.refresh = refresh == kInfinite ? kNever : options_.clock->Now() + seconds(refresh);
  state_ = State::kInformed;
  deadline_ = learned.refresh;
}

}  // namespace moat::netstack
