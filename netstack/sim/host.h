// A stack on the simulation's clock, its interfaces, and the programs that use its sockets.
#ifndef MOAT_NETSTACK_SIM_HOST_H_
#define MOAT_NETSTACK_SIM_HOST_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "netstack/link/link.h"
#include "netstack/sim/channel.h"
#include "netstack/sim/event_queue.h"
#include "netstack/sim/node.h"
#include "netstack/sim/random.h"
#include "netstack/stack/stack.h"

namespace moat::netstack::sim {

class Host;

// A program: runs when one of its sockets has become ready, or at a time that it asked for.
class Program : public SocketObserver, public EventTarget {
 public:
  explicit Program(Host& host) : host_(host) {}
  void OnReady(uint32_t newly_ready) final;
  // An event of its own: `argument` is what it gave to the queue.
  void OnEvent(uint64_t argument) final;

 protected:
  Host& host() { return host_; }
  const Host& host() const { return host_; }

 private:
  friend class Host;
  virtual void Run() = 0;  // sockets are ready
  virtual void OnTime(uint64_t argument) { Run(); }

  Host& host_;
  bool noted_ = false;
};

// Looks at sockets on both sides of the stack's timers.
class TimerWatcher {
 public:
  virtual ~TimerWatcher() = default;
  virtual void BeforeTimers() = 0;
  virtual void AfterTimers() = 0;
};

class Host : public Node, public EventTarget {
 public:
  // `queue` is borrowed.
  Host(EventQueue& queue, uint64_t seed, std::string_view name, bool offload);
  ~Host() override;

  // The new interface's index: kFirstInterface + port.
  static constexpr InterfaceIndex kFirstInterface = 2;
  absl::Status AddPort(Channel* out, const MacAddress& mac, uint32_t mtu);

  Stack& stack() { return *stack_; }
  EventQueue& queue() { return queue_; }

  void Receive(size_t port, Slice frame) override;
  void OnEvent(uint64_t argument) override;  // the stack's timers

  // `program` runs before this host's turn ends.
  void Note(Program* program);
  // Ends a turn: runs what was noted, flushes, and asks for the next timer. Whoever has called into
  // the stack from outside calls this.
  void Settle();

  void Watch(TimerWatcher* watcher) { watchers_.push_back(watcher); }
  void Unwatch(TimerWatcher* watcher) { std::erase(watchers_, watcher); }

 private:
  // An interface: what the stack sends leaves as frames of the wire.
  class Interface : public Link {
   public:
    Interface(Channel* out, bool offload) : out_(out), offload_(offload) {}
    LinkCapabilities capabilities() const override;
    bool Transmit(const TxFrame& frame) override;

   private:
    Channel* out_;
    bool offload_;
  };

  EventQueue& queue_;
  Stream random_;
  const bool offload_;
  std::vector<std::unique_ptr<Interface>> interfaces_;
  std::unique_ptr<Stack> stack_;
  std::vector<Program*> noted_;
  std::vector<TimerWatcher*> watchers_;
  Time wake_ = kNever;  // of the earliest timer event that is in the queue
};

}  // namespace moat::netstack::sim

#endif  // MOAT_NETSTACK_SIM_HOST_H_
