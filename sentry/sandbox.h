// Everything one sandbox is made of: the stack, the sockets of its containers, the event loop and
// the one lock around them all.
//
// Threads: the event-loop thread, and one thread per notification listener. Whoever has an event
// enters (SandboxEntry), acts, and leaves; leaving runs the stack to completion, so nothing is ever
// handed from one thread to another. There is one lock and therefore no lock order.
#ifndef MOAT_SENTRY_SANDBOX_H_
#define MOAT_SENTRY_SANDBOX_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "base/owned_fd.h"
#include "netstack/base/random.h"
#include "netstack/base/time.h"
#include "netstack/base/timer.h"
#include "netstack/stack/stack.h"
#include "sentry/control/stack_access.h"
#include "sentry/counters.h"
#include "sentry/event_loop.h"
#include "sentry/intercept/call.h"
#include "sentry/intercept/replay_cache.h"
#include "sentry/intercept/reply.h"
#include "sentry/memory/process_table.h"
#include "sentry/socket/answer_gauge.h"
#include "sentry/socket/container_socket.h"
#include "sentry/socket/tcp_pump.h"

namespace moat::sentry {

// CLOCK_MONOTONIC, read once per entry.
class SentryClock final : public netstack::Clock {
 public:
  netstack::Time Now() const override { return now_; }
  void Refresh();

 private:
  netstack::Time now_{};
};

// getrandom(2), buffered.
class SentryRandom final : public netstack::Random {
 public:
  void Fill(std::span<uint8_t> out) override;

 private:
  std::array<uint8_t, 1024> buffer_{};
  size_t used_ = sizeof(buffer_);
};

class Reaper;
class LocalListeners;

// Where containers on Docker's user-defined networks ask for names (resolver/docker_resolver.h).
inline constexpr netstack::IpAddress kResolverAddress = netstack::IpAddress::V4(127, 0, 0, 11);

class Sandbox final : public StackAccess {
 public:
  struct Options {
    std::string id;
    size_t max_sockets = 0;       // 0: from RLIMIT_NOFILE
    bool direct_loopback = true;  // connect() inside the sandbox joins the two programs directly
  };

  explicit Sandbox(const Options& options);
  ~Sandbox() override;
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  absl::Mutex& mutex() ABSL_LOCK_RETURNED(mutex_) { return mutex_; }
  const Options& options() const { return options_; }

  // Everything below needs the lock.
  netstack::Stack& stack() { return *stack_; }
  EventLoop& loop() { return loop_; }
  netstack::TimerQueue& timers() { return timers_; }  // the sentry's own
  SentryClock& clock() { return clock_; }
  SentryRandom& random() { return random_; }
  SentryCounters& counters() { return counters_; }
  ProcessTable& processes() { return processes_; }
  AnswerGauge& answers() { return answers_; }
  ReplayCache& replay_cache() { return replay_cache_; }
  LocalListeners& local_listeners() { return *local_listeners_; }
  Reaper& reaper() { return *reaper_; }
  ReadBlock& read_block() { return read_block_; }
  // A buffer for one datagram, filled and used within one call.
  std::span<uint8_t> datagram_block() { return datagram_block_; }

  // --- Sockets ---------------------------------------------------------------------------------
  // Null when the cookie is not one of ours: then the descriptor is the container's own business.
  ContainerSocket* Find(uint64_t cookie);
  // Whether one more may be made.
  bool HasRoom() const { return sockets_.size() < max_sockets_; }
  // Takes a socket whose pair has been created; watches its end for `events` (0: not at all).
  ContainerSocket* Add(std::unique_ptr<ContainerSocket> socket, uint32_t events);
  // The socket has got a new pair and with it a new cookie.
  void Rekey(ContainerSocket* socket, uint64_t old_cookie);
  // Destroys it when the present lock hold ends. Parked calls fail with EBADF.
  void Remove(ContainerSocket* socket);
  // Destroys removed sockets at once, so that what they held (a port) is free.
  void BuryDead();
  // Acts on every close(2) that has happened by now: one that the event loop has not got to yet,
  // and one that only the reaper can see. Costs a look at every socket: for when a resource is
  // taken.
  void FindClosed();
  size_t socket_count() const { return sockets_.size(); }
  const absl::flat_hash_map<uint64_t, std::unique_ptr<ContainerSocket>>& sockets() const {
    return sockets_;
  }

  // --- Calls -----------------------------------------------------------------------------------
  // Carries a call out; set once, before the first call (calls/).
  using Server = Reply (*)(Sandbox& sandbox, Call& call);
  void set_server(Server server) { server_ = server; }
  // A new call of a container's thread. The reply is still to be delivered, unless it is parked.
  Reply Serve(Call& call);
  // Delivers a reply to its caller. Without the lock: installing a descriptor waits for the caller
  // to run.
  void Deliver(const Call& call, const Reply& reply) ABSL_LOCKS_EXCLUDED(mutex_);
  // What other parts of the sentry provide to sockets; unset ones are refused (EPROTONOSUPPORT,
  // ENOTTY).
  struct Extensions {
    // socket(AF_NETLINK): the object without its pair.
    std::function<ErrnoOr<std::unique_ptr<ContainerSocket>>(Sandbox&, Call&, int type,
                                                            int protocol)>
        netlink_socket;
    // ioctl() requests about interfaces, addresses and routes.
    std::function<Reply(Sandbox&, Call&, uint32_t request, uint64_t argument)> interface_ioctl;
    // The port of kResolverAddress that stands for its port 53 now; 0: none does.
    std::function<uint16_t()> resolver_port;
  };
  void set_extensions(Extensions extensions) { extensions_ = std::move(extensions); }
  ErrnoOr<std::unique_ptr<ContainerSocket>> MakeNetlinkSocket(Call& call, int type, int protocol);
  Reply InterfaceIoctl(Call& call, uint32_t request, uint64_t argument);
  // Where a datagram for `remote` is sent to, and what the container is told of one's source: they
  // differ for Docker's resolver only.
  netstack::Endpoint ToResolver(const netstack::Endpoint& remote);
  netstack::Endpoint FromResolver(const netstack::Endpoint& remote) const;
  // Tells sockets where descriptors were installed since.
  void ApplyHints();
  // Keeps a blocking call of `call.socket()` until Retry() or its deadline.
  void Park(const Call& call, const Reply& reply);
  // Tries the parked calls of `socket` again, in the order of their arrival.
  void Retry(ContainerSocket* socket);

  // --- Running to completion -------------------------------------------------------------------
  // Queues a socket whose handle reported readiness.
  void Note(ContainerSocket* socket);
  // Delivers what the stack has for the sockets and sends what they had for the stack.
  void Settle();
  // The earliest time at which something is due.
  netstack::Time NextDeadline() const;
  void RunTimers();

  // StackAccess, for the control service's threads.
  void Read(absl::FunctionRef<void(netstack::Stack&)> body) override;
  void Change(absl::FunctionRef<void(netstack::Stack&)> body) override;
  // The stack's, and the connections that the sandbox joined directly (whose queues are the
  // kernel's).
  std::vector<netstack::SocketInfo> ListSockets() override;

  // The timerfd that wakes the event loop at NextDeadline(); armed by whoever leaves.
  int timer_fd() const { return timer_fd_.get(); }
  void ArmTimer();
  void OnTimerFired() { armed_ = netstack::kNever; }

 private:
  void OnAnswerLost(const Call& call, const Reply& reply);
  static void OnParkTimeout(void* parked);
  std::unique_ptr<ParkedCall> Unpark(ParkedCall* parked);
  void DropStaleParked();

  const Options options_;
  absl::Mutex mutex_;
  SentryClock clock_;
  SentryRandom random_;
  SentryCounters counters_;
  EventLoop loop_;
  netstack::TimerQueue timers_;
  std::unique_ptr<netstack::Stack> stack_;
  ProcessTable processes_;
  AnswerGauge answers_;
  ReplayCache replay_cache_;
  std::unique_ptr<LocalListeners> local_listeners_;
  std::unique_ptr<Reaper> reaper_;
  absl::flat_hash_map<uint64_t, std::unique_ptr<ContainerSocket>> sockets_;
  static constexpr size_t kFirstParkedSweep = 256;
  size_t sweep_parked_at_ = kFirstParkedSweep;
  absl::flat_hash_map<pid_t, ParkedCall*> parked_;  // by thread: each can wait in one call only
  // Replies to parked calls, for whoever leaves the sandbox to deliver.
  struct Delivery {
    Call call;
    Reply reply;
  };
  std::vector<Delivery> TakeOutbox() { return std::exchange(outbox_, {}); }
  friend class SandboxEntry;

  // Descriptors that were installed without the lock: where the sockets are now.
  struct Hint {
    uint64_t cookie;
    pid_t thread;
    int descriptor;
  };
  absl::Mutex hints_mutex_ ABSL_ACQUIRED_AFTER(mutex_);
  std::vector<Hint> hints_ ABSL_GUARDED_BY(hints_mutex_);
  std::atomic<bool> has_hints_{false};

  std::vector<Delivery> outbox_;
  Server server_ = nullptr;
  Extensions extensions_;
  uint16_t resolver_port_ = 0;  // what ToResolver() used last
  std::vector<ContainerSocket*> noted_;
  std::vector<std::unique_ptr<ContainerSocket>> graveyard_;
  ReadBlock read_block_;
  // The largest IP packet, and the link header that a packet socket has in front of it.
  static constexpr size_t kDatagramBlock = 68 * 1024;
  std::vector<uint8_t> datagram_block_ = std::vector<uint8_t>(kDatagramBlock);
  size_t max_sockets_;
  OwnedFd timer_fd_;
  netstack::Time armed_ = netstack::kNever;
};

// The lock, a fresh clock, and on the way out everything that the visit caused.
class ABSL_SCOPED_LOCKABLE SandboxEntry {
 public:
  explicit SandboxEntry(Sandbox& sandbox) ABSL_EXCLUSIVE_LOCK_FUNCTION(sandbox.mutex())
      : sandbox_(sandbox) {
    sandbox_.mutex().Lock();
    sandbox_.clock().Refresh();
  }
  ~SandboxEntry() ABSL_UNLOCK_FUNCTION() {
    sandbox_.Settle();
    sandbox_.ArmTimer();
    if (sandbox_.outbox_.empty()) {
      sandbox_.mutex().Unlock();
      return;
    }
    const auto deliveries = sandbox_.TakeOutbox();
    sandbox_.mutex().Unlock();
    for (const auto& delivery : deliveries) sandbox_.Deliver(delivery.call, delivery.reply);
  }
  SandboxEntry(const SandboxEntry&) = delete;
  SandboxEntry& operator=(const SandboxEntry&) = delete;

 private:
  Sandbox& sandbox_;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_SANDBOX_H_
