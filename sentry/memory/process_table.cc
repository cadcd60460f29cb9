#include "sentry/memory/process_table.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace moat::sentry {
namespace {

constexpr unsigned kPidfdThread = O_EXCL;  // PIDFD_THREAD, Linux 6.9
constexpr char kSameNumbers[] = "0 0 4294967295\n";

int OpenPidfd(pid_t process, unsigned flags) {
  return static_cast<int>(syscall(SYS_pidfd_open, process, flags));
}

int GetDescriptor(int pidfd, int descriptor) {
  return static_cast<int>(syscall(SYS_pidfd_getfd, pidfd, descriptor, 0));
}

// Names a user namespace; empty when it cannot be told.
std::string UserNamespaceOf(int proc, const std::string& process) {
  char name[64];
  const std::string path = process + "/ns/user";
  const ssize_t size = readlinkat(proc, path.c_str(), name, sizeof(name));
  return std::string(name, size > 0 ? static_cast<size_t>(size) : 0);
}

bool BelongsTo(pid_t thread, pid_t process) {
  // EPERM also means that the pair exists (check_kill_permission comes after the lookup).
  return syscall(SYS_tgkill, process, thread, 0) == 0 || errno == EPERM;
}

}  // namespace

ProcessTable::ProcessTable()
    : proc_(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC)), group_map_(kSameNumbers) {}

// "Tgid:" of /proc/<tid>/status; 0 when the thread is gone.
pid_t ProcessTable::ReadProcessOf(pid_t thread) const {
  char path[32];
  snprintf(path, sizeof(path), "%d/status", thread);
  OwnedFd file(openat(proc_.get(), path, O_RDONLY | O_CLOEXEC));
  if (!file.ok()) return 0;
  char text[1024];
  const ssize_t size = read(file.get(), text, sizeof(text) - 1);
  if (size <= 0) return 0;
  text[size] = '\0';
  const char* line = strstr(text, "\nTgid:");
  return line == nullptr ? 0 : static_cast<pid_t>(strtol(line + 6, nullptr, 10));
}

std::string ProcessTable::ReadFile(const std::string& process, const std::string& name) const {
  constexpr size_t kMost = 16 * 1024;
  const std::string path = process + "/" + name;
  OwnedFd file(openat(proc_.get(), path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  if (!file.ok()) return text;
  text.resize(kMost);
  const ssize_t size = read(file.get(), text.data(), text.size());
  text.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return text;
}

std::optional<Identity> ProcessTable::IdentityOf(pid_t thread) const {
  auto identity = ParseIdentity(ReadFile(std::to_string(thread), "status"));
  if (!identity.has_value()) return std::nullopt;
  const std::string users = ReadMap(std::to_string(thread), "uid_map");
  const std::string groups = ReadMap(std::to_string(thread), "gid_map");
  identity->uid = MapInside(users, identity->uid);
  identity->gid = MapInside(groups, identity->gid);
  for (uint32_t& group : identity->groups) group = MapInside(groups, group);
  return identity;
}

std::string ProcessTable::ReadMap(const std::string& process, const char* name) const {
  // A map is relative to the reader's namespace, but to the parent of it for one who is in it, too
  // (user_namespaces(7)).
  const std::string ours = UserNamespaceOf(proc_.get(), "self");
  if (!ours.empty() && ours == UserNamespaceOf(proc_.get(), process)) return kSameNumbers;
  return ReadFile(process, name);
}

void ProcessTable::UseGroupsOf(int pidfd) {
  // "Pid:" of pidfd_open(2)'s fdinfo; -1 once the process is gone.
  const std::string info = ReadFile("self", "fdinfo/" + std::to_string(pidfd));
  const size_t line = info.find("\nPid:\t");
  if (line == std::string::npos) return;
  const pid_t process = static_cast<pid_t>(strtol(info.c_str() + line + 6, nullptr, 10));
  if (process > 0) group_map_ = ReadMap(std::to_string(process), "gid_map");
}

bool ProcessTable::HasGroupWithin(pid_t thread, int64_t low, int64_t high) const {
  const auto identity = ParseIdentity(ReadFile(std::to_string(thread), "status"));
  return identity.has_value() && sentry::HasGroupWithin(*identity, group_map_, low, high);
}

bool ProcessTable::HasCloseOnExec(pid_t process, int descriptor) const {
  char path[48];
  snprintf(path, sizeof(path), "%d/fdinfo/%d", process, descriptor);
  OwnedFd file(openat(proc_.get(), path, O_RDONLY | O_CLOEXEC));
  if (!file.ok()) return false;
  char text[256];
  const ssize_t size = read(file.get(), text, sizeof(text) - 1);
  if (size <= 0) return false;
  text[size] = '\0';
  const char* line = strstr(text, "flags:");
  return line != nullptr && (strtoul(line + 6, nullptr, 8) & O_CLOEXEC) != 0;
}

pid_t ProcessTable::ProcessOf(pid_t tid) {
  // A process's first thread has the process's number; a cached pidfd says so without asking.
  if (processes_.contains(tid)) return tid;
  auto it = threads_.find(tid);
  if (it != threads_.end()) {
    if (BelongsTo(tid, it->second)) return it->second;
    threads_.erase(it);
  }
  if (BelongsTo(tid, tid)) return tid;
  const pid_t process = ReadProcessOf(tid);
  if (process == 0) return 0;
  if (threads_.size() >= kMaxThreads) threads_.clear();
  threads_[tid] = process;
  return process;
}

int ProcessTable::PidfdOf(pid_t process) {
  auto it = processes_.find(process);
  if (it == processes_.end()) {
    OwnedFd pidfd(OpenPidfd(process, 0));
    if (!pidfd.ok()) return -1;
    if (processes_.size() >= kMaxProcesses) EvictOldest();
    it = processes_.emplace(process, Process{std::move(pidfd), 0}).first;
  }
  it->second.last_used = ++uses_;
  return it->second.pidfd.get();
}

ErrnoOr<OwnedFd> ProcessTable::Duplicate(pid_t process, int descriptor) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    const int pidfd = PidfdOf(process);
    if (pidfd < 0) return Errno{ESRCH};
    OwnedFd file(GetDescriptor(pidfd, descriptor));
    if (file.ok()) return file;
    if (errno != ESRCH) return Errno{errno == EPERM ? EPERM : EBADF};
    processes_.erase(process);  // the number now names another process, or none
  }
  return Errno{ESRCH};
}

ErrnoOr<OwnedFd> ProcessTable::DuplicateOfThread(pid_t thread, int descriptor) {
  OwnedFd pidfd(OpenPidfd(thread, kPidfdThread));
  if (!pidfd.ok()) return Errno{EBADF};
  OwnedFd file(GetDescriptor(pidfd.get(), descriptor));
  if (!file.ok()) return Errno{EBADF};
  return file;
}

void ProcessTable::EvictOldest() {
  auto oldest = std::min_element(processes_.begin(), processes_.end(), [](auto& a, auto& b) {
    return a.second.last_used < b.second.last_used;
  });
  if (oldest != processes_.end()) processes_.erase(oldest);
}

uint64_t SocketCookie(int fd) {
  uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

}  // namespace moat::sentry
