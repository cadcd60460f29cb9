#include "runtime/do/publish.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/owned_fd.h"
#include "runtime/do/relay.h"

namespace moat::runtime {
namespace {

constexpr int kBacklog = 512;

absl::Status BadPort(absl::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("--publish: \"", text,
                   "\" is not [ADDRESS:]HOST:CONTAINER[/tcp|/udp], with ports 1 to 65535"));
}

bool ParsePort(absl::string_view text, uint16_t* out) {
  uint32_t value = 0;
  if (!absl::SimpleAtoi(text, &value) || value < 1 || value > 65535) return false;
  *out = static_cast<uint16_t>(value);
  return true;
}

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

// The address to listen on. None given: IPv6's any address, which takes IPv4 too.
bool MakeAddress(const std::string& text, uint16_t port, bool v4_only, Address* out) {
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out->storage);
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out->storage);
  if (!v4_only && (text.empty() || ::inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1)) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    out->length = sizeof *v6;
    return true;
  }
  *out = Address();
  v4->sin_family = AF_INET;
  v4->sin_port = htons(port);
  out->length = sizeof *v4;
  return text.empty() || ::inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1;
}

absl::StatusOr<OwnedFd> Listen(const PublishedPort& port, bool v4_only) {
  Address address;
  if (!MakeAddress(port.address, port.host_port, v4_only, &address)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--publish: \"", port.address, "\" is not an address"));
  }
  const int type = (port.udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
  OwnedFd fd(::socket(address.storage.ss_family, type, 0));
  const int on = 1;
  const int off = 0;
  bool ok = fd.ok();
  if (ok && !port.udp) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (ok && address.storage.ss_family == AF_INET6) {
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  ok = ok &&
       ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.length) == 0;
  ok = ok && (port.udp || ::listen(fd.get(), kBacklog) == 0);
  if (ok) return fd;
  // A host without IPv6.
  if (port.address.empty() && !v4_only && errno == EAFNOSUPPORT) return Listen(port, true);
  return absl::ErrnoToStatus(errno, absl::StrCat("--publish: listen on port ", port.host_port,
                                                 port.udp ? "/udp" : "/tcp"));
}

int64_t NowMs() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

[[noreturn]] void Serve(std::vector<RelayPort> ports, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NAME, "moat-publish");
  if (::getppid() != parent) ::_exit(0);
  ::setsid();  // the terminal's signals are for the container
  // Whoever reads our caller's output must see its end when the container ends.
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; ++fd) ::dup2(null, fd);
  for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  Relay relay(std::move(ports));
  while (true) relay.RunOnce(static_cast<int>(kUdpIdleMs / 4), NowMs());
}

}  // namespace

absl::StatusOr<PublishedPort> ParsePublishedPort(absl::string_view text) {
  absl::string_view rest = text;
  PublishedPort port;
  port.udp = absl::ConsumeSuffix(&rest, "/udp");
  if (!port.udp) absl::ConsumeSuffix(&rest, "/tcp");
  size_t colon = rest.rfind(':');
  if (colon == absl::string_view::npos) return BadPort(text);
  if (!ParsePort(rest.substr(colon + 1), &port.container_port)) return BadPort(text);
  rest = rest.substr(0, colon);
  colon = rest.rfind(':');
  if (colon != absl::string_view::npos) {
    absl::string_view address = rest.substr(0, colon);
    rest = rest.substr(colon + 1);
    const bool v6 = absl::ConsumePrefix(&address, "[");
    if (v6 && !absl::ConsumeSuffix(&address, "]")) return BadPort(text);
    port.address = std::string(address);
    in6_addr ignored6;
    in_addr ignored4;
    const bool valid = v6 ? ::inet_pton(AF_INET6, port.address.c_str(), &ignored6) == 1
                          : ::inet_pton(AF_INET, port.address.c_str(), &ignored4) == 1;
    if (!valid) return BadPort(text);
  }
  if (!ParsePort(rest, &port.host_port)) return BadPort(text);
  return port;
}

absl::StatusOr<pid_t> StartPublisher(const std::vector<PublishedPort>& ports,
                                     const std::string& container_address) {
  if (ports.empty()) return 0;
  std::vector<RelayPort> relays;
  for (const PublishedPort& port : ports) {
    absl::StatusOr<OwnedFd> listener = Listen(port, false);
    if (!listener.ok()) return listener.status();
    RelayPort relay{.listener = *std::move(listener), .target = {}, .udp = port.udp};
    relay.target.sin_family = AF_INET;
    relay.target.sin_port = htons(port.container_port);
    if (::inet_pton(AF_INET, container_address.c_str(), &relay.target.sin_addr) != 1) {
      return absl::InvalidArgumentError("--publish: the container has no IPv4 address");
    }
    relays.push_back(std::move(relay));
  }
  const pid_t self = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return absl::ErrnoToStatus(errno, "--publish: fork");
  if (child == 0) Serve(std::move(relays), self);
  return child;
}

}  // namespace moat::runtime
