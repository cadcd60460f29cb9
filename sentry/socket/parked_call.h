// A blocking call that waits for its socket. Its caller may be taken away by a signal at any time,
// which nobody announces: that is found when the call is tried again, when its thread makes another
// call, or when the Sandbox sweeps.
#ifndef MOAT_SENTRY_SOCKET_PARKED_CALL_H_
#define MOAT_SENTRY_SOCKET_PARKED_CALL_H_

#include <memory>

#include "netstack/base/timer.h"
#include "sentry/intercept/call.h"

namespace moat::sentry {

class ContainerSocket;

struct ParkedCall {
  ParkedCall(netstack::TimerQueue& timers, netstack::Timer::Handler on_timeout,
             ContainerSocket* waits_for, const Call& waiting)
      : socket(waits_for),
        call(waiting.listener(), waiting.notification()),
        timer(timers, on_timeout, this) {}

  ContainerSocket* socket;
  Call call;              // without its file: a waiting call must not keep the socket open
  int64_t timeout_value;  // the result when the time is over
  netstack::Timer timer;  // armed only for SO_RCVTIMEO and SO_SNDTIMEO
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_SOCKET_PARKED_CALL_H_
