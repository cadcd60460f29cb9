#include "conform/agent/agent.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <sstream>
#include <vector>

#include "conform/agent/socket_options.h"

namespace moat::conform {
namespace {

using Words = std::istringstream;

std::string Answer(int result) { return std::to_string(result < 0 ? -errno : result); }

bool ReadAddress(const SocketCalls& calls, Words& words, sockaddr_storage* out, socklen_t* size) {
  std::string ip;
  int port = 0;
  if (!(words >> ip >> port)) return false;
  return MakeAddress(calls, ip, port, out, size);
}

std::string FormatAddress(const sockaddr_storage& from) {
  char text[INET6_ADDRSTRLEN] = "";
  if (from.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(from);
    inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text));
    return std::string(" ") + text + " " + std::to_string(ntohs(in.sin_port));
  }
  if (from.ss_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(from);
    inet_ntop(AF_INET6, &in.sin6_addr, text, sizeof(text));
    return std::string(" ") + text + " " + std::to_string(ntohs(in.sin6_port));
  }
  return "";
}

std::string Open(const SocketCalls& calls, Words& words) {
  std::string type, version;
  words >> type >> version;
  const bool v6 = version == "6";
  const int kind = type == "tcp" ? SOCK_STREAM : SOCK_DGRAM;
  const int protocol = type != "ping" ? 0 : v6 ? int{IPPROTO_ICMPV6} : int{IPPROTO_ICMP};
  return Answer(calls.open(v6 ? AF_INET6 : AF_INET, kind, protocol));
}

using AddressCall = int (*)(int, const sockaddr*, socklen_t);

std::string WithAddress(const SocketCalls& calls, Words& words, AddressCall call) {
  int id = -1;
  sockaddr_storage address;
  socklen_t size = 0;
  if (!(words >> id) || !ReadAddress(calls, words, &address, &size)) return std::to_string(-EINVAL);
  return Answer(call(id, reinterpret_cast<sockaddr*>(&address), size));
}
std::string Bind(const SocketCalls& calls, Words& words) {
  return WithAddress(calls, words, calls.bind);
}
std::string Connect(const SocketCalls& calls, Words& words) {
  return WithAddress(calls, words, calls.connect);
}

std::string Listen(const SocketCalls& calls, Words& words) {
  int id = -1, backlog = 0;
  words >> id >> backlog;
  return Answer(calls.listen(id, backlog));
}

std::string Accept(const SocketCalls& calls, Words& words) {
  int id = -1;
  words >> id;
  return Answer(calls.accept(id));
}

std::string Send(const SocketCalls& calls, Words& words) {
  int id = -1, urgent = 0;
  std::string hex, data;
  if (!(words >> id >> urgent >> hex) || !FromHex(hex, &data)) return std::to_string(-EINVAL);
  const int flags = MSG_NOSIGNAL | (urgent != 0 ? MSG_OOB : 0);
  sockaddr_storage to;
  socklen_t size = 0;
  const bool addressed = ReadAddress(calls, words, &to, &size);
  const auto* address = addressed ? reinterpret_cast<const sockaddr*>(&to) : nullptr;
  return Answer(static_cast<int>(calls.sendto(id, data.data(), data.size(), flags, address, size)));
}

std::string Receive(const SocketCalls& calls, Words& words) {
  int id = -1;
  size_t size = 0;
  if (!(words >> id >> size)) return std::to_string(-EINVAL);
  std::vector<unsigned char> buffer(std::min<size_t>(size, 1 << 20));
  sockaddr_storage from{};
  socklen_t from_size = sizeof(from);
  const ssize_t n = calls.recvfrom(id, buffer.data(), buffer.size(), 0,
                                   reinterpret_cast<sockaddr*>(&from), &from_size);
  if (n < 0) return std::to_string(-errno);
  return std::to_string(n) + " " + ToHex(buffer.data(), static_cast<size_t>(n)) +
         (from_size == 0 ? "" : FormatAddress(from));
}

std::string Shutdown(const SocketCalls& calls, Words& words) {
  int id = -1, how = 0;
  words >> id >> how;
  return Answer(calls.shutdown(id, how));
}

std::string Close(const SocketCalls& calls, Words& words) {
  int id = -1;
  words >> id;
  return Answer(calls.close(id));
}

std::string SetOption(const SocketCalls& calls, Words& words) {
  int id = -1, option = 0, value = 0;
  words >> id >> option >> value;
  return Answer(SetSocketOption(calls, id, option, value));
}

std::string TakeError(const SocketCalls& calls, Words& words) {
  int id = -1, error = 0;
  words >> id;
  socklen_t size = sizeof(error);
  if (calls.getsockopt(id, SOL_SOCKET, SO_ERROR, &error, &size) < 0) return std::to_string(-errno);
  return std::to_string(error);
}

std::string Port(const SocketCalls& calls, Words& words) {
  int id = -1;
  words >> id;
  sockaddr_storage local{};
  socklen_t size = sizeof(local);
  if (calls.getsockname(id, reinterpret_cast<sockaddr*>(&local), &size) < 0) {
    return std::to_string(-errno);
  }
  return std::to_string(ntohs(reinterpret_cast<sockaddr_in&>(local).sin_port));
}

std::string Filter(const SocketCalls& calls, Words& words) {
  int id = -1, port = 0, exclude = 0;
  std::string group;
  if (!(words >> id >> group >> port >> exclude)) return std::to_string(-EINVAL);
  std::vector<std::string> sources;
  for (std::string source; words >> source;) sources.push_back(source);
  return Answer(calls.set_filter(id, group, port, exclude != 0, sources));
}

struct Row {
  const char* verb;
  std::string (*run)(const SocketCalls&, Words&);
};
constexpr Row kVerbs[] = {
    {"open", Open},     {"bind", Bind},         {"connect", Connect}, {"listen", Listen},
    {"accept", Accept}, {"send", Send},         {"recv", Receive},    {"shutdown", Shutdown},
    {"close", Close},   {"option", SetOption},  {"error", TakeError}, {"port", Port},
    {"filter", Filter},
};

}  // namespace

bool MakeAddress(const SocketCalls& calls, const std::string& ip, int port, sockaddr_storage* out,
                 socklen_t* size) {
  std::memset(out, 0, sizeof(*out));
  auto* in6 = reinterpret_cast<sockaddr_in6*>(out);
  auto* in4 = reinterpret_cast<sockaddr_in*>(out);
  if (inet_pton(AF_INET, ip.c_str(), &in4->sin_addr) == 1) {
    in4->sin_family = AF_INET;
    in4->sin_port = htons(static_cast<uint16_t>(port));
    *size = sizeof(*in4);
    return true;
  }
  if (inet_pton(AF_INET6, ip.c_str(), &in6->sin6_addr) != 1) return false;
  in6->sin6_family = AF_INET6;
  in6->sin6_port = htons(static_cast<uint16_t>(port));
  // Link-local addresses are those of the first port.
  if (IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr) || IN6_IS_ADDR_MC_LINKLOCAL(&in6->sin6_addr)) {
    in6->sin6_scope_id = static_cast<uint32_t>(calls.interface_of(0));
  }
  *size = sizeof(*in6);
  return true;
}

std::string ToHex(const unsigned char* data, size_t size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  if (size == 0) return "-";
  std::string text;
  text.reserve(2 * size);
  for (size_t i = 0; i < size; ++i) {
    text += kDigits[data[i] >> 4];
    text += kDigits[data[i] & 15];
  }
  return text;
}

bool FromHex(const std::string& text, std::string* out) {
  out->clear();
  if (text == "-") return true;
  if (text.size() % 2 != 0) return false;
  for (size_t i = 0; i < text.size(); i += 2) {
    char* end = nullptr;
    const std::string digits = text.substr(i, 2);
    *out += static_cast<char>(std::strtoul(digits.c_str(), &end, 16));
    if (*end != 0) return false;
  }
  return true;
}

std::string AgentAnswer(const SocketCalls& calls, const std::string& line) {
  Words words(line);
  std::string verb;
  words >> verb;
  for (const Row& row : kVerbs) {
    if (verb == row.verb) return row.run(calls, words);
  }
  return std::to_string(-ENOSYS);
}

int AgentMain(const std::function<std::string(const std::string&)>& answer) {
  signal(SIGPIPE, SIG_IGN);
  std::ios::sync_with_stdio(false);
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) std::cout << answer(line) << std::endl;
  return 0;
}

}  // namespace moat::conform
