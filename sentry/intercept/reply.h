// What a handler decided about an intercepted call.
#ifndef MOAT_SENTRY_INTERCEPT_REPLY_H_
#define MOAT_SENTRY_INTERCEPT_REPLY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "base/owned_fd.h"
#include "netstack/base/time.h"

namespace moat::sentry {

class Reply {
 public:
  enum class Kind : uint8_t {
    kValue,     // the call returns value(): >= 0, or a negated errno
    kContinue,  // the kernel carries the call out itself
    kPark,      // it blocks: tried again when the socket's readiness changes
    kInstall,   // it returns a new descriptor for file()
    kNobody,    // the caller is gone: nothing to answer
  };

  static Reply Value(int64_t value) { return Reply(Kind::kValue, value); }
  static Reply Fail(int error) { return Reply(Kind::kValue, -static_cast<int64_t>(error)); }
  // The kernel reads the container's memory again: only where the effect needs no trust.
  static Reply Continue() { return Reply(Kind::kContinue, 0); }
  // Blocks for at most `timeout` since it was first parked (zero: for ever), then fails with
  // `timeout_error` (EAGAIN for SO_RCVTIMEO).
  static Reply Park(netstack::Duration timeout, int timeout_error) {
    Reply reply(Kind::kPark, -static_cast<int64_t>(timeout_error));
    reply.timeout_ = timeout;
    return reply;
  }
  // The caller gets a duplicate of `file` as its lowest free descriptor. The socket behind it has
  // been added to the sandbox already, because the caller may use the descriptor at once; OnLost()
  // undoes that.
  static Reply Install(std::shared_ptr<OwnedFd> file, bool close_on_exec, uint64_t cookie) {
    Reply reply(Kind::kInstall, 0);
    reply.file_ = std::move(file);
    reply.close_on_exec_ = close_on_exec;
    reply.cookie_ = cookie;
    return reply;
  }
  static Reply Nobody() { return Reply(Kind::kNobody, 0); }

  // What to do if the answer cannot be delivered because a signal took the call away: called with
  // the sandbox's lock held. Without it the answer is kept for the repetition of the same call
  // (ReplayCache), which is right for every call whose effect has happened.
  Reply&& OnLost(std::function<void()> undo) && {
    on_lost_ = std::move(undo);
    return std::move(*this);
  }

  Kind kind() const { return kind_; }
  int64_t value() const { return value_; }
  netstack::Duration timeout() const { return timeout_; }
  const std::function<void()>& on_lost() const { return on_lost_; }
  int file() const { return file_->get(); }
  bool close_on_exec() const { return close_on_exec_; }
  uint64_t cookie() const { return cookie_; }  // of the file to be installed

 private:
  Reply(Kind kind, int64_t value) : kind_(kind), value_(value) {}

  Kind kind_;
  int64_t value_;
  netstack::Duration timeout_{0};
  std::function<void()> on_lost_;
  std::shared_ptr<OwnedFd> file_;
  bool close_on_exec_ = false;
  uint64_t cookie_ = 0;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_INTERCEPT_REPLY_H_
