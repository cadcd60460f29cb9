// The container's process: loads the filter and hands its listener over. Async-signal-safe.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sentry/client.h"
#include "sentry/handover/protocol.h"
#include "sentry/intercept/filter.h"

namespace moat::sentry {

int InstallFilterAndHandOver(int handover_fd, const char** step) {
  const auto filter = InterceptionFilter();
  const sock_fprog program = {static_cast<unsigned short>(filter.size()),
                              const_cast<sock_filter*>(filter.data())};
  *step = "load the interception filter";
  const long listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
  if (listener < 0) return errno;
  *step = "announce the listener to the sentry";
  const ListenerNumber number = {static_cast<int32_t>(listener)};
  if (write(handover_fd, &number, sizeof(number)) != sizeof(number)) {
    const int error = errno;
    close(static_cast<int>(listener));
    return error;
  }
  *step = "wait for the sentry to take over";
  Verdict verdict;
  ssize_t size;
  while ((size = read(handover_fd, &verdict, sizeof(verdict))) < 0 && errno == EINTR) {
  }
  const int error = size == sizeof(verdict) ? verdict.error : size < 0 ? errno : ECONNRESET;
  close(static_cast<int>(listener));
  close(handover_fd);
  return error;
}

}  // namespace moat::sentry
