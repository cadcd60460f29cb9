#include "runtime/container/protect_binary.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "runtime/config/parse.h"
#include "runtime/rootfs/new_mount.h"

namespace moat::runtime {
namespace {

constexpr char kSelf[] = "/proc/self/exe";
constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

bool AlreadyProtected() {
  OwnedFd self(open(kSelf, O_RDONLY | O_CLOEXEC));
  if (!self.ok()) return false;
  const int seals = fcntl(self.get(), F_GET_SEALS);
  if (seals >= 0) return (seals & kSeals) == kSeals;
  struct statvfs info;
  return fstatvfs(self.get(), &info) == 0 && (info.f_flag & ST_RDONLY) != 0;
}

absl::StatusOr<OwnedFd> ReadOnlyMount() {
  char path[PATH_MAX];
  const ssize_t n = readlink(kSelf, path, sizeof path - 1);
  if (n < 0) return absl::ErrnoToStatus(errno, kSelf);
  path[n] = 0;
  absl::StatusOr<OwnedFd> mount = CloneMount(AT_FDCWD, path, false);
  if (!mount.ok()) return mount;
  // The path may lead to another file by now, or in another mount namespace.
  struct stat by_path, running;
  if (fstat(mount->get(), &by_path) != 0 || stat(kSelf, &running) != 0 ||
      by_path.st_dev != running.st_dev || by_path.st_ino != running.st_ino) {
    return absl::FailedPreconditionError("the program's file was replaced");
  }
  absl::Status status = SetMountAttributes(mount->get(), MOUNT_ATTR_RDONLY, 0, MS_PRIVATE, false);
  if (!status.ok()) return status;
  return mount;
}

absl::StatusOr<OwnedFd> SealedCopy() {
  OwnedFd self(open(kSelf, O_RDONLY | O_CLOEXEC));
  OwnedFd copy(memfd_create("moat", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  struct stat info;
  if (!self.ok() || !copy.ok() || fstat(self.get(), &info) != 0) {
    return absl::ErrnoToStatus(errno, "copy the program to memory");
  }
  for (off_t left = info.st_size; left > 0;) {
    const ssize_t n = sendfile(copy.get(), self.get(), nullptr, left);
    if (n <= 0) return absl::ErrnoToStatus(n < 0 ? errno : EIO, "copy the program to memory");
    left -= n;
  }
  if (fcntl(copy.get(), F_ADD_SEALS, kSeals) != 0) {
    return absl::ErrnoToStatus(errno, "seal the program in memory");
  }
  return copy;
}

// The words of this process's command line, as the kernel has them.
absl::StatusOr<std::vector<std::string>> CommandLine() {
  absl::StatusOr<std::string> text = ReadConfigFile("/proc/self/cmdline");
  if (!text.ok()) return text.status();
  std::vector<std::string> words;
  for (size_t begin = 0; begin < text->size();) {
    const size_t end = text->find('\0', begin);
    if (end == std::string::npos) break;
    words.push_back(text->substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

}  // namespace

absl::Status ProtectBinary() {
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return absl::ErrnoToStatus(errno, "PR_SET_DUMPABLE");
  if (AlreadyProtected()) return absl::OkStatus();
  absl::StatusOr<std::vector<std::string>> words = CommandLine();
  if (!words.ok()) return words.status();
  std::vector<char*> argv;
  for (std::string& word : *words) argv.push_back(word.data());
  argv.push_back(nullptr);
  absl::StatusOr<OwnedFd> program = ReadOnlyMount();
  if (!program.ok()) program = SealedCopy();
  if (!program.ok()) return program.status();
  execveat(program->get(), "", argv.data(), environ, AT_EMPTY_PATH);
  return absl::ErrnoToStatus(errno, "run from a read-only mount");
}

}  // namespace moat::runtime
