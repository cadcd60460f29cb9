#include "conform/agent/agent.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <vector>

#include "conform/agent/socket_options.h"

namespace moat::conform {
namespace {

using Words = std::istringstream;

std::string Answer(int result) { return std::to_string(result < 0 ? -errno : result); }

bool ReadAddress(Words& words, sockaddr_storage* out, socklen_t* size) {
  std::string ip;
  int port = 0;
  if (!(words >> ip >> port)) return false;
  return MakeAddress(ip, port, out, size);
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

std::string Open(Words& words) {
  std::string type, version;
  words >> type >> version;
  const bool v6 = version == "6";
  const int kind = type == "tcp" ? SOCK_STREAM : SOCK_DGRAM;
  const int protocol = type != "ping" ? 0 : v6 ? int{IPPROTO_ICMPV6} : int{IPPROTO_ICMP};
  return Answer(socket(v6 ? AF_INET6 : AF_INET, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
}

using AddressCall = int (*)(int, const sockaddr*, socklen_t);

std::string WithAddress(Words& words, AddressCall call) {
  int id = -1;
  sockaddr_storage address;
  socklen_t size = 0;
  if (!(words >> id) || !ReadAddress(words, &address, &size)) return std::to_string(-EINVAL);
  return Answer(call(id, reinterpret_cast<sockaddr*>(&address), size));
}
std::string Bind(Words& words) { return WithAddress(words, ::bind); }
std::string Connect(Words& words) { return WithAddress(words, ::connect); }

std::string Listen(Words& words) {
  int id = -1, backlog = 0;
  words >> id >> backlog;
  return Answer(listen(id, backlog));
}

std::string Accept(Words& words) {
  int id = -1;
  words >> id;
  return Answer(accept4(id, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

std::string Send(Words& words) {
  int id = -1, urgent = 0;
  std::string hex, data;
  if (!(words >> id >> urgent >> hex) || !FromHex(hex, &data)) return std::to_string(-EINVAL);
  const int flags = MSG_NOSIGNAL | (urgent != 0 ? MSG_OOB : 0);
  sockaddr_storage to;
  socklen_t size = 0;
  const bool addressed = ReadAddress(words, &to, &size);
  const auto* address = addressed ? reinterpret_cast<const sockaddr*>(&to) : nullptr;
  return Answer(static_cast<int>(sendto(id, data.data(), data.size(), flags, address, size)));
}

std::string Receive(Words& words) {
  int id = -1;
  size_t size = 0;
  if (!(words >> id >> size)) return std::to_string(-EINVAL);
  std::vector<unsigned char> buffer(std::min<size_t>(size, 1 << 20));
  sockaddr_storage from{};
  socklen_t from_size = sizeof(from);
  const ssize_t n = recvfrom(id, buffer.data(), buffer.size(), 0,
                             reinterpret_cast<sockaddr*>(&from), &from_size);
  if (n < 0) return std::to_string(-errno);
  return std::to_string(n) + " " + ToHex(buffer.data(), static_cast<size_t>(n)) +
         (from_size == 0 ? "" : FormatAddress(from));
}

std::string Shutdown(Words& words) {
  int id = -1, how = 0;
  words >> id >> how;
  return Answer(shutdown(id, how));
}

std::string Close(Words& words) {
  int id = -1;
  words >> id;
  return id <= 2 ? std::to_string(-EBADF) : Answer(close(id));
}

std::string SetOption(Words& words) {
  int id = -1, option = 0, value = 0;
  words >> id >> option >> value;
  return Answer(SetSocketOption(id, option, value));
}

std::string TakeError(Words& words) {
  int id = -1, error = 0;
  words >> id;
  socklen_t size = sizeof(error);
  if (getsockopt(id, SOL_SOCKET, SO_ERROR, &error, &size) < 0) return std::to_string(-errno);
  return std::to_string(error);
}

std::string Port(Words& words) {
  int id = -1;
  words >> id;
  sockaddr_storage local{};
  socklen_t size = sizeof(local);
  if (getsockname(id, reinterpret_cast<sockaddr*>(&local), &size) < 0) {
    return std::to_string(-errno);
  }
  return std::to_string(ntohs(reinterpret_cast<sockaddr_in&>(local).sin_port));
}

std::string Filter(Words& words) {
  int id = -1, port = 0, exclude = 0;
  std::string group;
  if (!(words >> id >> group >> port >> exclude)) return std::to_string(-EINVAL);
  std::vector<std::string> sources;
  for (std::string source; words >> source;) sources.push_back(source);
  return Answer(SetGroupFilter(id, group, port, exclude != 0, sources));
}

struct Row {
  const char* verb;
  std::string (*run)(Words&);
};
constexpr Row kVerbs[] = {
    {"open", Open},     {"bind", Bind},         {"connect", Connect}, {"listen", Listen},
    {"accept", Accept}, {"send", Send},         {"recv", Receive},    {"shutdown", Shutdown},
    {"close", Close},   {"option", SetOption},  {"error", TakeError}, {"port", Port},
    {"filter", Filter},
};

}  // namespace

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

std::string AgentAnswer(const std::string& line) {
  Words words(line);
  std::string verb;
  words >> verb;
  for (const Row& row : kVerbs) {
    if (verb == row.verb) return row.run(words);
  }
  return std::to_string(-ENOSYS);
}

int AgentMain() {
  signal(SIGPIPE, SIG_IGN);
  std::ios::sync_with_stdio(false);
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << AgentAnswer(line) << std::endl;
  }
  return 0;
}

}  // namespace moat::conform
