#include "conform/onwire/net_namespace.h"

#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace moat::conform {
namespace {

int WaitFor(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// The child's side of RunProgram: `in` and `out` become its streams.
[[noreturn]] void Exec(const std::vector<std::string>& words, int in, int out) {
  dup2(in, 0);
  dup2(out, 1);
  dup2(out, 2);
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  execvp(argv[0], argv.data());
  dprintf(2, "%s: %s", argv[0], std::strerror(errno));
  _exit(kNoProgram);
}

constexpr uint32_t kOffloads[] = {ETHTOOL_STXCSUM, ETHTOOL_SRXCSUM, ETHTOOL_STSO,
                                  ETHTOOL_SGSO,    ETHTOOL_SGRO,    ETHTOOL_SSG};

int TurnOffloadsOff(const std::string& interface) {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  ifreq request{};
  std::strncpy(request.ifr_name, interface.c_str(), IFNAMSIZ - 1);
  // Only what a link does not have fails; that leaves nothing to turn off.
  for (const uint32_t offload : kOffloads) {
    ethtool_value value{offload, 0};
    request.ifr_data = reinterpret_cast<char*>(&value);
    (void)ioctl(fd, SIOCETHTOOL, &request);
  }
  ethtool_value check{ETHTOOL_GTXCSUM, 1};
  request.ifr_data = reinterpret_cast<char*>(&check);
  const bool off = ioctl(fd, SIOCETHTOOL, &request) == 0 && check.data == 0;
  close(fd);
  return off ? 0 : 1;
}

}  // namespace

absl::Status NetNamespace::Enter() {
  if (unshare(CLONE_NEWNET) < 0) {
    return absl::ErrnoToStatus(errno, "cannot make a network namespace (root is needed)");
  }
  fd_ = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (fd_ < 0) return absl::ErrnoToStatus(errno, "cannot open /proc/self/ns/net");
  return absl::OkStatus();
}

NetNamespace::~NetNamespace() {
  if (fd_ >= 0) close(fd_);
}

int NetNamespace::Run(const std::function<int()>& work) const {
  const pid_t child = fork();
  if (child < 0) return -1;
  if (child == 0) _exit(setns(fd_, CLONE_NEWNET) < 0 ? 126 : work());
  return WaitFor(child);
}

absl::Status NetNamespace::Ip(const std::vector<std::string>& words) const {
  std::string line;
  for (const std::string& word : words) line += word + " ";
  return IpBatch(line + "\n");
}

absl::Status NetNamespace::IpBatch(const std::string& lines) const {
  std::string output;
  if (RunProgram({"ip", "-batch", "-"}, lines, &output, this) == 0) return absl::OkStatus();
  return absl::InternalError("ip: " + output + " in " + lines);
}

absl::Status NetNamespace::SetSysctl(std::string_view name, std::string_view value) const {
  std::string path = "/proc/sys/net/" + std::string(name);
  std::replace(path.begin() + 14, path.end(), '.', '/');
  const int code = Run([&] {
    const int fd = open(path.c_str(), O_WRONLY);
    if (fd < 0) return errno == ENOENT ? 1 : 3;
    return write(fd, value.data(), value.size()) < 0 ? 2 : 0;
  });
  if (code == 0) return absl::OkStatus();
  if (code == 1) return absl::UnimplementedError("there is no " + path);
  if (code != 2) return absl::InternalError(path + " cannot be written");
  return absl::InvalidArgumentError(path + " refused " + std::string(value));
}

absl::Status NetNamespace::DisableOffloads(const std::string& interface) const {
  if (Run([&] { return TurnOffloadsOff(interface); }) == 0) return absl::OkStatus();
  return absl::InternalError("cannot turn offloads off on " + interface);
}

int RunProgram(const std::vector<std::string>& words, const std::string& input,
               std::string* output, const NetNamespace* where) {
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) < 0) return -1;
  if (pipe2(out, O_CLOEXEC) < 0) return close(in[0]), close(in[1]), -1;
  const pid_t child = fork();
  if (child == 0) {
    if (where != nullptr && setns(where->fd(), CLONE_NEWNET) < 0) _exit(126);
    Exec(words, in[0], out[1]);
  }
  close(in[0]);
  close(out[1]);
  (void)!write(in[1], input.data(), input.size());  // a few lines: fits into the pipe
  close(in[1]);
  char piece[4096];
  for (ssize_t n; (n = read(out[0], piece, sizeof(piece))) > 0;) {
    output->append(piece, static_cast<size_t>(n));
  }
  close(out[0]);
  return child < 0 ? -1 : WaitFor(child);
}

}  // namespace moat::conform
