// From a notification to its handler: one table by system call number.
//
// A handler reads the arguments out of the container's memory once, into typed values, asks whether
// the call is still valid, and only then acts on the socket.
#ifndef MOAT_SENTRY_CALLS_SERVER_H_
#define MOAT_SENTRY_CALLS_SERVER_H_

#include "sentry/intercept/call.h"
#include "sentry/intercept/reply.h"
#include "sentry/sandbox.h"

namespace moat::sentry {

// Carries one call out, with the sandbox's lock held. A Sandbox::Server.
Reply ServeCall(Sandbox& sandbox, Call& call);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_CALLS_SERVER_H_
