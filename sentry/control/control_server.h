// The gRPC server of a sandbox, which exists only while somebody is connected.
//
// The sentry's event loop owns the listening socket (ListenControlSocket) and hands each accepted
// connection over; that is all it does for the control plane. The first connection starts a thread
// that builds the server; when there has been none for `idle` the thread takes the server down and
// ends, so that a sandbox nobody looks at holds no thread and no buffer.
//
//   ControlServer control({.id = id, .owner = getuid()}, &access);
//   ... the listening socket is readable:
//   control.OnConnection(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
//
// Needs no file once it is built: it works in an empty root directory, without capabilities.
// README.md lists the system calls that its threads make.
#ifndef MOAT_SENTRY_CONTROL_CONTROL_SERVER_H_
#define MOAT_SENTRY_CONTROL_CONTROL_SERVER_H_

#include <pthread.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "sentry/control/stack_access.h"

namespace moat::sentry {

class ControlServer {
 public:
  // Connections at a time; further ones are closed at once.
  static constexpr size_t kMaxConnections = 64;

  struct Options {
    std::string id;   // the sandbox's
    uid_t owner = 0;  // may connect, besides root
    absl::Duration idle = absl::Seconds(30);
  };

  // `stack` is borrowed and outlives the server.
  ControlServer(Options options, StackAccess* stack);
  // Ends all connections and calls, and waits for them.
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  // Takes over a connected Unix socket. Never blocks: safe on the event loop. On an error, which
  // the caller may log, the connection has been closed: kPermissionDenied (not the owner),
  // kResourceExhausted (too many, or no thread to be had).
  absl::Status OnConnection(int fd);

  // Whether the server is up, and waiting until it is not; false when `timeout` passed first.
  bool active() const;
  bool WaitUntilInactive(absl::Duration timeout) const;

 private:
  class Connections;

  static void* ThreadMain(void* self);
  absl::Status StartThread() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Run();
  void Serve();
  std::vector<int> TakePending();
  void Wake() const;

  const Options options_;
  StackAccess* const stack_;
  const absl::Time started_;
  const int wake_fd_;  // eventfd: pending_ or stopping_ changed

  mutable absl::Mutex mutex_;
  std::vector<int> pending_ ABSL_GUARDED_BY(mutex_);  // accepted, not yet given to the server
  size_t connections_ ABSL_GUARDED_BY(mutex_) = 0;    // pending ones included
  bool running_ ABSL_GUARDED_BY(mutex_) = false;      // the thread has not decided to end
  bool joinable_ ABSL_GUARDED_BY(mutex_) = false;     // thread_ must be joined
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  pthread_t thread_ ABSL_GUARDED_BY(mutex_){};
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_CONTROL_CONTROL_SERVER_H_
