#include "netstack/dhcp/client.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kMaxRequests = 4;                    // RFC 2131 4.4.5 leaves it to us; then INIT
constexpr Duration kMinRenewal = seconds(60);      // 4.4.5
constexpr Duration kAfterDecline = seconds(10);    // 3.1.5
constexpr Duration kAfterRefusal = seconds(10);    // the stack has no place for the address
constexpr int kDefaultPrefixLength = 24;           // of an ACK without a subnet mask, or a bad one
constexpr Duration kProbePatience = seconds(80);   // RFC 5227 takes 7, after many conflicts 66
constexpr Duration kMaxFuzz = milliseconds(999);   // 4.4.5: of T1 and T2
constexpr uint32_t kInfinite = 0xffffffff;
constexpr uint16_t kMinMtu = 576;                  // RFC 2132 5.1 allows 68; no good comes of it

// What an interface can have.
bool IsUsable(const IpAddress& address) {
  return !address.IsUnspecified() && !address.IsMulticast() && !address.IsLoopback() &&
         !address.IsLimitedBroadcast();
}

Prefix PrefixOf(const DhcpReply& ack) {
  const std::optional<int> length = ack.mask.has_value() ? PrefixLengthOf(*ack.mask) : std::nullopt;
  return {ack.yours, length.value_or(kDefaultPrefixLength)};
}

}  // namespace

DhcpClient::DhcpClient(Stack& stack, const DhcpOptions& options)
    : stack_(stack), options_(options) {
  stack_.AddObserver(this);
}

DhcpClient::~DhcpClient() {
  Uninstall();
  stack_.RemoveObserver(this);
}

absl::Status DhcpClient::Start() {
  const std::optional<InterfaceInfo> interface = stack_.FindInterface(options_.interface);
  if (!interface.has_value()) {
    return absl::NotFoundError(absl::StrCat("no interface with index ", options_.interface));
  }
  mac_ = interface->mac;
  if (!OpenSocket()) return absl::UnavailableError("port 68 is in use");
  if (options_.previous.has_value()) {
    transaction_ = options_.random->U32();
    began_ = options_.clock->Now();
    transmissions_ = 0;
    Enter(State::kRebooting, began_);
    SendRequest();
    return absl::OkStatus();
  }
  Begin();
  return absl::OkStatus();
}

bool DhcpClient::OpenSocket() {
  socket_ = stack_.NewUdpSocket(Family::kIpv4);
  SocketOptions options = socket_->options();
  options.broadcast = true;
  options.reuse_address = true;
  options.bound_device = options_.interface;
  socket_->SetOptions(options);
  return socket_->Bind({IpAddress::Any(Family::kIpv4), kDhcpClientPort}) == Error::kOk;
}

void DhcpClient::Enter(State state, Time deadline) {
  state_ = state;
  deadline_ = deadline;
}

// RFC 2131 4.4.1: hosts that start in step do not ask in step. DEVIATION: within one to ten seconds
// there, within one here: a container's start does not wait that long.
void DhcpClient::Begin() {
  LoseLease();
  offer_.reset();
  transaction_ = options_.random->U32();
  transmissions_ = 0;
  Enter(State::kInit, options_.clock->Now() + milliseconds(options_.random->Below(1000)));
}

uint16_t DhcpClient::Elapsed() const {
  const auto elapsed = (options_.clock->Now() - began_) / seconds(1);
  return static_cast<uint16_t>(std::min<int64_t>(elapsed, 0xffff));
}

void DhcpClient::Retransmit() {
  const int exponent = std::min(transmissions_, 4);
  ++transmissions_;
  const Duration jitter = milliseconds(options_.random->Below(2001)) - seconds(1);
  deadline_ = options_.clock->Now() + seconds(4 << exponent) + jitter;
}

// --- Sending -----------------------------------------------------------------------------------

DhcpRequest DhcpClient::Message(DhcpType type) const {
  DhcpRequest request;
  request.type = type;
  request.transaction = transaction_;
  request.seconds = seconds_;
  request.mac = mac_;
  request.host_name = options_.host_name;
  // Without an address, only a broadcast reaches us.
  request.broadcast = state_ != State::kRenewing && state_ != State::kRebinding;
  return request;
}

void DhcpClient::Send(const DhcpRequest& request, const std::optional<IpAddress>& unicast) {
  const std::vector<uint8_t> bytes = EmitDhcp(request);
  const std::span<const uint8_t> piece = bytes;
  SendControl control;
  control.interface = options_.interface;
  control.nameless = request.client.IsUnspecified();  // RFC 2131 4.1
  control.destination =
      Endpoint{unicast.value_or(IpAddress::V4(255, 255, 255, 255)), kDhcpServerPort};
  (void)socket_->Send({&piece, 1}, control);  // what is lost is sent again
}

void DhcpClient::SendDiscover() {
  if (transmissions_ == 0) began_ = options_.clock->Now();
  state_ = State::kSelecting;
  seconds_ = Elapsed();
  Retransmit();
  Send(Message(DhcpType::kDiscover), std::nullopt);
}

// RFC 2131 table 4: which fields are filled depends on the state.
void DhcpClient::SendRequest() {
  // RFC 2131 3.1: relays that decide by "secs" must take the request as they took the DISCOVER.
  if (state_ != State::kRequesting) seconds_ = Elapsed();
  DhcpRequest request = Message(DhcpType::kRequest);
  std::optional<IpAddress> unicast;
  switch (state_) {
    case State::kRequesting:
      request.requested = offer_->yours;
      request.server = offer_->server;
      break;
    case State::kRebooting:
      request.requested = options_.previous;
      break;
    case State::kRenewing:
      unicast = lease_->server;
      [[fallthrough]];
    default:
      request.client = lease_->address.address;
      break;
  }
  const bool first = state_ == State::kRequesting || state_ == State::kRebooting;
  if (!first || transmissions_ == 0) sent_ = options_.clock->Now();
  if (first) Retransmit();
  Send(request, unicast);
}

void DhcpClient::SendDecline(const DhcpReply& ack) {
  DhcpRequest request = Message(DhcpType::kDecline);
  request.broadcast = false;
  request.seconds = 0;  // table 5
  request.requested = ack.yours;
  request.server = ack.server;
  Send(request, std::nullopt);
}

void DhcpClient::Release() {
  if (lease_.has_value() && socket_ != nullptr) {
    DhcpRequest request = Message(DhcpType::kRelease);
    request.broadcast = false;
    request.seconds = 0;  // table 5
    request.client = lease_->address.address;
    request.server = lease_->server;
    Send(request, lease_->server);
  }
  LoseLease();
  socket_.reset();
  Enter(State::kStopped, kNever);
}

// --- Receiving ---------------------------------------------------------------------------------

void DhcpClient::Poll() {
  while (socket_ != nullptr) {
    const Result<Datagram> datagram = socket_->Receive();
    if (!datagram.ok()) break;
    if (datagram->source.port == kDhcpServerPort) Receive(datagram->payload.span());
  }
  if (address_changed_) CheckAddress();
  if (state_ != State::kStopped && deadline_ <= options_.clock->Now()) OnDeadline();
}

void DhcpClient::Receive(std::span<const uint8_t> bytes) {
  const std::optional<DhcpReply> reply = ParseDhcp(bytes);
  if (!reply.has_value() || reply->transaction != transaction_ || reply->mac != mac_) return;
  switch (reply->type) {
    case DhcpType::kOffer:
      if (state_ == State::kSelecting) TakeOffer(*reply);
      return;
    case DhcpType::kAck:
      return TakeAck(*reply);
    case DhcpType::kNak:
      if (state_ == State::kRequesting || state_ == State::kRebooting ||
          state_ == State::kRenewing || state_ == State::kRebinding) {
        // While requesting, only the server that was chosen decides.
        if (state_ == State::kRequesting && reply->server != offer_->server) return;
        Begin();
      }
      return;
    default:
      return;
  }
}

// The first offer that can be used is taken; a client may (4.4.1).
void DhcpClient::TakeOffer(const DhcpReply& reply) {
  if (!reply.server.has_value() || !IsUsable(reply.yours)) return;
  offer_ = reply;
  transmissions_ = 0;
  state_ = State::kRequesting;
  SendRequest();
}

void DhcpClient::TakeAck(const DhcpReply& reply) {
  const bool asked = state_ == State::kRequesting || state_ == State::kRebooting ||
                     state_ == State::kRenewing || state_ == State::kRebinding;
  const bool usable = reply.server.has_value() && reply.lease.has_value() && *reply.lease != 0 &&
                      IsUsable(reply.yours);
  if (!asked || !usable) return;
  if (state_ == State::kRequesting &&
      (reply.yours != offer_->yours || reply.server != offer_->server)) {
    return;
  }
  const bool renewed = lease_.has_value() && lease_->address.address == reply.yours;
  if (lease_.has_value() && !renewed) LoseLease();
  offer_ = reply;
  if (renewed || !options_.install) return Bind();
  if (!InstallAddress(PrefixOf(reply))) return Refuse();
  // What somebody else put there is not ours to probe for.
  if (!options_.probe || !installed_.has_value()) return Bind();
  // The stack probes; what comes of it shows in its addresses.
  address_changed_ = true;  // a link without ARP makes it ours at once
  lease_.reset();
  Enter(State::kProbing, options_.clock->Now() + kProbePatience);
}

// The address is of no use here. The server is asked again, but not in a loop.
void DhcpClient::Refuse() {
  Begin();
  deadline_ = options_.clock->Now() + kAfterRefusal;
}

void DhcpClient::OnAddressChanged(const AddressInfo& address, bool removed) {
  if (address.interface == options_.interface && address.prefix == installed_) {
    address_changed_ = true;
  }
}

// What has become of the address that the stack probes for and defends.
void DhcpClient::CheckAddress() {
  address_changed_ = false;
  if (!installed_.has_value()) return;
  for (const AddressInfo& info : stack_.Addresses()) {
    if (info.interface != options_.interface || info.prefix != installed_) continue;
    if (info.duplicate) {  // RFC 2131 4.4.1; RFC 5227 2.4 when it was in use already
      const DhcpReply ack = *offer_;
      LoseLease();
      Begin();
      SendDecline(ack);
      deadline_ = options_.clock->Now() + kAfterDecline;
      return;
    }
    if (state_ == State::kProbing && !info.tentative) Bind();
    return;
  }
  installed_.reset();  // somebody took the address away
  if (state_ == State::kProbing) Begin();
}

// --- The lease ---------------------------------------------------------------------------------

// Times count from when the request was first sent (RFC 2131 4.4.1). T1 < T2 < the end (4.4.5), and
// neither at once: a server that says so would be asked in a loop. They come a little earlier, at
// random, so that hosts which started in step do not renew in step.
void DhcpClient::SetTimes(const DhcpReply& ack, DhcpLease* lease) {
  if (*ack.lease == kInfinite) return;
  const Duration total = seconds(*ack.lease);
  Duration t2 = seconds(ack.rebinding.value_or(0));
  if (t2 == Duration{} || t2 >= total) t2 = total / 8 * 7;
  Duration t1 = seconds(ack.renewal.value_or(0));
  if (t1 == Duration{}) t1 = total / 2;
  if (t1 >= t2) t1 = t2 / 2;
  const auto fuzzed = [&](Duration time) {
    const Duration most = std::min<Duration>(time / 100, kMaxFuzz);
    return sent_ + time -
           milliseconds(options_.random->Below(static_cast<uint32_t>(most / milliseconds(1)) + 1));
  };
  lease->renew = fuzzed(t1);
  lease->rebind = std::max(fuzzed(t2), lease->renew + milliseconds(1));
  lease->expires = sent_ + total;
}

void DhcpClient::Bind() {
  const DhcpReply& ack = *offer_;
  DhcpLease lease;
  lease.address = PrefixOf(ack);
  lease.server = *ack.server;
  lease.routers = ack.routers;
  lease.name_servers = ack.name_servers;
  lease.domain = ack.domain;
  lease.mtu = ack.mtu;
  SetTimes(ack, &lease);
  // A renewal may bring another mask, router or MTU.
  const bool changed = lease_.has_value() && (lease_->address != lease.address ||
                                              lease_->routers != lease.routers ||
                                              lease_->mtu != lease.mtu);
  if (changed) UninstallParameters();
  ChangePrefix(lease.address);
  const bool install = changed || !lease_.has_value();
  lease_ = std::move(lease);
  if (install && options_.install) InstallParameters();
  Enter(State::kBound, lease_->renew);
}

// False when the interface cannot have it. What is there already is used, and left alone: whoever
// put it there decides about it.
bool DhcpClient::InstallAddress(const Prefix& address) {
  AddressOptions options;
  options.detect_conflict = options_.probe;
  const absl::Status status = stack_.AddAddress(options_.interface, address, options);
  if (status.ok()) installed_ = address;
  return status.ok() || absl::IsAlreadyExists(status);
}

// A renewal brought another mask.
void DhcpClient::ChangePrefix(const Prefix& address) {
  if (!installed_.has_value() || installed_ == address) return;
  const absl::Status status =
      stack_.ChangePrefixLength(options_.interface, address.address, address.length);
  installed_ = status.ok() ? std::optional(address) : std::nullopt;
}

// What was there already, as a default route of somebody else's, stays when the lease goes.
void DhcpClient::InstallParameters() {
  if (const std::optional<RouteInfo> route = DefaultRoute();
      route.has_value() && stack_.AddRoute(*route).ok()) {
    route_ = route;
  }
  const std::optional<InterfaceInfo> interface = stack_.FindInterface(options_.interface);
  if (lease_->mtu.has_value() && *lease_->mtu >= kMinMtu && interface.has_value() &&
      *lease_->mtu < interface->mtu &&
      stack_.SetInterfaceMtu(options_.interface, *lease_->mtu).ok()) {
    mtu_before_ = interface->mtu;
  }
}

std::optional<RouteInfo> DhcpClient::DefaultRoute() const {
  if (!lease_.has_value() || lease_->routers.empty()) return std::nullopt;
  RouteInfo route;
  route.destination = {IpAddress::Any(Family::kIpv4), 0};
  route.gateway = lease_->routers.front();
  route.interface = options_.interface;
  route.metric = options_.route_metric;
  route.source = lease_->address.address;
  route.protocol = 16;  // RTPROT_DHCP
  return route;
}

// What came with the lease besides the address. What somebody else took away in the meantime, an
// interface with all it had too, need not be taken away again: these may fail.
void DhcpClient::UninstallParameters() {
  if (const auto mtu = std::exchange(mtu_before_, std::nullopt); mtu.has_value()) {
    (void)stack_.SetInterfaceMtu(options_.interface, *mtu);
  }
  if (const auto route = std::exchange(route_, std::nullopt); route.has_value()) {
    (void)stack_.RemoveRoute(*route);
  }
}

void DhcpClient::Uninstall() {
  UninstallParameters();
  if (const auto address = std::exchange(installed_, std::nullopt); address.has_value()) {
    (void)stack_.RemoveAddress(options_.interface, *address);
  }
}

void DhcpClient::LoseLease() {
  Uninstall();
  lease_.reset();
}

// --- Time --------------------------------------------------------------------------------------

void DhcpClient::OnDeadline() {
  const Time now = options_.clock->Now();
  // RFC 2131 4.4.5: half of what is left until the next step, but not below a minute.
  const auto again = [&](Time until) {
    return std::min(until, now + std::max<Duration>(kMinRenewal, (until - now) / 2));
  };
  switch (state_) {
    case State::kStopped:
      return;
    case State::kInit:
    case State::kSelecting:
      return SendDiscover();
    case State::kRequesting:
    case State::kRebooting:
      if (transmissions_ >= kMaxRequests) return Begin();
      return SendRequest();
    case State::kProbing:
      return Begin();
    case State::kBound:
      transaction_ = options_.random->U32();
      began_ = now;
      state_ = State::kRenewing;
      [[fallthrough]];
    case State::kRenewing:
      if (now < lease_->rebind) {
        deadline_ = again(lease_->rebind);
        return SendRequest();
      }
      state_ = State::kRebinding;
      [[fallthrough]];
    case State::kRebinding:
      if (now >= lease_->expires) return Begin();
      deadline_ = again(lease_->expires);
      return SendRequest();
  }
}

}  // namespace moat::netstack
