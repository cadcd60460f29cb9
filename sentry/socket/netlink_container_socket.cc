#include "sentry/socket/netlink_container_socket.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include "sentry/abi/control_writer.h"
#include "sentry/memory/credentials.h"
#include "sentry/netlink/route_server.h"
#include "sentry/socket/inet_socket.h"
#include "sentry/socket/seqpacket.h"

namespace moat::sentry {
namespace {

constexpr size_t kMostRequest = 64 * 1024;
constexpr uint32_t kEvents = EPOLLIN | EPOLLRDHUP;

// sockaddr_nl of a datagram: the kernel's, with the group's bit for the groups that have one.
std::vector<uint8_t> SourceOf(uint32_t group) {
  const SockaddrNl name = NetlinkSocketState::KernelName();
  std::vector<uint8_t> bytes(name.begin(), name.end());
  const uint32_t mask = group == 0 || group > 32 ? 0 : 1u << (group - 1);
  std::copy_n(reinterpret_cast<const uint8_t*>(&mask), sizeof(mask), bytes.begin() + 8);
  return bytes;
}

}  // namespace

// --- The service ---------------------------------------------------------------------------------

NetlinkService::NetlinkService(Sandbox& sandbox)
    : sandbox_(sandbox),
      view_(sandbox.stack()),
      diag_view_(sandbox),
      timer_(sandbox.timers(), netstack::MemberTimer<&NetlinkService::DeliverEvents>, this),
      events_([this] { timer_.Arm(sandbox_.clock().Now()); }) {
  sandbox_.stack().AddObserver(&events_);
}

NetlinkService::~NetlinkService() { sandbox_.stack().RemoveObserver(&events_); }

ErrnoOr<std::unique_ptr<ContainerSocket>> NetlinkService::MakeSocket(int type, int protocol) {
  if (type != SOCK_RAW && type != SOCK_DGRAM) return Errno{ESOCKTNOSUPPORT};
  if (protocol != NETLINK_ROUTE && protocol != NETLINK_SOCK_DIAG) return Errno{EPROTONOSUPPORT};
  return std::unique_ptr<ContainerSocket>(
      std::make_unique<NetlinkContainerSocket>(sandbox_, *this, type, protocol));
}

NetlinkPorts& NetlinkService::ports(int protocol) {
  return protocol == NETLINK_ROUTE ? route_ports_ : diag_ports_;
}

void NetlinkService::Joined(NetlinkContainerSocket* socket) {
  members_.insert(socket);
  events_.set_listening(true);
}

void NetlinkService::Left(NetlinkContainerSocket* socket) {
  members_.erase(socket);
  events_.set_listening(!members_.empty());
}

void NetlinkService::DeliverEvents() {
  bool lost = false;
  const std::vector<RouteEvent> events = events_.Take(&lost);
  for (NetlinkContainerSocket* socket : members_) {
    for (const RouteEvent& event : events) {
      if (socket->state().InGroup(event.group)) socket->Deliver(event);
    }
    if (lost) socket->DeliverLoss();
  }
}

// --- A socket ------------------------------------------------------------------------------------

NetlinkContainerSocket::NetlinkContainerSocket(Sandbox& sandbox, NetlinkService& service, int type,
                                               int protocol)
    : ContainerSocket(sandbox, AF_NETLINK, type, protocol),
      service_(service),
      state_(type, protocol, service.ports(protocol)) {}

NetlinkContainerSocket::~NetlinkContainerSocket() {
  service_.Left(this);
  EndDump();
}

pid_t NetlinkContainerSocket::ProcessOf(const Call& call) const {
  return sandbox_.processes().ProcessOf(call.tid());
}

Reply NetlinkContainerSocket::Bind(Call& call, std::span<const uint8_t> name) {
  const int error = state_.Bind(name, ProcessOf(call));
  if (error == 0 && protocol_ == NETLINK_ROUTE) service_.Joined(this);
  return Reply::Value(-error);
}

Reply NetlinkContainerSocket::Connect(Call& call, std::span<const uint8_t> name) {
  return Reply::Value(-state_.Connect(name, ProcessOf(call)));
}

ErrnoOr<std::vector<uint8_t>> NetlinkContainerSocket::Name(bool peer) {
  const SockaddrNl name = peer ? NetlinkSocketState::KernelName() : state_.Name();
  return std::vector<uint8_t>(name.begin(), name.end());
}

Reply NetlinkContainerSocket::GetOption(Call& call, int level, int name, uint64_t value,
                                        uint64_t length_address) {
  int32_t length = 0;
  if (!call.memory().ReadValue(length_address, &length)) return Reply::Fail(EFAULT);
  if (!call.Valid()) return Reply::Nobody();
  auto bytes = state_.GetOption(level, name, length);
  if (!bytes.ok()) return Reply::Fail(bytes.error());
  const int32_t size = static_cast<int32_t>(bytes->size());
  const bool written =
      call.memory().Write(value, *bytes) && call.memory().WriteValue(length_address, size);
  return written ? Reply::Value(0) : Reply::Fail(EFAULT);
}

Reply NetlinkContainerSocket::SetOption(Call& call, int level, int name, int32_t length,
                                        std::span<const uint8_t> value) {
  const int error = state_.SetOption(level, name, length, value);
  if (error == 0) {
    if (protocol_ == NETLINK_ROUTE) service_.Joined(this);  // it may have joined a group
    if (level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO)) {
      setsockopt(call.file(), level, name, value.data(), static_cast<socklen_t>(value.size()));
    }
  }
  return Reply::Value(-error);
}

int64_t NetlinkContainerSocket::Send(Call& call, const OutgoingMessage& message) {
  if ((message.flags & MSG_OOB) != 0) return -EOPNOTSUPP;
  const size_t size = message.data->total;
  if (size > kMostRequest) return -EMSGSIZE;
  std::vector<uint8_t> request(size);
  if (call.memory().Gather(*message.data, request) != static_cast<ssize_t>(size)) return -EFAULT;
  if (!call.Valid()) return -ESRCH;
  const int error = state_.PrepareSend(message.name, ProcessOf(call));
  if (error != 0) return -error;
  Answer(request, HasCapability(call.tid(), CAP_NET_ADMIN));
  return static_cast<int64_t>(size);
}

void NetlinkContainerSocket::Answer(std::span<const uint8_t> request, bool net_admin) {
  if (protocol_ == NETLINK_ROUTE) {
    AnswerRoute(request, net_admin);
  } else {
    AnswerDiag(request, net_admin);
  }
}

void NetlinkContainerSocket::AnswerDiag(std::span<const uint8_t> request, bool net_admin) {
  DiagRequest diag;
  diag.bytes = request;
  diag.port = state_.port();
  diag.flags = state_.flags();
  diag.net_admin = net_admin;
  diag.busy = dump_ != nullptr || service_.dumps() >= NetlinkService::kMostDumps;
  DiagAnswer answer = AnswerDiagRequest(diag, service_.diag_view());
  if (answer.dump != nullptr) {
    dump_ = std::move(answer.dump);
    ++service_.dumps();
  }
  for (auto& datagram : answer.datagrams) Queue(0, std::move(datagram));
  Flush();
}

bool NetlinkContainerSocket::ContinueDump() {
  if (dump_ == nullptr) return false;
  std::vector<uint8_t> next = dump_->Next(service_.diag_view());
  if (next.empty()) {
    EndDump();
    return false;
  }
  queue_.push_back({0, std::move(next)});
  return true;
}

void NetlinkContainerSocket::EndDump() {
  if (dump_ == nullptr) return;
  dump_.reset();
  --service_.dumps();
}

void NetlinkContainerSocket::AnswerRoute(std::span<const uint8_t> request, bool net_admin) {
  RouteRequest route;
  route.bytes = request;
  route.port = state_.port();
  route.flags = state_.flags();
  route.net_admin = net_admin;
  for (auto& datagram : AnswerRouteRequest(route, service_.view())) Queue(0, std::move(datagram));
}

void NetlinkContainerSocket::Deliver(const RouteEvent& event) {
  Queue(event.group, event.datagram);
}

void NetlinkContainerSocket::DeliverLoss() { lost_ = true; }

void NetlinkContainerSocket::Queue(uint32_t group, std::vector<uint8_t> bytes) {
  if (queue_.size() >= kMostQueued) {
    lost_ = true;
    return;
  }
  queue_.push_back({group, std::move(bytes)});
  Flush();
}

void NetlinkContainerSocket::Flush() {
  while (!queue_.empty() || ContinueDump()) {
    // A tag of 0 is the uid and gid of root: valid everywhere.
    if (SendTagged(end_.get(), queue_.front().bytes, queue_.front().group) != 0) break;
    queue_.pop_front();
  }
  sandbox_.loop().Modify(token_, queue_.empty() ? kEvents : kEvents | EPOLLOUT);
  sandbox_.Note(this);
}

void NetlinkContainerSocket::OnStackReady(uint32_t) { sandbox_.Retry(this); }

int64_t NetlinkContainerSocket::Receive(Call& call, IncomingMessage& message) {
  if ((message.flags & (MSG_OOB | MSG_ERRQUEUE)) != 0) return -EOPNOTSUPP;
  if (std::exchange(lost_, false)) return -ENOBUFS;
  const std::span<uint8_t> buffer = sandbox_.datagram_block();
  SeqpacketMessage received;
  const int error = ReceiveTagged(call.file(), buffer, message.flags & MSG_PEEK, &received);
  if (error != 0) return -error;
  if (!received.has_tag) return 0;
  const size_t held = std::min(buffer.size(), received.size);
  const size_t fits = std::min<uint64_t>(held, message.data->total);
  message.payload = buffer.first(fits);
  const uint32_t group = static_cast<uint32_t>(received.tag);
  message.name = SourceOf(group);
  if (received.size > message.data->total) message.result_flags |= MSG_TRUNC;
  if (state_.pass_credentials()) {
    ControlWriter writer(message.control_capacity);
    writer.PutValue(SOL_SOCKET, SCM_CREDENTIALS, ucred{0, 0, 0});  // the kernel's
    message.control.assign(writer.bytes().begin(), writer.bytes().end());
    if (writer.truncated()) message.result_flags |= MSG_CTRUNC;
  }
  if ((message.flags & MSG_PEEK) == 0) {
    message.undo = [&sandbox = sandbox_, cookie = cookie_, group,
                    bytes = std::vector<uint8_t>(buffer.begin(), buffer.begin() + held)] {
      auto* socket = static_cast<NetlinkContainerSocket*>(sandbox.Find(cookie));
      if (socket == nullptr) return;
      socket->queue_.push_front({group, bytes});
      socket->Flush();
    };
  }
  return static_cast<int64_t>((message.flags & MSG_TRUNC) != 0 ? received.size : fits);
}

void NetlinkContainerSocket::OnEvents(uint32_t events) {
  if ((events & EPOLLOUT) != 0) Flush();
  const std::span<uint8_t> buffer = sandbox_.datagram_block();
  SeqpacketMessage message;
  while (ReceiveTagged(end_.get(), buffer, 0, &message) == 0) {
    if (!message.has_tag) {  // the last descriptor is closed
      sandbox_.Remove(this);
      return;
    }
    // write(2): the writer's privileges are not known.
    if (state_.PrepareSend({}, hint_process_) != 0) continue;
    Answer(buffer.first(std::min(buffer.size(), message.size)), false);
  }
}

}  // namespace moat::sentry
