// What the agent does with setsockopt(2). As it: -1 and errno.
#ifndef MOAT_CONFORM_AGENT_SOCKET_OPTIONS_H_
#define MOAT_CONFORM_AGENT_SOCKET_OPTIONS_H_

#include <sys/socket.h>

#include <string>
#include <vector>

namespace moat::conform {

bool MakeAddress(const std::string& ip, int port, sockaddr_storage* out, socklen_t* size);

// `option` is the number of an Option of bench/device.h; ENOSYS for what is none.
int SetSocketOption(int socket, int option, int value);

// Port n is the interface ethN. Excluding nothing joins the group; including nothing leaves it.
int SetGroupFilter(int socket, const std::string& group, int port, bool exclude,
                   const std::vector<std::string>& sources);

}  // namespace moat::conform

#endif  // MOAT_CONFORM_AGENT_SOCKET_OPTIONS_H_
