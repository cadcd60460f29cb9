// One intercepted system call, as a handler sees it: the registers, the caller's memory, and the
// caller's file behind the descriptor in the first argument.
#ifndef MOAT_SENTRY_INTERCEPT_CALL_H_
#define MOAT_SENTRY_INTERCEPT_CALL_H_

#include <linux/seccomp.h>
#include <sys/types.h>

#include <cstdint>
#include <memory>

#include "base/owned_fd.h"
#include "sentry/memory/remote_memory.h"

namespace moat::sentry {

class ContainerSocket;
class Listener;

class Call {
 public:
  Call(std::shared_ptr<Listener> listener, const seccomp_notif& notification)
      : listener_(std::move(listener)), notification_(notification) {}

  pid_t tid() const { return static_cast<pid_t>(notification_.pid); }
  int number() const { return notification_.data.nr; }
  uint64_t argument(int i) const { return notification_.data.args[i]; }
  int int_argument(int i) const { return static_cast<int>(notification_.data.args[i]); }
  RemoteMemory memory() const { return RemoteMemory(tid()); }
  const seccomp_notif& notification() const { return notification_; }
  const std::shared_ptr<Listener>& listener() const { return listener_; }

  // Whether the caller still waits for the answer. To be asked after the last read of its memory
  // and before acting on what was read.
  bool Valid() const;

  // A duplicate of the container's end of the socket in argument 0; ours until the call is
  // answered.
  int file() const { return file_.get(); }
  void set_file(OwnedFd file) { file_ = std::move(file); }
  bool nonblocking() const;  // O_NONBLOCK of that file

  // The sandbox's socket behind that file; null when it is the container's own business.
  ContainerSocket* socket() const { return socket_; }
  void set_socket(ContainerSocket* socket) { socket_ = socket; }

  // Installs a duplicate of `fd` as the caller's lowest free descriptor and makes its number the
  // call's result, in one step: that number, or a negated errno. -ENOENT: the caller is gone.
  int InstallAndAnswer(int fd, bool close_on_exec) const;
  // Replaces the caller's descriptor `target` by `fd`; the call stays unanswered.
  bool Replace(int fd, int target, bool close_on_exec) const;

 private:
  std::shared_ptr<Listener> listener_;
  seccomp_notif notification_;
  OwnedFd file_;
  ContainerSocket* socket_ = nullptr;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_INTERCEPT_CALL_H_
