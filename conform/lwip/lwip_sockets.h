// lwIP's socket calls, for the agent.
#ifndef MOAT_CONFORM_LWIP_LWIP_SOCKETS_H_
#define MOAT_CONFORM_LWIP_LWIP_SOCKETS_H_

#include "conform/agent/agent.h"

namespace moat::conform {

const SocketCalls& LwipSockets();

}  // namespace moat::conform

#endif  // MOAT_CONFORM_LWIP_LWIP_SOCKETS_H_
