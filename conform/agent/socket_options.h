// What the agent does with setsockopt(2). As it: -1 and errno.
#ifndef MOAT_CONFORM_AGENT_SOCKET_OPTIONS_H_
#define MOAT_CONFORM_AGENT_SOCKET_OPTIONS_H_

#include <string>
#include <vector>

#include "conform/agent/agent.h"

namespace moat::conform {

// `option` is the number of an Option of bench/device.h; ENOSYS for what is none.
int SetSocketOption(const SocketCalls& calls, int socket, int option, int value);

// The kernel's. Port n is the interface ethN.
int InterfaceOf(int port);
// Excluding nothing joins the group; including nothing leaves it.
int SetGroupFilter(int socket, const std::string& group, int port, bool exclude,
                   const std::vector<std::string>& sources);

}  // namespace moat::conform

#endif  // MOAT_CONFORM_AGENT_SOCKET_OPTIONS_H_
