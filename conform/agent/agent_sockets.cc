#include "conform/agent/agent_sockets.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <sstream>

#include "conform/agent/agent.h"

namespace moat::conform {
namespace {

constexpr int kAnswerTimeoutMs = 20000;

std::string Text(const Endpoint& endpoint) {
  return " " + endpoint.ip.ToString() + " " + std::to_string(endpoint.port);
}
std::string Text(int number) { return " " + std::to_string(number); }

}  // namespace

AgentSockets::~AgentSockets() { DetachAgent(); }

bool AgentSockets::AttachAgent(int to_agent, int from_agent, int timeout_ms) {
  to_agent_ = to_agent;
  from_agent_ = from_agent;
  std::string line;
  return ReadLine(&line, timeout_ms) && line == "ready";
}

void AgentSockets::DetachAgent() {
  for (int* fd : {&to_agent_, &from_agent_}) {
    if (*fd >= 0) close(*fd);
    *fd = -1;
  }
}

bool AgentSockets::ReadLine(std::string* line, int timeout_ms) {
  while (true) {
    if (const size_t end = buffer_.find('\n'); end != buffer_.npos) {
      *line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return true;
    }
    pollfd readable{from_agent_, POLLIN, 0};
    if (poll(&readable, 1, timeout_ms) <= 0) return false;
    char piece[65536];
    const ssize_t n = read(from_agent_, piece, sizeof(piece));
    if (n <= 0) return false;
    buffer_.append(piece, static_cast<size_t>(n));
  }
}

std::string AgentSockets::Ask(const std::string& line) {
  const std::string request = line + "\n";
  for (size_t sent = 0; sent < request.size();) {
    const ssize_t n = write(to_agent_, request.data() + sent, request.size() - sent);
    if (n <= 0) return "";
    sent += static_cast<size_t>(n);
  }
  std::string answer;
  return ReadLine(&answer, kAnswerTimeoutMs) ? answer : "";
}

int AgentSockets::AskNumber(const std::string& line) {
  const std::string answer = Ask(line);
  return answer.empty() ? -EPIPE : std::atoi(answer.c_str());
}

int AgentSockets::Open(SocketType type, bool v6) {
  static constexpr const char* kTypes[] = {"tcp", "udp", "ping"};
  return AskNumber(std::string("open ") + kTypes[static_cast<int>(type)] + (v6 ? " 6" : " 4"));
}
int AgentSockets::Bind(int socket, const Endpoint& local) {
  return AskNumber("bind" + Text(socket) + Text(local));
}
int AgentSockets::Connect(int socket, const Endpoint& remote) {
  return AskNumber("connect" + Text(socket) + Text(remote));
}
int AgentSockets::Listen(int socket, int backlog) {
  return AskNumber("listen" + Text(socket) + Text(backlog));
}
int AgentSockets::Accept(int socket) { return AskNumber("accept" + Text(socket)); }

int AgentSockets::Send(int socket, const Bytes& data, const std::optional<Endpoint>& to,
                       bool urgent) {
  std::string line = "send" + Text(socket) + Text(urgent ? 1 : 0) + " " +
                     ToHex(data.data(), data.size());
  if (to.has_value()) line += Text(*to);
  return AskNumber(line);
}

int AgentSockets::Receive(int socket, size_t size, Received* received) {
  std::istringstream answer(Ask("recv" + Text(socket) + " " + std::to_string(size)));
  int result = -EPIPE;
  std::string hex, data, ip;
  answer >> result >> hex;
  if (result < 0 || !FromHex(hex, &data)) return result;
  received->data.assign(data.begin(), data.end());
  if (answer >> ip >> received->from.port) received->from.ip = Ip(ip);
  return result;
}

int AgentSockets::Shutdown(int socket, ShutdownHow how) {
  return AskNumber("shutdown" + Text(socket) + Text(static_cast<int>(how)));
}
int AgentSockets::Close(int socket) { return AskNumber("close" + Text(socket)); }
int AgentSockets::SetOption(int socket, Option option, int value) {
  return AskNumber("option" + Text(socket) + Text(static_cast<int>(option)) + Text(value));
}
int AgentSockets::TakeError(int socket) { return AskNumber("error" + Text(socket)); }
int AgentSockets::LocalPort(int socket) { return AskNumber("port" + Text(socket)); }

int AgentSockets::SetFilter(int socket, const Ip& group, int port, const SourceFilter& filter) {
  std::string line = "filter" + Text(socket) + " " + group.ToString() + Text(port) +
                     Text(filter.exclude ? 1 : 0);
  for (const Ip& source : filter.sources) line += " " + source.ToString();
  return AskNumber(line);
}

}  // namespace moat::conform
