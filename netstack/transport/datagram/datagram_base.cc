#include "netstack/transport/datagram/datagram_base.h"

#include <utility>

namespace moat::netstack {
namespace {

// What an error that waits costs the budget.
size_t CostOf(const QueuedError& error) { return sizeof(QueuedError) + error.payload.footprint(); }

}  // namespace

DatagramBase::DatagramBase(TransportEnvironment& environment, DatagramSettings& settings,
                           Family family, PortSpace space, uint64_t id)
    : environment_(environment),
      settings_(settings),
      family_(family),
      space_(space),
      id_(id),
      local_(IpAddress::Any(family)),
      memberships_(environment.groups) {}

DatagramBase::~DatagramBase() {
  environment_.memory->Release(queue_.charged());
  for (const QueuedError& error : errors_) environment_.memory->Release(CostOf(error));
}

uint32_t DatagramBase::Ready() const {
  uint32_t bits = ready::kWritable;
  if (!queue_.empty() || shutdown_read_) bits |= ready::kReadable;
  if (shutdown_read_) bits |= ready::kPeerClosed;
  if (remote_) bits |= ready::kConnected;
  if (pending_error_ != Error::kOk || !errors_.empty()) bits |= ready::kError;
  return bits;
}

void DatagramBase::Notify() {
  const uint32_t now = Ready();
  const uint32_t newly = now & ~told_ready_;
  told_ready_ = now;
  if (newly != 0 && observer_ != nullptr) observer_->OnReady(newly);
}

// inet_shutdown(): an unconnected socket is shut down and told ENOTCONN all the same.
Error DatagramBase::Shutdown(ShutdownHow how) {
  if (how != ShutdownHow::kWrite) shutdown_read_ = true;
  if (how != ShutdownHow::kRead) shutdown_write_ = true;
  Notify();
  return remote_ ? Error::kOk : Error::kNotConnected;
}

size_t DatagramBase::receive_limit() const {
  // As on Linux a set value is doubled to make room for bookkeeping; the default is used as it is.
  if (options_.receive_buffer != 0) return size_t{options_.receive_buffer} * 2;
  return static_cast<size_t>(settings_.receive_default->value());
}

DatagramBase::Delivery DatagramBase::Deliver(Datagram datagram, size_t bytes) {
  const size_t charge = bytes + ReceiveQueue::kOverhead;
  if (!queue_.Fits(charge, receive_limit())) return Delivery::kFull;
  if (!environment_.memory->TryCharge(MemoryUse::kDatagrams, charge)) return Delivery::kNoMemory;
  datagram.received = environment_.clock->Now();
  queue_.Push(std::move(datagram), charge);
  Notify();
  return Delivery::kQueued;
}

Result<Datagram> DatagramBase::Receive() {
  if (queue_.empty()) return Error::kWouldBlock;
  const size_t charged = queue_.charged();
  Datagram datagram = queue_.Pop();
  environment_.memory->Release(charged - queue_.charged());
  if (queue_.empty()) told_ready_ = Ready();
  return datagram;
}

size_t DatagramBase::ReadableBytes() const {
  if (queue_.empty()) return 0;
  return queue_.front().payload.size();
}

void DatagramBase::DeliverError(const IcmpErrorIn& error, uint16_t remote_port,
                                std::span<const uint8_t> quoted_payload) {
  bool hard = error.hard;
  if (error.kind == IcmpErrorIn::Kind::kPacketTooBig) {
    // The path MTU is IP's to learn; the socket is told when it takes part in discovery.
    if (options_.mtu_discover == SocketOptions::MtuDiscover::kDont) return;
    hard = true;
  }
  if (queue_errors_) {
    QueueError({.error = error.error,
                .icmp_type = error.icmp_type,
                .icmp_code = error.icmp_code,
                .mtu = error.mtu,
                .destination = {.address = error.destination, .port = remote_port},
                .offender = error.offender,
                .payload = Slice::Copy(quoted_payload)});
  } else if (!hard || !remote_) {
    return;
  }
  pending_error_ = error.error;
  Notify();
}

// Beyond the limits it is lost; SO_ERROR still tells.
void DatagramBase::QueueError(QueuedError error) {
  if (errors_.size() >= kMaxQueuedErrors) {
    ++settings_.full_error_queues;
    return;
  }
  if (!environment_.memory->TryCharge(MemoryUse::kPending, CostOf(error))) return;
  errors_.push_back(std::move(error));
}

std::optional<QueuedError> DatagramBase::TakeQueuedError() {
  if (errors_.empty()) return std::nullopt;
  QueuedError error = std::move(errors_.front());
  errors_.pop_front();
  environment_.memory->Release(CostOf(error));
  // As sock_dequeue_err_skb(): what SO_ERROR reports is the next one in the queue, if any.
  pending_error_ = errors_.empty() || errors_.front().local ? Error::kOk : errors_.front().error;
  told_ready_ &= Ready();
  return error;
}

Error DatagramBase::TakeError() {
  const Error error = std::exchange(pending_error_, Error::kOk);
  told_ready_ &= Ready();
  return error;
}

void DatagramBase::SetOptions(const SocketOptions& options) {
  // Tables are keyed by names, not by options, so the socket keeps its place.
  options_ = options;
  route_.reset();
  reservation_.SetReuse(options_.reuse_address, options_.reuse_port);
}

void DatagramBase::SetDatagramOptions(const DatagramOptions& options) {
  datagram_options_ = options;
  route_.reset();
  if (!options.receive_path_mtu) path_mtu_.reset();
}

std::optional<PathMtuNotice> DatagramBase::TakePathMtu() {
  return std::exchange(path_mtu_, std::nullopt);
}

Memberships::Limits DatagramBase::GroupLimits(const IpAddress& group) const {
  const Sysctl* sources = group.is_v4() ? settings_.max_sources_v4 : settings_.max_sources_v6;
  return {static_cast<size_t>(settings_.max_memberships->value()),
          static_cast<size_t>(sources->value())};
}

Error DatagramBase::JoinGroup(const IpAddress& group, InterfaceIndex interface) {
  return memberships_.Join(group, GroupDevice(interface), GroupLimits(group));
}

Error DatagramBase::LeaveGroup(const IpAddress& group, InterfaceIndex interface) {
  return memberships_.Leave(group, interface);
}

Error DatagramBase::ChangeSource(SourceChange change, const IpAddress& group,
                                 const IpAddress& source, InterfaceIndex interface) {
  return memberships_.ChangeSource(change, group, source, GroupDevice(interface),
                                   GroupLimits(group));
}

Error DatagramBase::SetSourceFilter(const IpAddress& group, InterfaceIndex interface,
                                    SourceFilter filter) {
  return memberships_.SetFilter(group, GroupDevice(interface), std::move(filter),
                                GroupLimits(group));
}

Result<SourceFilter> DatagramBase::GetSourceFilter(const IpAddress& group,
                                                   InterfaceIndex interface) {
  return memberships_.GetFilter(group, GroupDevice(interface));
}

SocketInfo DatagramBase::Info(SocketInfo::Type type) const {
  return {.type = type,
          .family = family_,
          .state = remote_ ? "ESTAB" : "UNCONN",
          .local = Local(),
          .remote = remote_.value_or(Endpoint{.address = IpAddress::Any(family_)}),
          .receive_queue = static_cast<uint32_t>(queue_.charged()),
          .bound_device = options_.bound_device,
          .id = id_,
          .tcp = nullptr};
}

}  // namespace moat::netstack
