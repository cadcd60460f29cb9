#include "sentry/netlink/netlink_container_socket.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <utility>

#include "sentry/abi/bytes.h"
#include "sentry/abi/control_writer.h"
#include "sentry/memory/credentials.h"
#include "sentry/netlink/stack_view.h"
#include "sentry/sandbox.h"
#include "sentry/socket/seqpacket.h"

namespace moat::sentry {
namespace {

constexpr uint32_t kEvents = EPOLLIN | EPOLLRDHUP;
constexpr size_t kMostRequest = 32 * 1024;
constexpr size_t kMostPending = 4096;  // datagrams; beyond, events are lost as on Linux
constexpr int kBatch = 64;

bool IsTimeout(int level, int name) {
  return level == SOL_SOCKET && (name == SO_RCVTIMEO_OLD || name == SO_RCVTIMEO_NEW ||
                                 name == SO_SNDTIMEO_OLD || name == SO_SNDTIMEO_NEW);
}

}  // namespace

ErrnoOr<std::unique_ptr<ContainerSocket>> NetlinkContainerSocket::Make(
    Sandbox& sandbox, std::shared_ptr<NetlinkHub> hub, int type, int protocol) {
  if (type != SOCK_RAW && type != SOCK_DGRAM) return Errno{ESOCKTNOSUPPORT};
  if (protocol != NETLINK_ROUTE) return Errno{EPROTONOSUPPORT};
  return std::unique_ptr<ContainerSocket>(
      std::make_unique<NetlinkContainerSocket>(sandbox, std::move(hub), type));
}

NetlinkContainerSocket::NetlinkContainerSocket(Sandbox& sandbox, std::shared_ptr<NetlinkHub> hub,
                                               int type)
    : ContainerSocket(sandbox, AF_NETLINK, type, NETLINK_ROUTE),
      hub_(std::move(hub)),
      state_(type, hub_->ports()) {}

NetlinkContainerSocket::~NetlinkContainerSocket() { hub_->SetListening(this, false); }

pid_t NetlinkContainerSocket::ProcessOf(const Call& call) const {
  return sandbox_.processes().ProcessOf(call.tid());
}

Reply NetlinkContainerSocket::Bind(Call& call, std::span<const uint8_t> name) {
  const int error = state_.Bind(name, ProcessOf(call));
  hub_->SetListening(this, state_.InAnyGroup());
  return Reply::Value(-error);
}

Reply NetlinkContainerSocket::Connect(Call& call, std::span<const uint8_t> name) {
  return Reply::Value(-state_.Connect(name, ProcessOf(call)));
}

ErrnoOr<std::vector<uint8_t>> NetlinkContainerSocket::Name(bool peer) {
  const SockaddrNl name = peer ? NetlinkSocketState::KernelName() : state_.Name();
  return std::vector<uint8_t>(name.begin(), name.end());
}

// --- Options and requests ------------------------------------------------------------------------

Reply NetlinkContainerSocket::GetOption(Call& call, int level, int name, uint64_t value,
                                        uint64_t length_address) {
  int32_t length = 0;
  if (!call.memory().ReadValue(length_address, &length)) return Reply::Fail(EFAULT);
  if (!call.Valid()) return Reply::Answered();
  if (IsTimeout(level, name)) return Reply::Continue();  // the pair has it
  const auto bytes = state_.GetOption(level, name, length);
  if (!bytes.ok()) return Reply::Fail(bytes.error());
  const auto size = static_cast<int32_t>(bytes->size());
  if (!call.memory().Write(value, *bytes) || !call.memory().WriteValue(length_address, size)) {
    return Reply::Fail(EFAULT);
  }
  return Reply::Value(0);
}

Reply NetlinkContainerSocket::SetOption(Call& call, int level, int name, int32_t length,
                                        std::span<const uint8_t> value) {
  if (IsTimeout(level, name)) {
    const auto size = static_cast<socklen_t>(value.size());
    if (setsockopt(call.file(), level, name, value.data(), size) != 0) return Reply::Fail(errno);
    const auto time = LoadAt<timeval>(value, 0);  // the kernel has checked the length
    const auto duration = std::chrono::seconds(std::clamp<int64_t>(time.tv_sec, 0, INT32_MAX)) +
                          std::chrono::microseconds(time.tv_usec);
    const bool receive = name == SO_RCVTIMEO_OLD || name == SO_RCVTIMEO_NEW;
    (receive ? settings_.receive_timeout : settings_.send_timeout) = duration;
    return Reply::Value(0);
  }
  const int error = state_.SetOption(level, name, length, value);
  hub_->SetListening(this, state_.InAnyGroup());
  return Reply::Value(-error);
}

Reply NetlinkContainerSocket::Ioctl(Call& call, uint32_t request, uint64_t argument) {
  if (request == FIONREAD || request == SIOCOUTQ) return Reply::Continue();
  return sandbox_.InterfaceIoctl(call, request, argument);
}

// --- Messages ------------------------------------------------------------------------------------

int64_t NetlinkContainerSocket::Send(Call& call, const OutgoingMessage& message) {
  if ((message.flags & MSG_OOB) != 0) return -EOPNOTSUPP;
  if (message.data->total > kMostRequest) return -EMSGSIZE;
  DrainWritten();
  if (int error = state_.PrepareSend(message.name, ProcessOf(call)); error != 0) return -error;
  const std::span<uint8_t> request = sandbox_.datagram_block().first(message.data->total);
  if (call.memory().Gather(*message.data, request) != static_cast<ssize_t>(request.size())) {
    return -EFAULT;
  }
  if (!call.Valid()) return -ESRCH;
  Answer(request, HasCapability(call.tid(), CAP_NET_ADMIN));
  return static_cast<int64_t>(request.size());
}

int64_t NetlinkContainerSocket::Receive(Call& call, IncomingMessage& message) {
  if ((message.flags & (MSG_OOB | MSG_ERRQUEUE)) != 0) return -EOPNOTSUPP;
  if (settings_.pending_error != 0) return -std::exchange(settings_.pending_error, 0);
  const std::span<uint8_t> buffer = sandbox_.datagram_block();
  SeqpacketMessage received;
  const int error = ReceiveTagged(call.file(), buffer, message.flags & MSG_PEEK, &received);
  if (error != 0) return -error;
  if (!received.has_tag) return 0;
  const size_t held = std::min(received.size, buffer.size());
  const size_t fits = std::min<uint64_t>(held, message.data->total);
  if (!call.Valid()) return -ESRCH;
  if (fits != 0 &&
      call.memory().Scatter(buffer.first(fits), *message.data) != static_cast<ssize_t>(fits)) {
    return -EFAULT;
  }
  SockaddrNl name = NetlinkSocketState::KernelName();
  if (received.tag != 0 && received.tag <= 32) {
    constexpr size_t kGroupsOffset = 8;
    StoreAt(name, kGroupsOffset, uint32_t{1} << (received.tag - 1));
  }
  message.name.assign(name.begin(), name.end());
  if (state_.pass_credentials()) {
    ControlWriter writer(message.control_capacity);
    writer.PutValue(SOL_SOCKET, SCM_CREDENTIALS, ucred{.pid = 0, .uid = 0, .gid = 0});  // the kernel
    message.control.assign(writer.bytes().begin(), writer.bytes().end());
    if (writer.truncated()) message.result_flags |= MSG_CTRUNC;
  }
  if (received.size > message.data->total) message.result_flags |= MSG_TRUNC;
  if ((message.flags & MSG_PEEK) == 0) {
    // Back into the queue: behind what came since, which programs tell apart by sequence numbers.
    message.undo = [&sandbox = sandbox_, cookie = cookie_, group = received.tag,
                    bytes = std::vector<uint8_t>(buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(held))] {
      auto* socket = static_cast<NetlinkContainerSocket*>(sandbox.Find(cookie));
      if (socket != nullptr) socket->Push(bytes, group);
    };
  }
  return static_cast<int64_t>((message.flags & MSG_TRUNC) != 0 ? received.size : fits);
}

// Requests that were written without an address.
void NetlinkContainerSocket::DrainWritten() {
  for (int i = 0; i < kBatch; ++i) {
    SeqpacketMessage message;
    const std::span<uint8_t> buffer = sandbox_.datagram_block();
    if (ReceiveTagged(end_.get(), buffer, 0, &message) != 0 || !message.has_tag) return;
    if (message.size > kMostRequest) continue;
    if (state_.PrepareSend({}, hint_process_) != 0) continue;
    // The writer is not known; without privileges changes fail with EPERM, which they do anyway.
    Answer(buffer.first(message.size), /*net_admin=*/false);
  }
  sandbox_.Note(this);  // there may be more
}

void NetlinkContainerSocket::Answer(std::span<const uint8_t> request, bool net_admin) {
  const RouteRequest asked{.bytes = request,
                           .port = state_.port(),
                           .flags = state_.flags(),
                           .net_admin = net_admin};
  for (auto& datagram : AnswerRouteRequest(asked, StackView(hub_->stack()))) {
    Push(std::move(datagram), 0);
  }
}

void NetlinkContainerSocket::Push(std::vector<uint8_t> datagram, uint64_t group) {
  if (pending_.size() >= kMostPending) {
    OnEventsLost();
    return;
  }
  pending_.push_back({.datagram = std::move(datagram), .group = group});
  Flush();
}

void NetlinkContainerSocket::Flush() {
  while (!pending_.empty()) {
    const int error = SendTagged(end_.get(), pending_.front().datagram, pending_.front().group);
    if (error == EAGAIN) break;
    pending_.pop_front();  // sent, or nobody reads any more
  }
  WaitForRoom(!pending_.empty());
  sandbox_.Retry(this);
}

void NetlinkContainerSocket::WaitForRoom(bool wait) {
  if (wait == waits_for_room_) return;
  waits_for_room_ = wait;
  sandbox_.loop().Modify(token_, wait ? kEvents | EPOLLOUT : kEvents);
}

// --- Events --------------------------------------------------------------------------------------

void NetlinkContainerSocket::OnEvents(uint32_t events) {
  if ((events & EPOLLIN) != 0) DrainWritten();
  if ((events & EPOLLOUT) != 0) Flush();
  if ((events & (EPOLLHUP | EPOLLRDHUP)) != 0) sandbox_.Remove(this);
}

void NetlinkContainerSocket::OnStackReady(uint32_t) {
  DrainWritten();
  hub_->Distribute();
}

void NetlinkContainerSocket::OnEvent(const RouteEvent& event) {
  if (state_.InGroup(event.group)) Push(event.datagram, event.group);
}

void NetlinkContainerSocket::OnEventsLost() {
  settings_.pending_error = ENOBUFS;
  sandbox_.Retry(this);
}

}  // namespace moat::sentry
