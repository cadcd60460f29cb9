// The program inside a device: makes the socket calls that a case asks for. It reads one request a
// line from standard input and writes one answer a line to standard output, until the input ends;
// so it runs wherever a static program runs (a namespace, a container of any runtime). An adapter
// for a stack without processes speaks the same lines.
//
//   open tcp|udp|ping 4|6         -> ID
//   bind|connect ID IP PORT       -> 0
//   listen ID BACKLOG             -> 0
//   accept ID                     -> ID
//   send ID URGENT HEX [IP PORT]  -> BYTES           (HEX "-": nothing)
//   recv ID SIZE                  -> BYTES HEX [IP PORT]
//   shutdown ID 0|1|2             -> 0
//   close ID                      -> 0
//   option ID OPTION VALUE        -> 0               (the number of Option in bench/device.h)
//   error ID                      -> ERRNO           (SO_ERROR)
//   port ID                       -> PORT
//   filter ID GROUP PORT EXCLUDE [SOURCE...] -> 0
//
// A negative answer is a negative errno. All sockets are non-blocking.
#ifndef MOAT_CONFORM_AGENT_AGENT_H_
#define MOAT_CONFORM_AGENT_AGENT_H_

#include <sys/socket.h>

#include <functional>
#include <string>
#include <vector>

namespace moat::conform {

// The socket calls of the stack that the agent is for, as the manual pages have them: -1 and errno.
// What the stack does not know fails with ENOSYS. New sockets are non-blocking.
struct SocketCalls {
  int (*open)(int family, int type, int protocol);
  int (*bind)(int, const sockaddr*, socklen_t);
  int (*connect)(int, const sockaddr*, socklen_t);
  int (*listen)(int, int);
  int (*accept)(int);
  ssize_t (*sendto)(int, const void*, size_t, int, const sockaddr*, socklen_t);
  ssize_t (*recvfrom)(int, void*, size_t, int, sockaddr*, socklen_t*);
  int (*shutdown)(int, int);
  int (*close)(int);
  int (*setsockopt)(int, int, int, const void*, socklen_t);
  int (*getsockopt)(int, int, int, void*, socklen_t*);
  int (*getsockname)(int, sockaddr*, socklen_t*);
  int (*interface_of)(int port);  // the index of ethN; 0: there is none
  int (*set_filter)(int, const std::string& group, int port, bool exclude,
                    const std::vector<std::string>& sources);
};
const SocketCalls& KernelSockets();  // of the namespace that the agent is in

// Answers each line of standard input; the exit code.
int AgentMain(const std::function<std::string(const std::string& line)>& answer);
// One request.
std::string AgentAnswer(const SocketCalls& calls, const std::string& line);

// False when `ip` is no address.
bool MakeAddress(const SocketCalls& calls, const std::string& ip, int port, sockaddr_storage* out,
                 socklen_t* size);

// Bytes as text.
std::string ToHex(const unsigned char* data, size_t size);
bool FromHex(const std::string& text, std::string* out);

}  // namespace moat::conform

#endif  // MOAT_CONFORM_AGENT_AGENT_H_
