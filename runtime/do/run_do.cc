#include "runtime/do/run_do.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "runtime/container/create.h"
#include "runtime/container/foreground.h"
#include "runtime/container/options.h"
#include "runtime/container/protect_binary.h"
#include "runtime/container/start.h"
#include "runtime/container/teardown.h"
#include "runtime/do/config.h"
#include "runtime/do/do_init.h"
#include "runtime/do/janitor.h"
#include "runtime/do/network.h"
#include "runtime/do/overlay.h"
#include "runtime/log/log.h"
#include "runtime/state/container_dir.h"

extern char** environ;

namespace moat::runtime {
namespace {

std::string MakeId() {
  uint32_t bits = 0;
  if (::getrandom(&bits, sizeof bits, 0) != sizeof bits) bits = static_cast<uint32_t>(::getpid());
  return absl::StrCat("do-", absl::Hex(bits, absl::kZeroPad8));
}

// A directory that is a mount point in this process's namespace and empty in the host's.
class WorkDirectory {
 public:
  absl::Status Make(Janitor& janitor) {
    std::string name = "/tmp/moat-do-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) return absl::ErrnoToStatus(errno, "make /tmp/moat-do-*");
    path_ = name;
    janitor.NoteDirectory(path_);
    return absl::OkStatus();
  }
  ~WorkDirectory() {
    if (path_.empty()) return;
    ::umount2(path_.c_str(), MNT_DETACH);
    ::rmdir(path_.c_str());
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// The process behind published ports, ended with its owner.
class Publisher {
 public:
  explicit Publisher(pid_t pid) : pid_(pid) {
    if (pid_ > 0) process_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  }
  ~Publisher() {
    if (!process_.ok()) return;
    ::syscall(SYS_pidfd_send_signal, process_.get(), SIGKILL, nullptr, 0);
    ::waitpid(pid_, nullptr, 0);
  }
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

 private:
  pid_t pid_;
  OwnedFd process_;
};

std::string Lines(const DoNetwork& network) {
  std::string text;
  if (network.ipv4()) absl::StrAppend(&text, network.ipv4()->container.Address(), "\n");
  if (network.ipv6()) absl::StrAppend(&text, network.ipv6()->container.Address(), "\n");
  return text;
}

absl::Status WriteText(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::trunc);
  out << text;
  out.close();
  if (out.good()) return absl::OkStatus();
  return absl::ErrnoToStatus(errno == 0 ? EIO : errno, absl::StrCat("write ", path));
}

// A reader sees no file or a whole one.
absl::Status WriteIpFile(const std::string& path, const DoNetwork& network) {
  const std::string temporary = absl::StrCat(path, ".", ::getpid());
  absl::Status status = WriteText(temporary, Lines(network));
  if (status.ok() && ::rename(temporary.c_str(), path.c_str()) != 0) {
    status = absl::ErrnoToStatus(errno, absl::StrCat("--ip-file: write ", path));
  }
  if (!status.ok()) ::unlink(temporary.c_str());
  return status;
}

void Tell(const std::string& id, const DoNetwork& network) {
  std::string text =
      absl::StrCat("moat do: container ", id, ", host interface ", network.host_interface(), "\n");
  for (const std::optional<IpPair>& pair : {network.ipv4(), network.ipv6()}) {
    if (!pair) continue;
    absl::StrAppend(&text, "moat do: container ", pair->container.ToString(), ", host ",
                    pair->host.ToString(), "\n");
  }
  ::fputs(text.c_str(), stderr);
}

DoConfig MakeConfig(const DoOptions& options, const std::string& id, const DoNetwork& network) {
  DoConfig config;
  config.args = options.command;
  config.hostname = options.hostname.empty() ? id : options.hostname;
  config.cwd = options.cwd;
  if (config.cwd.empty() && options.root == "/") {
    std::error_code error;
    config.cwd = std::filesystem::current_path(error).string();
  }
  if (config.cwd.empty()) config.cwd = "/";
  for (char** entry = environ; *entry != nullptr; ++entry) config.environment.push_back(*entry);
  config.environment.insert(config.environment.end(), options.environment.begin(),
                            options.environment.end());
  // The namespace has no name; this descriptor stays open until the end.
  config.network_namespace = absl::StrCat("/proc/", ::getpid(), "/fd/", network.namespace_fd());
  config.terminal = !options.no_tty && ::isatty(STDIN_FILENO) && ::isatty(STDOUT_FILENO);
  config.annotations["moat.do.interface"] = network.host_interface();
  if (network.ipv4()) config.annotations["moat.do.ipv4"] = network.ipv4()->container.Address();
  if (network.ipv6()) config.annotations["moat.do.ipv6"] = network.ipv6()->container.Address();
  return config;
}

// Until the init (do_init.h) has blocked the signals that it hands on. One that comes between its
// start and that would be lost: the kernel drops what the first process of a PID namespace does not
// handle.
void WaitForInit(pid_t pid) {
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  while (absl::Now() < deadline) {
    std::string name;
    // Gone, or ready: it gives itself its name when it is.
    if (!(std::ifstream(absl::StrCat("/proc/", pid, "/comm")) >> name) || name == kDoInitName)
      return;
    absl::SleepFor(absl::Microseconds(100));
  }
}

absl::StatusOr<int> RunContainer(const CreateOptions& options, bool has_init,
                                 Foreground& foreground) {
  absl::StatusOr<CreatedContainer> container = CreateContainer(options);
  if (!container.ok()) return container.status();
  absl::StatusOr<int> code = 0;
  if (absl::Status started = StartThroughChannel(*container); started.ok()) {
    container->dir.Unlock();  // others may look at it from now on
    if (has_init) WaitForInit(container->state.init.pid);
    code = foreground.Wait(container->state.init.pid, std::move(container->terminal));
  } else {
    code = started;
  }
  const absl::Status destroyed = DestroyContainer(container->dir, container->state);
  if (!destroyed.ok()) Log(LogLevel::kWarning, destroyed.message());
  return code;
}

// The file of this program. ProtectBinary() runs it again from a mount or memory that has no path,
// so the path is found before and handed over in the environment.
constexpr char kBinaryVariable[] = "MOAT_DO_BINARY";

std::string FindBinary() {
  if (const char* known = ::getenv(kBinaryVariable)) return known;
  char resolved[PATH_MAX];
  if (::realpath("/proc/self/exe", resolved) == nullptr) return "";
  ::setenv(kBinaryVariable, resolved, 1);
  return resolved;
}

absl::Status CheckRoot(const std::string& root) {
  struct stat st;
  if (::stat(root.c_str(), &st) != 0)
    return absl::ErrnoToStatus(errno, absl::StrCat("--rootfs ", root));
  if (!S_ISDIR(st.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat("--rootfs ", root, ": not a directory"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<int> RunDo(const Globals& globals, const DoOptions& options) {
  absl::Status status = CheckPrivileges();
  if (status.ok()) status = CheckRoot(options.root);
  if (!status.ok()) return status;
  const std::string binary = FindBinary();
  if (status = ProtectBinary(); !status.ok()) return status;
  ::unsetenv(kBinaryVariable);
  const std::string id = options.id.empty() ? MakeId() : options.id;
  if (status = CheckContainerId(id); !status.ok()) return status;
  // The janitor must not take somebody else's container for ours.
  if (ContainerDir::Open(globals.root, id).ok()) {
    return absl::AlreadyExistsError(absl::StrCat("container with id ", id, " exists already"));
  }

  // From here on signals wait for the container, so that none interrupts the making or the
  // unmaking. What is declared later is undone earlier; the janitor stands by until all is undone.
  Foreground foreground(/*reap_orphans=*/true);
  absl::StatusOr<Janitor> janitor = Janitor::Start();
  if (!janitor.ok()) return janitor.status();
  WorkDirectory work;
  if (status = work.Make(*janitor); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<DoNetwork>> network =
      DoNetwork::Create({.ipv4 = options.ipv4, .ipv6 = options.ipv6, .forward = options.forward});
  if (!network.ok()) return network.status();
  janitor->NoteInterface((*network)->host_interface());
  const absl::StatusOr<pid_t> serving = StartPublisher(
      options.ports, (*network)->ipv4() ? (*network)->ipv4()->container.Address() : "");
  if (!serving.ok()) return serving.status();
  Publisher publisher(*serving);

  DoConfig config = MakeConfig(options, id, **network);
  if (::access(binary.c_str(), X_OK) == 0) config.init = binary;
  const absl::StatusOr<std::string> root = BuildOverlay(options.root, work.path());
  if (!root.ok()) return root.status();
  config.root = *root;
  status = WriteText(work.path() + "/config.json", MakeDoConfig(config).dump());
  if (!status.ok()) return status;

  if (options.verbose) Tell(id, **network);
  if (!options.ip_file.empty()) {
    janitor->NoteFile(options.ip_file);
    if (status = WriteIpFile(options.ip_file, **network); !status.ok()) return status;
  }
  janitor->NoteContainer(globals.root, id);
  CreateOptions create;
  create.root = globals.root;
  create.id = id;
  create.bundle = work.path();
  create.systemd_cgroup = false;
  create.debug = globals.debug;
  create.await_start = false;
  const absl::StatusOr<int> code = RunContainer(create, !config.init.empty(), foreground);
  if (!options.ip_file.empty()) ::unlink(options.ip_file.c_str());
  return code;
}

}  // namespace moat::runtime
