// The tester's side of an agent: socket calls as lines to it. A dead agent answers -EPIPE.
#ifndef MOAT_CONFORM_AGENT_AGENT_SOCKETS_H_
#define MOAT_CONFORM_AGENT_AGENT_SOCKETS_H_

#include <string>

#include "conform/bench/device.h"

namespace moat::conform {

class AgentSockets : public Device {
 public:
  ~AgentSockets() override;
  int Open(SocketType type, bool v6) override;
  int Bind(int socket, const Endpoint& local) override;
  int Connect(int socket, const Endpoint& remote) override;
  int Listen(int socket, int backlog) override;
  int Accept(int socket) override;
  int Send(int socket, const Bytes& data, const std::optional<Endpoint>& to,
           bool urgent) override;
  int Receive(int socket, size_t size, Received* received) override;
  int Shutdown(int socket, ShutdownHow how) override;
  int Close(int socket) override;
  int SetOption(int socket, Option option, int value) override;
  int TakeError(int socket) override;
  int LocalPort(int socket) override;
  int SetFilter(int socket, const Ip& group, int port, const SourceFilter& filter) override;

 protected:
  // Takes over the descriptors. Waits for the agent's first word; false when it does not come.
  bool AttachAgent(int to_agent, int from_agent, int timeout_ms);
  void DetachAgent();
  int AskNumber(const std::string& line);  // -EPIPE when the agent is gone

 private:
  std::string Ask(const std::string& line);  // the answer, empty when the agent is gone
  bool ReadLine(std::string* line, int timeout_ms);

  int to_agent_ = -1, from_agent_ = -1;
  std::string buffer_;
};

}  // namespace moat::conform

#endif  // MOAT_CONFORM_AGENT_AGENT_SOCKETS_H_
