// The handlers behind the table of server.cc. Private to calls/.
#ifndef MOAT_SENTRY_CALLS_HANDLERS_H_
#define MOAT_SENTRY_CALLS_HANDLERS_H_

#include "sentry/intercept/call.h"
#include "sentry/intercept/reply.h"
#include "sentry/sandbox.h"
#include "sentry/socket/container_socket.h"

namespace moat::sentry {

// socket(2): the only call that does not start from a descriptor.
Reply ServeSocket(Sandbox& sandbox, Call& call);

// All others: `socket` is the sandbox's socket behind argument 0, and call.file() its container
// end.
Reply ServeBind(ContainerSocket& socket, Call& call);
Reply ServeConnect(ContainerSocket& socket, Call& call);
Reply ServeListen(ContainerSocket& socket, Call& call);
Reply ServeAccept(ContainerSocket& socket, Call& call);
Reply ServeAccept4(ContainerSocket& socket, Call& call);
Reply ServeShutdown(ContainerSocket& socket, Call& call);
Reply ServeGetSockName(ContainerSocket& socket, Call& call);
Reply ServeGetPeerName(ContainerSocket& socket, Call& call);
Reply ServeGetSockOpt(ContainerSocket& socket, Call& call);
Reply ServeSetSockOpt(ContainerSocket& socket, Call& call);
Reply ServeIoctl(ContainerSocket& socket, Call& call);
Reply ServeSendTo(ContainerSocket& socket, Call& call);
Reply ServeSendMsg(ContainerSocket& socket, Call& call);
Reply ServeSendMMsg(ContainerSocket& socket, Call& call);
Reply ServeRecvFrom(ContainerSocket& socket, Call& call);
Reply ServeRecvMsg(ContainerSocket& socket, Call& call);
Reply ServeRecvMMsg(ContainerSocket& socket, Call& call);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_CALLS_HANDLERS_H_
