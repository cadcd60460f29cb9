// `moat boot`: the sentry process.
#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/owned_fd.h"
#include "sentry/base/log.h"
#include "sentry/boot/arguments.h"
#include "sentry/boot/farewell.h"
#include "sentry/boot/listener_threads.h"
#include "sentry/boot/run_loop.h"
#include "sentry/boot/surroundings.h"
#include "sentry/calls/server.h"
#include "sentry/client.h"
#include "sentry/handover/handover_server.h"
#include "sentry/sandbox.h"

namespace moat::sentry {
namespace {

constexpr rlim_t kMostDescriptors = 1 << 20;
// Less than a wake-up of a sleeping CPU takes in a virtual machine.
constexpr int kDefaultSpinMicroseconds = 30;

// A small process: one arena for all threads. Memory goes back only beyond what a burst of 64 KiB
// frames takes: with a lower threshold each burst gives its pages back and faults them in again,
// which doubled the kernel's time per frame.
void TuneAllocator() {
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_TRIM_THRESHOLD, 8 << 20);
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
}

// One descriptor per socket, so the limit is the sandbox's limit of sockets.
void RaiseDescriptorLimit() {
  rlimit limit = {kMostDescriptors, kMostDescriptors};
  if (setrlimit(RLIMIT_NOFILE, &limit) == 0) return;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void Report(int ready_fd, const absl::Status& status) {
  if (ready_fd < 0) return;
  const std::string line = status.ok() ? "ok\n" : absl::StrCat(status.message(), "\n");
  (void)!write(ready_fd, line.data(), line.size());
  close(ready_fd);
}

// The sandbox's first process: its pidfd becomes readable when it has ended.
class FirstProcess final : public EventHandler {
 public:
  FirstProcess(EventLoop& loop, OwnedFd pidfd) : loop_(loop), pidfd_(std::move(pidfd)) {
    token_ = loop_.Add(pidfd_.get(), EPOLLIN, this);
  }
  ~FirstProcess() override { loop_.Remove(token_); }
  void OnEvents(uint32_t) override {
    ended_ = true;
    loop_.Remove(std::exchange(token_, 0));
  }
  bool ended() const { return ended_; }

 private:
  EventLoop& loop_;
  OwnedFd pidfd_;
  EventLoop::Token token_;
  bool ended_ = false;
};

class TerminationSignal final : public EventHandler {
 public:
  explicit TerminationSignal(EventLoop& loop) : loop_(loop) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    fd_.reset(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
    token_ = loop_.Add(fd_.get(), EPOLLIN, this);
  }
  ~TerminationSignal() override { loop_.Remove(token_); }
  void OnEvents(uint32_t) override { received_ = true; }
  bool received() const { return received_; }

 private:
  EventLoop& loop_;
  OwnedFd fd_;
  EventLoop::Token token_;
  bool received_ = false;
};

class Sentry {
 public:
  absl::Status Start(const BootArguments& arguments);
  void Run(const BootArguments& arguments);

 private:
  bool Ended();

  std::unique_ptr<Sandbox> sandbox_;
  std::unique_ptr<TerminationSignal> termination_;
  std::unique_ptr<ListenerThreads> threads_;
  std::unique_ptr<FirstProcess> first_;
  std::unique_ptr<HandoverServer> handover_;
  std::unique_ptr<Surroundings> surroundings_;
  std::unique_ptr<Farewell> farewell_;
};

absl::Status Sentry::Start(const BootArguments& arguments) {
  // In the order in which privileges and sight are lost.
  if (setns(arguments.network_namespace_fd, CLONE_NEWNET) != 0) {
    return absl::ErrnoToStatus(errno, "enter the configured network namespace");
  }
  RaiseDescriptorLimit();
  auto listening = ListenSentrySocket(arguments.state_dir);
  if (!listening.ok()) return listening.status();

  sandbox_ = std::make_unique<Sandbox>(Sandbox::Options{
      .id = arguments.id, .max_sockets = 0, .direct_loopback = arguments.direct_loopback});
  sandbox_->set_server(&ServeCall);
  absl::MutexLock lock(&sandbox_->mutex());
  termination_ = std::make_unique<TerminationSignal>(sandbox_->loop());
  threads_ = std::make_unique<ListenerThreads>(*sandbox_);
  for (const auto& [name, value] : arguments.sysctls) {
    constexpr std::string_view kNet = "net.";
    if (name.substr(0, kNet.size()) != kNet) continue;
    const absl::Status status = sandbox_->stack().SetSysctl(name.substr(kNet.size()), value);
    // A name that the stack does not know configures a part that it does not have.
    if (absl::IsInvalidArgument(status)) {
      return absl::InvalidArgumentError(absl::StrCat("sysctl ", name, ": ", status.message()));
    }
    if (!status.ok()) Log(LogLevel::kWarn, absl::StrCat("sysctl ", name, ": ", status.message()));
  }
  HandoverServer::Delegate delegate;
  delegate.on_process = [this](OwnedFd pidfd, bool first) {
    if (!first) return;
    sandbox_->processes().UseGroupsOf(pidfd.get());
    first_ = std::make_unique<FirstProcess>(sandbox_->loop(), std::move(pidfd));
  };
  delegate.on_listener = [this](OwnedFd listener) { return threads_->Start(std::move(listener)); };
  handover_ = std::make_unique<HandoverServer>(sandbox_->loop(), std::move(*listening),
                                               std::move(delegate));
  surroundings_ = std::make_unique<Surroundings>(*sandbox_);
  if (auto status = surroundings_->Attach(arguments.id, arguments.state_dir); !status.ok()) {
    return status;
  }
  sandbox_->Settle();
  sandbox_->ArmTimer();
  return absl::OkStatus();
}

bool Sentry::Ended() {
  if (farewell_ != nullptr) return farewell_->Done();
  const bool gone = first_ != nullptr && first_->ended() && threads_->alive() == 0 &&
                    handover_->open() == 0;
  if (gone || termination_->received()) farewell_ = std::make_unique<Farewell>(*sandbox_);
  return farewell_ != nullptr && farewell_->Done();
}

void Sentry::Run(const BootArguments& arguments) {
  const int spin = arguments.spin_us >= 0 ? arguments.spin_us : kDefaultSpinMicroseconds;
  RunLoop(*sandbox_, spin, [this] { return Ended(); });
  Log(LogLevel::kInfo, DescribeCounters(sandbox_->counters()));
  absl::MutexLock lock(&sandbox_->mutex());
  surroundings_->Detach();
}

}  // namespace

int BootMain(int argc, char** argv) {
  auto arguments = ParseBootArguments(std::vector<std::string>(argv, argv + argc));
  if (!arguments.ok()) {
    fprintf(stderr, "%s\n", std::string(arguments.status().message()).c_str());
    return 1;
  }
  SetLogLevel(arguments->log_level);
  TuneAllocator();
  signal(SIGPIPE, SIG_IGN);
  auto sentry = std::make_unique<Sentry>();
  const absl::Status status = sentry->Start(*arguments);
  if (!status.ok()) Log(LogLevel::kError, std::string(status.message()));
  Report(arguments->ready_fd, status);
  if (!status.ok()) return 1;
  sentry->Run(*arguments);
  // Threads may still wait for calls of processes that refuse to die; nothing is left to be put
  // away.
  fflush(nullptr);
  _exit(0);
}

}  // namespace moat::sentry
