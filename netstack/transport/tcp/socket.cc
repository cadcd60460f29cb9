#include "netstack/transport/tcp/socket.h"

#include <algorithm>
#include <utility>

#include "netstack/transport/tcp/connection.h"
#include "netstack/transport/tcp/state.h"
#include "netstack/transport/tcp/time_wait.h"

namespace moat::netstack::tcp {
namespace {

// tcp_* defaults of the stack into a fresh socket.
SharedSettings DefaultSettings(const Sysctls& sysctls) {
  auto settings = std::make_shared<Settings>();
  TcpOptions& tcp = settings->tcp;
  tcp.keepalive_idle = sysctls.Seconds(sysctls.keepalive_time);
  tcp.keepalive_interval = sysctls.Seconds(sysctls.keepalive_interval);
  tcp.keepalive_count = static_cast<int>(sysctls.keepalive_probes->value());
  tcp.syn_count = static_cast<int>(sysctls.syn_retries->value());
  tcp.linger2 = sysctls.Seconds(sysctls.fin_timeout);
  return settings;
}

}  // namespace

Socket::Socket(Core& core, Family family)
    : core_(core),
      id_(core.NextId()),
      family_(family),
      own_(std::make_unique<Unconnected>(family, DefaultSettings(core.sysctls))) {}

Socket::Socket(Core& core, Family family, Connection* accepted)
    : core_(core), id_(accepted->id()), family_(family), connection_(accepted) {}

Socket::~Socket() {
  listener_.reset();
  if (connection_ != nullptr) connection_->Close();
  core_.Reap();
}

const Settings& Socket::settings() const {
  if (connection_ != nullptr) return *connection_->settings();
  if (listener_ != nullptr) return *listener_->settings();
  return *own_->settings;
}

void Socket::Apply(const Settings& settings) {
  auto shared = std::make_shared<const Settings>(settings);
  if (connection_ != nullptr) {
    connection_->ApplySettings(std::move(shared));
  } else if (listener_ != nullptr) {
    listener_->set_settings(std::move(shared));
    listener_->port().SetReuse(settings.socket.reuse_address, settings.socket.reuse_port);
  } else {
    own_->settings = std::move(shared);
    own_->port.SetReuse(settings.socket.reuse_address, settings.socket.reuse_port);
  }
}

void Socket::SetOptions(const SocketOptions& options) {
  Settings settings = this->settings();
  settings.socket = options;
  Apply(settings);
}

void Socket::SetTcpOptions(const TcpOptions& options) {
  Settings settings = this->settings();
  settings.tcp = options;
  Apply(settings);
}

void Socket::SetObserver(SocketObserver* observer) {
  observer_ = observer;
  if (connection_ != nullptr) connection_->SetObserver(observer);
  if (listener_ != nullptr) listener_->SetObserver(observer);
}

uint32_t Socket::Ready() const {
  if (connection_ != nullptr) return connection_->Ready();
  if (listener_ != nullptr) return listener_->Ready();
  return ready::kClosed | ready::kWritable;  // poll(2) of a fresh TCP socket: POLLHUP | POLLOUT
}

// --- Addresses ----------------------------------------------------------------------------------

Error Socket::CheckFamily(const Endpoint& endpoint) const {
  const Family family = endpoint.address.family();
  if (family == family_) return Error::kOk;
  // A dual-stack socket takes IPv4 as such (socket.h); a pure one of either family does not.
  const bool dual = family_ == Family::kIpv6 && !settings().socket.v6_only;
  return dual && family == Family::kIpv4 ? Error::kOk : Error::kAddressFamily;
}

InterfaceIndex Socket::DeviceFor(const Endpoint& endpoint) const {
  return endpoint.scope != 0 ? endpoint.scope : settings().socket.bound_device;
}

Error Socket::Bind(const Endpoint& local) {
  if (connection_ != nullptr || listener_ != nullptr || own_->port.held()) return Error::kInvalid;
  const Error error = CheckFamily(local);
  if (error != Error::kOk) return error;
  return BindTo(local);
}

Error Socket::BindTo(const Endpoint& local) {
  const SocketOptions& options = settings().socket;
  const InterfaceIndex device = DeviceFor(local);
  const IpAddress& address = local.address;
  if (address.IsMulticast() || address.IsLimitedBroadcast()) return Error::kAddressNotAvailable;
  if (!address.IsUnspecified() && !options.free_bind && !options.transparent &&
      !core_.env.ip->IsLocalAddress(address, device)) {
    return Error::kAddressNotAvailable;
  }
  PortClaim claim;
  claim.address = address;
  claim.device = device;
  claim.v6_only = options.v6_only;
  claim.reuse_address = options.reuse_address;
  claim.reuse_port = options.reuse_port;
  Result<PortReservation> port = core_.env.ports->Reserve(PortSpace::kTcp, local.port, claim);
  if (!port.ok()) return port.error();
  own_->port = std::move(*port);
  own_->bound = local;
  own_->bound.port = own_->port.port();
  own_->explicitly_bound = true;
  return Error::kOk;
}

Error Socket::Listen(int backlog) {
  if (connection_ != nullptr) return Error::kInvalid;
  if (listener_ != nullptr) {
    listener_->SetBacklog(backlog);
    return Error::kOk;
  }
  if (!own_->port.held()) {
    Endpoint any;
    any.address = IpAddress::Any(family_);
    const Error error = BindTo(any);
    if (error != Error::kOk) return error;
  }
  const Error error = own_->port.SetListening(true);
  if (error != Error::kOk) return error;
  listener_ = std::make_unique<Listener>(core_, id_, own_->bound, std::move(own_->settings),
                                         std::move(own_->port), backlog);
  listener_->set_congestion_control(own_->congestion_control);
  listener_->SetObserver(observer_);
  return Error::kOk;
}

Result<std::unique_ptr<TcpSocket>> Socket::Accept() {
  if (listener_ == nullptr) return Error::kInvalid;
  Connection* connection = listener_->Accept();
  if (connection == nullptr) return Error::kWouldBlock;
  return std::unique_ptr<TcpSocket>(std::make_unique<Socket>(core_, family_, connection));
}

// The local port for an active open: the bound one, or one whose 4-tuple is free.
Error Socket::ReservePort(const FlowKey& key, const Endpoint& remote, PortReservation* port) {
  FlowKey flow = key;
  const auto is_free = [&](uint16_t candidate) {
    flow.local_port = candidate;
    Flow* other = core_.flows.Find(flow);
    if (other == nullptr) return true;
    return other->kind == Flow::Kind::kTimeWait && static_cast<TimeWait*>(other)->Reusable();
  };
  if (own_->port.held()) {
    if (!is_free(own_->port.port())) return Error::kAddressNotAvailable;
    *port = std::move(own_->port);
    port->SetAddress(key.local);
    return Error::kOk;
  }
  PortClaim claim;
  claim.address = key.local;
  claim.device = DeviceFor(remote);
  Result<PortReservation> found =
      core_.env.ports->ReserveForConnect(PortSpace::kTcp, claim, remote, is_free);
  if (!found.ok()) return found.error();
  *port = std::move(*found);
  return Error::kOk;
}

Error Socket::Connect(const Endpoint& remote_in) {
  if (listener_ != nullptr) return Error::kIsConnected;
  if (connection_ != nullptr) {
    const TcpState state = connection_->state();
    if (state == TcpState::kSynSent || state == TcpState::kSynReceived) return Error::kAlready;
    if (connection_->was_established()) return Error::kIsConnected;
    DropConnection();  // a failed attempt: try anew
  }
  const Error family_error = CheckFamily(remote_in);
  if (family_error != Error::kOk) return family_error;
  Endpoint remote = remote_in;
  const IpAddress& address = remote.address;
  if (address.IsMulticast() || address.IsLimitedBroadcast()) return Error::kNetworkUnreachable;
  if (address.IsUnspecified()) {  // Linux: this host
    remote.address = address.is_v4() ? IpAddress::V4(127, 0, 0, 1) : *IpAddress::Parse("::1");
  }
  if (own_->port.held() && !own_->bound.address.IsUnspecified() &&
      own_->bound.address.family() != remote.address.family()) {
    return Error::kAddressFamily;
  }

  RouteQuery query;
  query.destination = remote.address;
  query.source = own_->bound.address.family() == remote.address.family()
                     ? own_->bound.address : IpAddress::Any(remote.address.family());
  query.interface = DeviceFor(remote);
  query.temporary = own_->settings->socket.temporary_addresses;
  query.on_link_only = remote.address.is_v4() && own_->settings->socket.dont_route;
  Result<RouteRef> route = core_.env.ip->FindRoute(query);
  if (!route.ok()) return route.error();
  if ((*route)->is_broadcast || (*route)->is_multicast) return Error::kNetworkUnreachable;
  FlowKey key;
  key.local = (*route)->source;
  key.remote = remote.address;
  key.remote_port = remote.port;
  if (key.remote.is_v6() && key.remote.IsLinkLocal()) key.scope = (*route)->interface;

  if (!core_.memory.Allows(MemoryUse::kConnections, Connection::MemoryCost())) {
    return Error::kNoBuffers;
  }
  PortReservation port;
  const Error port_error = ReservePort(key, remote, &port);
  if (port_error != Error::kOk) return port_error;
  key.local_port = port.port();
  if (Flow* old = core_.flows.Find(key)) core_.Destroy(static_cast<TimeWait*>(old));  // reusable

  auto connection =
      std::make_unique<Connection>(core_, id_, key, std::move(own_->settings), std::move(port));
  const std::string& congestion_control = own_->congestion_control;
  if (!congestion_control.empty()) (void)connection->SetCongestionControl(congestion_control);
  core_.flows.Insert(connection.get());
  connection_ = core_.Adopt(std::move(connection));
  connection_->SetObserver(observer_);
  const Error error = connection_->Open();
  if (error != Error::kOk) {
    DropConnection();
    return error;
  }
  return connection_->open_deferred() ? Error::kOk : Error::kInProgress;
}

// Back to a socket without a connection. An explicit binding stays.
void Socket::DropConnection() {
  if (own_ == nullptr) own_ = std::make_unique<Unconnected>(family_, nullptr);
  own_->settings = connection_->settings();
  PortReservation port = connection_->TakePort();
  connection_->SetObserver(nullptr);
  connection_->Abort();
  connection_->Close();
  connection_ = nullptr;
  if (own_->explicitly_bound && port.held()) {
    own_->port = std::move(port);
    own_->port.SetAddress(own_->bound.address);
  }
  core_.Reap();
}

Error Socket::Disconnect() {
  if (listener_ != nullptr) {
    own_->settings = listener_->settings();
    PortReservation port = std::move(listener_->port());
    listener_.reset();
    if (own_->explicitly_bound && port.held()) {
      own_->port = std::move(port);
      (void)own_->port.SetListening(false);
    }
  }
  if (connection_ != nullptr) DropConnection();
  return Error::kOk;
}

Endpoint Socket::Local() const {
  if (connection_ != nullptr && connection_->state() != TcpState::kClosed) {
    return {connection_->key.local, connection_->key.local_port, connection_->key.scope};
  }
  if (connection_ != nullptr && connection_->was_established()) {
    return {connection_->key.local, connection_->key.local_port, connection_->key.scope};
  }
  if (own_ != nullptr) return own_->bound;
  Endpoint any;
  any.address = IpAddress::Any(family_);
  return any;
}

Result<Endpoint> Socket::Remote() const {
  if (connection_ == nullptr) return Error::kNotConnected;
  const TcpState state = connection_->state();
  if (state == TcpState::kClosed || state == TcpState::kSynSent) return Error::kNotConnected;
  return Endpoint{connection_->key.remote, connection_->key.remote_port, connection_->key.scope};
}

TcpState Socket::state() const {
  if (connection_ != nullptr) return connection_->state();
  return listener_ != nullptr ? TcpState::kListen : TcpState::kClosed;
}

// --- Data ---------------------------------------------------------------------------------------

size_t Socket::WriteSpace() const { return connection_ == nullptr ? 0 : connection_->WriteSpace(); }

Error Socket::Write(Slice data, bool more) {
  return connection_ == nullptr ? Error::kNotConnected : connection_->Write(std::move(data), more);
}

Error Socket::WriteUrgent(Slice data) {
  return connection_ == nullptr ? Error::kNotConnected : connection_->WriteUrgent(std::move(data));
}

size_t Socket::Peek(std::span<std::span<const uint8_t>> pieces) const {
  return connection_ == nullptr ? 0 : connection_->Peek(pieces);
}

size_t Socket::ReadableBytes() const {
  return connection_ == nullptr ? 0 : connection_->ReadableBytes();
}

std::optional<int32_t> Socket::UrgentEnd() const {
  return connection_ == nullptr ? std::nullopt : connection_->UrgentEnd();
}

void Socket::Consume(size_t n) {
  if (connection_ != nullptr) connection_->Consume(n);
}

bool Socket::AtEndOfStream() const {
  return connection_ != nullptr && connection_->AtEndOfStream();
}

Error Socket::Shutdown(ShutdownHow how) {
  if (listener_ != nullptr) {
    if (how == ShutdownHow::kWrite) return Error::kOk;
    return Disconnect();  // Linux: reading shut down stops a listener, the binding stays
  }
  return connection_ == nullptr ? Error::kNotConnected : connection_->Shutdown(how);
}

void Socket::Abort() {
  if (connection_ != nullptr) connection_->Abort();
}

Error Socket::TakeError() { return connection_ == nullptr ? Error::kOk : connection_->TakeError(); }

// --- Options ------------------------------------------------------------------------------------

Error Socket::SetCongestionControl(std::string_view name) {
  if (connection_ != nullptr) return connection_->SetCongestionControl(name);
  if (NewCongestionControl(name) == nullptr) return Error::kInvalid;
  own_->congestion_control = name;
  if (listener_ != nullptr) listener_->set_congestion_control(own_->congestion_control);
  return Error::kOk;
}

std::string_view Socket::congestion_control() const {
  if (connection_ != nullptr) return connection_->congestion_control();
  if (!own_->congestion_control.empty()) return own_->congestion_control;
  return CongestionControlName(static_cast<size_t>(core_.sysctls.congestion_control->value()));
}

Result<std::vector<uint8_t>> Socket::TakeSavedSyn(size_t room) {
  if (connection_ == nullptr) return std::vector<uint8_t>();
  return core_.TakeSavedSyn(connection_, room);
}

TcpInfo Socket::Info() const {
  if (connection_ != nullptr) return connection_->Info();
  TcpInfo info;
  info.state = state();
  if (listener_ != nullptr) {  // as Linux: the queue and its limit
    info.unacked = listener_->accept_count();
    info.sacked = listener_->backlog();
  }
  return info;
}

size_t Socket::UnackedBytes() const {
  return connection_ == nullptr ? 0 : connection_->UnackedBytes();
}

size_t Socket::UnsentBytes() const {
  return connection_ == nullptr ? 0 : connection_->UnsentBytes();
}

}  // namespace moat::netstack::tcp
