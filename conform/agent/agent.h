// The program inside a device: makes the socket calls that a case asks for. It reads one request a line
// from standard input and writes one answer a line to standard output, until the input ends; so it runs
// wherever a static program runs (a namespace, a container of any runtime). An adapter for a stack
// without processes speaks the same lines.
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

#include <string>

namespace moat::conform {

int AgentMain();                             // the exit code
std::string AgentAnswer(const std::string& line);  // one request; for AgentMain() and its test

// Bytes as text.
std::string ToHex(const unsigned char* data, size_t size);
bool FromHex(const std::string& text, std::string* out);

}  // namespace moat::conform

#endif  // MOAT_CONFORM_AGENT_AGENT_H_
