#include "sentry/control/control_server.h"

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_posix.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <utility>

#include "absl/time/clock.h"
#include "sentry/control/control_socket.h"
#include "sentry/control/sandbox_service.h"

namespace moat::sentry {
namespace {

constexpr int kMaxMessageBytes = 1 << 20;      // no request is near this
constexpr size_t kMaxServerBytes = 32u << 20;  // of gRPC's buffers
constexpr int kMaxThreads = SandboxService::kMaxWatchers + 8;

std::unique_ptr<grpc::Server> BuildServer(SandboxService* service) {
  grpc::ResourceQuota quota("control");
  quota.Resize(kMaxServerBytes);
  quota.SetMaxThreads(kMaxThreads);
  grpc::ServerBuilder builder;
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 2);
  builder.RegisterService(service);
  return builder.BuildAndStart();
}

}  // namespace

// The connections that gRPC serves, which it does not report the end of: a duplicate of each
// descriptor is watched for hang-up.
class ControlServer::Connections {
 public:
  explicit Connections(int wake_fd) : polled_{{wake_fd, POLLIN, 0}} {}
  ~Connections() {
    for (size_t i = 1; i < polled_.size(); ++i) close(polled_[i].fd);
  }

  size_t size() const { return polled_.size() - 1; }

  // False when no descriptor is left.
  bool Add(int fd) {
    const int duplicate = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (duplicate < 0) return false;
    polled_.push_back({duplicate, POLLRDHUP, 0});
    return true;
  }

  // Waits for a wake-up or a hang-up, without end while there are connections, otherwise for
  // `idle`. Sets `*ended` to how many connections hung up. False when the time is over.
  bool Wait(absl::Duration idle, size_t* ended) {
    const int timeout = size() > 0 ? -1 : static_cast<int>(absl::ToInt64Milliseconds(idle));
    const int ready = poll(polled_.data(), polled_.size(), timeout);
    *ended = 0;
    if (ready < 0) return true;  // EINTR
    if (polled_[0].revents != 0) {
      eventfd_t count;
      eventfd_read(polled_[0].fd, &count);
    }
    const auto gone = std::remove_if(polled_.begin() + 1, polled_.end(), [](const pollfd& entry) {
      if (entry.revents == 0) return false;
      close(entry.fd);
      return true;
    });
    *ended = static_cast<size_t>(polled_.end() - gone);
    polled_.erase(gone, polled_.end());
    return ready > 0;
  }

 private:
  std::vector<pollfd> polled_;  // the first is the wake-up
};

ControlServer::ControlServer(Options options, StackAccess* stack)
    : options_(std::move(options)),
      stack_(stack),
      started_(absl::Now()),
      wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

ControlServer::~ControlServer() {
  bool join;
  pthread_t thread;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    join = joinable_;
    thread = thread_;
  }
  Wake();
  if (join) pthread_join(thread, nullptr);
  for (const int fd : TakePending()) close(fd);
  if (wake_fd_ >= 0) close(wake_fd_);
}

absl::Status ControlServer::OnConnection(int fd) {
  if (absl::Status status = CheckControlPeer(fd, options_.owner); !status.ok()) {
    close(fd);
    return status;
  }
  absl::Status status;
  {
    absl::MutexLock lock(&mutex_);
    if (connections_ >= kMaxConnections) {
      status = absl::ResourceExhaustedError("too many control connections");
    } else if (!running_) {
      status = StartThread();
    }
    if (status.ok()) {
      pending_.push_back(fd);
      ++connections_;
    }
  }
  if (!status.ok()) {
    close(fd);
    return status;
  }
  Wake();
  return absl::OkStatus();
}

bool ControlServer::active() const {
  absl::MutexLock lock(&mutex_);
  return running_;
}

bool ControlServer::WaitUntilInactive(absl::Duration timeout) const {
  absl::MutexLock lock(&mutex_);
  const auto inactive = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !running_; };
  return mutex_.AwaitWithTimeout(absl::Condition(&inactive), timeout);
}

void ControlServer::Wake() const { eventfd_write(wake_fd_, 1); }

std::vector<int> ControlServer::TakePending() {
  absl::MutexLock lock(&mutex_);
  return std::exchange(pending_, {});
}

absl::Status ControlServer::StartThread() {
  if (wake_fd_ < 0) return absl::ResourceExhaustedError("no descriptor for the control service");
  // The former thread cleared running_ as its last act: this does not wait for anything.
  if (joinable_) pthread_join(thread_, nullptr);
  joinable_ = false;
  // gRPC's threads inherit the mask: signals are the event loop's business.
  sigset_t all, previous;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &previous);
  const int error = pthread_create(&thread_, nullptr, &ControlServer::ThreadMain, this);
  pthread_sigmask(SIG_SETMASK, &previous, nullptr);
  if (error != 0) return absl::ResourceExhaustedError("no thread for the control service");
  joinable_ = true;
  running_ = true;
  return absl::OkStatus();
}

void* ControlServer::ThreadMain(void* self) {
  pthread_setname_np(pthread_self(), "control");
  static_cast<ControlServer*>(self)->Run();
  return nullptr;
}

void ControlServer::Run() {
  while (true) {
    Serve();
    malloc_trim(0);
    absl::MutexLock lock(&mutex_);
    // A connection may have come while the server went down.
    if (pending_.empty() || stopping_) {
      running_ = false;
      return;
    }
  }
}

void ControlServer::Serve() {
  SandboxService service(options_.id, started_, stack_);
  const std::unique_ptr<grpc::Server> server = BuildServer(&service);
  Connections connections(wake_fd_);
  size_t refused = 0;
  while (true) {
    for (const int fd : TakePending()) {
      if (server != nullptr && connections.Add(fd)) {
        grpc::AddInsecureChannelFromFd(server.get(), fd);  // owns fd
      } else {
        close(fd);
        ++refused;
      }
    }
    size_t ended = 0;
    const bool more = connections.Wait(options_.idle, &ended);
    absl::MutexLock lock(&mutex_);
    connections_ -= ended + std::exchange(refused, 0);
    if (stopping_ || (!more && pending_.empty())) break;
  }
  // Cancels the calls that still run and waits for their threads.
  if (server != nullptr) server->Shutdown(std::chrono::system_clock::now());
  absl::MutexLock lock(&mutex_);
  connections_ -= connections.size();
}

}  // namespace moat::sentry
