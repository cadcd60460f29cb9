#include "runtime/do/janitor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "runtime/container/teardown.h"
#include "runtime/do/network.h"
#include "runtime/state/container_dir.h"

namespace moat::runtime {
namespace {

constexpr int kLockMs = 10000;

// A note is its kind, its text, and a NUL.
constexpr char kContainer = 'c';  // root, newline, id
constexpr char kDirectory = 'd';
constexpr char kInterface = 'i';
constexpr char kFile = 'f';

void DestroyByName(const std::string& root, const std::string& id) {
  absl::StatusOr<ContainerDir> dir = ContainerDir::Open(root, id);
  if (!dir.ok()) return;
  absl::StatusOr<ContainerState> state = dir->Load();
  if (state.ok()) KillProcesses(*state);
  dir->Lock(kLockMs).IgnoreError();
  state = dir->Load();
  (state.ok() ? DestroyContainer(*dir, *state) : DestroyUnknown(*dir)).IgnoreError();
}

void CleanUp(absl::string_view notes) {
  std::vector<absl::string_view> list = absl::StrSplit(notes, '\0', absl::SkipEmpty());
  // Last made, first removed; but the container before all.
  std::reverse(list.begin(), list.end());
  std::stable_partition(list.begin(), list.end(),
                        [](absl::string_view note) { return note[0] == kContainer; });
  for (absl::string_view note : list) {
    const std::string text(note.substr(1));
    const std::pair<std::string, std::string> halves =
        absl::StrSplit(text, absl::MaxSplits('\n', 1));
    switch (note[0]) {
      case kContainer:
        DestroyByName(halves.first, halves.second);
        break;
      case kDirectory:
        ::rmdir(text.c_str());
        break;
      case kInterface:
        DeleteHostInterface(text);
        break;
      case kFile:
        ::unlink(text.c_str());
        break;
      default:
        break;
    }
  }
}

std::string ReadNotes(int fd) {
  std::string notes;
  char buffer[4096];
  ssize_t n;
  while ((n = ::read(fd, buffer, sizeof buffer)) > 0) notes.append(buffer, static_cast<size_t>(n));
  return notes;
}

[[noreturn]] void Watch(OwnedFd parent, OwnedFd notes) {
  ::prctl(PR_SET_NAME, "moat-janitor");
  ::setsid();
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; ++fd) ::dup2(null, fd);
  // Not tied to a directory that the caller may want to unmount.
  if (::chdir("/") != 0) ::_exit(1);
  pollfd wait{.fd = parent.get(), .events = POLLIN, .revents = 0};
  while (::poll(&wait, 1, -1) < 0) {
  }
  CleanUp(ReadNotes(notes.get()));
  ::_exit(0);
}

OwnedFd OpenPid(pid_t pid) {
  return OwnedFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));  // close-on-exec by itself
}

}  // namespace

absl::StatusOr<Janitor> Janitor::Start() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return absl::ErrnoToStatus(errno, "pipe");
  OwnedFd read_end(ends[0]);
  OwnedFd write_end(ends[1]);
  OwnedFd parent = OpenPid(::getpid());
  if (!parent.ok()) return absl::ErrnoToStatus(errno, "pidfd_open");
  const pid_t pid = ::fork();
  if (pid < 0) return absl::ErrnoToStatus(errno, "fork");
  if (pid == 0) {
    write_end.reset();
    Watch(std::move(parent), std::move(read_end));
  }
  return Janitor(pid, OpenPid(pid), std::move(write_end));
}

Janitor::Janitor(Janitor&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      process_(std::move(other.process_)),
      notes_(std::move(other.notes_)) {}

Janitor::~Janitor() {
  if (pid_ < 0 || !process_.ok()) return;
  ::syscall(SYS_pidfd_send_signal, process_.get(), SIGKILL, nullptr, 0);
  ::waitpid(pid_, nullptr, 0);
}

void Janitor::Note(char kind, const std::string& text) {
  std::string note(1, kind);
  note += text;
  note += '\0';
  // Notes are few and short: they fit into the pipe.
  (void)!::write(notes_.get(), note.data(), note.size());
}

void Janitor::NoteContainer(const std::string& root, const std::string& id) {
  Note(kContainer, root + "\n" + id);
}
void Janitor::NoteDirectory(const std::string& path) { Note(kDirectory, path); }
void Janitor::NoteInterface(const std::string& name) { Note(kInterface, name); }
void Janitor::NoteFile(const std::string& path) { Note(kFile, path); }

}  // namespace moat::runtime
