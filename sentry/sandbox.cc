#include "sentry/sandbox.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "sentry/intercept/listener.h"
#include "sentry/socket/local_listeners.h"
#include "sentry/socket/parked_call.h"
#include "sentry/socket/reaper.h"
#include "sentry/socket/tcp_container_socket.h"

namespace moat::sentry {
namespace {

// Descriptors that are not sockets' ends: pidfds, listeners, links, logs, the control service.
constexpr size_t kReservedDescriptors = 1024;
// Settle() ends after this many rounds and leaves the rest to the event loop, so that two sockets
// that feed each other cannot hold the lock for ever.
constexpr int kMaxRounds = 64;
constexpr uint16_t kDnsPort = 53;

size_t SocketLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return kReservedDescriptors;
  return std::max<size_t>(limit.rlim_cur, 2 * kReservedDescriptors) - kReservedDescriptors;
}

}  // namespace

void SentryClock::Refresh() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  now_ = netstack::Time(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

void SentryRandom::Fill(std::span<uint8_t> out) {
  while (!out.empty()) {
    if (used_ == buffer_.size()) {
      if (getrandom(buffer_.data(), buffer_.size(), 0) != static_cast<ssize_t>(buffer_.size())) {
        std::abort();  // predictable sequence numbers are worse than none
      }
      used_ = 0;
    }
    const size_t size = std::min(out.size(), buffer_.size() - used_);
    std::memcpy(out.data(), buffer_.data() + used_, size);
    std::memset(buffer_.data() + used_, 0, size);
    used_ += size;
    out = out.subspan(size);
  }
}

Sandbox::Sandbox(const Options& options)
    : options_(options),
      timers_((clock_.Refresh(), clock_.Now())),
      stack_(std::make_unique<netstack::Stack>(
          netstack::StackOptions{.clock = &clock_, .random = &random_})),
      local_listeners_(std::make_unique<LocalListeners>()),
      reaper_(std::make_unique<Reaper>(*this)),
      max_sockets_(options.max_sockets != 0 ? options.max_sockets : SocketLimit()),
      timer_fd_(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {}

Sandbox::~Sandbox() {
  parked_.clear();
  for (auto& [cookie, socket] : sockets_) graveyard_.push_back(std::move(socket));
  sockets_.clear();
  BuryDead();
}

// --- Sockets -------------------------------------------------------------------------------------

ContainerSocket* Sandbox::Find(uint64_t cookie) {
  auto it = sockets_.find(cookie);
  return it == sockets_.end() ? nullptr : it->second.get();
}

ContainerSocket* Sandbox::Add(std::unique_ptr<ContainerSocket> socket, uint32_t events) {
  ContainerSocket* added = socket.get();
  sockets_[added->cookie()] = std::move(socket);
  if (events != 0) added->token_ = loop_.Add(added->end(), events, added);
  ++counters_.sockets_created;
  return added;
}

void Sandbox::Rekey(ContainerSocket* socket, uint64_t old_cookie) {
  auto node = sockets_.extract(old_cookie);
  if (node.empty()) return;
  node.key() = socket->cookie();
  sockets_.insert(std::move(node));
}

void Sandbox::Remove(ContainerSocket* socket) {
  if (socket->dead_) return;
  socket->dead_ = true;
  loop_.Forget(std::exchange(socket->token_, 0));
  socket->end_.reset();
  auto it = sockets_.find(socket->cookie());
  if (it == sockets_.end() || it->second.get() != socket) std::abort();
  graveyard_.push_back(std::move(it->second));
  sockets_.erase(it);
  for (auto& parked : std::exchange(socket->parked_, {})) {
    parked_.erase(parked->call.tid());
    parked->call.listener()->Answer(parked->call.notification().id, -EBADF);
  }
}

void Sandbox::FindClosed() {
  std::vector<ContainerSocket*> sockets;
  std::vector<pollfd> ends;
  for (const auto& [cookie, socket] : sockets_) {
    if (socket->end() < 0) continue;
    sockets.push_back(socket.get());
    ends.push_back({socket->end(), 0, 0});
  }
  if (poll(ends.data(), ends.size(), 0) > 0) {
    for (size_t i = 0; i < ends.size(); ++i) {
      // poll(2) and epoll(7) share these bits. The event itself may come again; handlers expect
      // that.
      const auto bits = static_cast<uint32_t>(ends[i].revents);
      if ((bits & POLLHUP) != 0 && !sockets[i]->dead_) sockets[i]->OnEvents(bits);
    }
  }
  if (reaper_->watched() != 0) reaper_->Sweep();
  BuryDead();
}

void Sandbox::BuryDead() {
  // A listener's end may be the end of what waits in its queue: another round.
  while (!graveyard_.empty()) {
    const auto dead = std::exchange(graveyard_, {});
    for (const auto& socket : dead) {
      if (socket->queued_) std::erase(noted_, socket.get());
    }
  }
}

// --- Calls ---------------------------------------------------------------------------------------

Reply Sandbox::Serve(Call& call) {
  ++counters_.calls;
  ApplyHints();
  // A thread that calls again is no longer waiting in an earlier call.
  if (auto it = parked_.find(call.tid()); it != parked_.end()) Unpark(it->second);
  if (auto kept = replay_cache_.Take(call.notification())) {
    ++counters_.answers_replayed;
    return Reply::Value(*kept);
  }
  return server_(*this, call);
}

ErrnoOr<std::unique_ptr<ContainerSocket>> Sandbox::MakeNetlinkSocket(Call& call, int type,
                                                                     int protocol) {
  if (!extensions_.netlink_socket) return Errno{EPROTONOSUPPORT};
  return extensions_.netlink_socket(*this, call, type, protocol);
}

Reply Sandbox::InterfaceIoctl(Call& call, uint32_t request, uint64_t argument) {
  if (!extensions_.interface_ioctl) return Reply::Fail(ENOTTY);
  return extensions_.interface_ioctl(*this, call, request, argument);
}

netstack::Endpoint Sandbox::ToResolver(const netstack::Endpoint& remote) {
  if (remote.port != kDnsPort || remote.address != kResolverAddress || !extensions_.resolver_port) {
    return remote;
  }
  const uint16_t port = extensions_.resolver_port();
  if (port == 0) return remote;
  resolver_port_ = port;
  return {remote.address, port, remote.scope};
}

netstack::Endpoint Sandbox::FromResolver(const netstack::Endpoint& remote) const {
  if (resolver_port_ == 0 || remote.port != resolver_port_ || remote.address != kResolverAddress) {
    return remote;
  }
  return {remote.address, kDnsPort, remote.scope};
}

void Sandbox::OnAnswerLost(const Call& call, const Reply& reply) {
  ++counters_.answers_lost;
  if (reply.on_lost()) {
    reply.on_lost()();
  } else if (reply.kind() == Reply::Kind::kValue) {
    replay_cache_.Keep(call.notification(), reply.value());
  }
}

void Sandbox::Deliver(const Call& call, const Reply& reply) {
  const uint64_t id = call.notification().id;
  switch (reply.kind()) {
    case Reply::Kind::kContinue: call.listener()->Continue(id); return;
    case Reply::Kind::kPark:
    case Reply::Kind::kNobody: return;
    case Reply::Kind::kValue:
      if (call.listener()->Answer(id, reply.value())) return;
      break;
    case Reply::Kind::kInstall: {
      const int installed = call.InstallAndAnswer(reply.file(), reply.close_on_exec());
      if (installed >= 0) {
        absl::MutexLock lock(&hints_mutex_);
        hints_.push_back({reply.cookie(), call.tid(), installed});
        has_hints_.store(true, std::memory_order_release);
        return;
      }
      if (installed != -ENOENT) call.listener()->Answer(id, installed);  // no room for a descriptor
      break;
    }
  }
  SandboxEntry entry(*this);
  OnAnswerLost(call, reply);
}

void Sandbox::ApplyHints() {
  if (!has_hints_.load(std::memory_order_acquire)) return;
  std::vector<Hint> hints;
  {
    absl::MutexLock lock(&hints_mutex_);
    hints.swap(hints_);
    has_hints_.store(false, std::memory_order_release);
  }
  for (const Hint& hint : hints) {
    ContainerSocket* socket = Find(hint.cookie);
    if (socket != nullptr) socket->SetHint(processes_.ProcessOf(hint.thread), hint.descriptor);
  }
}

void Sandbox::Park(const Call& call, const Reply& reply) {
  ++counters_.calls_parked;
  if (parked_.size() >= sweep_parked_at_) DropStaleParked();
  ContainerSocket* socket = call.socket();
  auto parked = std::make_unique<ParkedCall>(timers_, &Sandbox::OnParkTimeout, socket, call);
  parked->timeout_value = reply.value();
  if (reply.timeout().count() > 0) parked->timer.Arm(clock_.Now() + reply.timeout());
  parked_[call.tid()] = parked.get();
  socket->parked_.push_back(std::move(parked));
}

// Threads that died while they waited leave their calls behind.
void Sandbox::DropStaleParked() {
  std::vector<ParkedCall*> stale;
  for (const auto& [thread, parked] : parked_) {
    if (!parked->call.Valid()) stale.push_back(parked);
  }
  for (ParkedCall* parked : stale) Unpark(parked);
  sweep_parked_at_ = std::max(kFirstParkedSweep, 2 * parked_.size());
}

std::unique_ptr<ParkedCall> Sandbox::Unpark(ParkedCall* parked) {
  parked_.erase(parked->call.tid());
  auto& waiting = parked->socket->parked_;
  auto it = std::find_if(waiting.begin(), waiting.end(),
                         [parked](const auto& other) { return other.get() == parked; });
  auto owned = std::move(*it);
  waiting.erase(it);
  return owned;
}

void Sandbox::OnParkTimeout(void* context) {
  auto* parked = static_cast<ParkedCall*>(context);
  auto owned = parked->socket->sandbox().Unpark(parked);
  owned->call.listener()->Answer(owned->call.notification().id, owned->timeout_value);
}

void Sandbox::Retry(ContainerSocket* socket) {
  if (socket->parked_.empty()) return;
  // Each is tried once; those that still have to wait queue up again in the same order.
  auto waiting = std::exchange(socket->parked_, {});
  for (auto& parked : waiting) {
    if (!parked->call.Valid()) {
      parked_.erase(parked->call.tid());
      continue;
    }
    Call call(parked->call.listener(), parked->call.notification());
    const Reply reply = server_(*this, call);
    if (reply.kind() == Reply::Kind::kPark && call.socket() == socket && !socket->dead_) {
      socket->parked_.push_back(std::move(parked));
      continue;
    }
    parked_.erase(parked->call.tid());
    if (reply.kind() == Reply::Kind::kPark) {
      Park(call, reply);  // the descriptor has become another socket meanwhile
    } else {
      outbox_.push_back({std::move(call), reply});
    }
  }
}

// --- Running to completion -----------------------------------------------------------------------

void Sandbox::Note(ContainerSocket* socket) {
  if (socket->queued_) return;
  socket->queued_ = true;
  noted_.push_back(socket);
}

void Sandbox::Settle() {
  std::vector<ContainerSocket*> batch;
  for (int round = 0; round < kMaxRounds; ++round) {
    batch.clear();
    batch.swap(noted_);
    for (ContainerSocket* socket : batch) {
      socket->queued_ = false;
      const uint32_t bits = std::exchange(socket->noted_, 0);
      if (!socket->dead_) socket->OnStackReady(bits);
    }
    if (!graveyard_.empty()) BuryDead();
    stack_->Flush();  // after the sockets have read: one acknowledgement tells of both
    if (noted_.empty() && graveyard_.empty()) return;
  }
}

netstack::Time Sandbox::NextDeadline() const {
  if (!noted_.empty()) return clock_.Now();
  return std::min(stack_->NextDeadline(), timers_.NextDeadline());
}

void Sandbox::RunTimers() {
  timers_.RunExpired(clock_.Now());
  stack_->RunTimers();
}

void Sandbox::ArmTimer() {
  const netstack::Time next = NextDeadline();
  // A timer that fires too early costs a wake-up; re-arming it for every later deadline costs more.
  if (next >= armed_) return;
  armed_ = next;
  // Zero would disarm.
  const int64_t at = std::max<int64_t>(next.time_since_epoch().count(), 1);
  itimerspec value{};
  value.it_value.tv_sec = at / 1'000'000'000;
  value.it_value.tv_nsec = at % 1'000'000'000;
  timerfd_settime(timer_fd_.get(), TFD_TIMER_ABSTIME, &value, nullptr);
}

void Sandbox::Read(absl::FunctionRef<void(netstack::Stack&)> body) {
  absl::MutexLock lock(&mutex_);
  body(*stack_);
}

void Sandbox::Change(absl::FunctionRef<void(netstack::Stack&)> body) {
  SandboxEntry entry(*this);
  body(*stack_);
}

std::vector<netstack::SocketInfo> Sandbox::ListSockets() {
  constexpr uint64_t kNotTheStacks = uint64_t{1} << 63;  // keeps cookies apart from the stack's ids
  absl::MutexLock lock(&mutex_);
  std::vector<netstack::SocketInfo> list = stack_->ListSockets();
  for (const auto& [cookie, socket] : sockets_) {
    const auto* tcp = dynamic_cast<const TcpContainerSocket*>(socket.get());
    if (tcp == nullptr || tcp->state() != TcpContainerSocket::State::kDirect) continue;
    netstack::SocketInfo info{};
    info.type = netstack::SocketInfo::Type::kTcp;
    info.family = tcp->direct_local().address.family();
    info.state = "ESTAB";
    info.local = tcp->direct_local();
    info.remote = tcp->direct_remote();
    info.id = cookie | kNotTheStacks;
    list.push_back(std::move(info));
  }
  return list;
}

}  // namespace moat::sentry
