#include "runtime/process/user.h"

#include <grp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace moat::runtime {

absl::Status BecomeUser(const User& user, bool keep_capabilities) {
  if (keep_capabilities && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) {
    return absl::ErrnoToStatus(errno, "keep capabilities");
  }
  const std::vector<gid_t> groups(user.additional_gids.begin(), user.additional_gids.end());
  // EPERM: a user namespace where setgroups is denied, and so has no groups to lose either.
  if (setgroups(groups.size(), groups.data()) != 0 && (errno != EPERM || !groups.empty())) {
    return absl::ErrnoToStatus(errno, "config.json: process.user.additionalGids: setgroups");
  }
  if (setresgid(user.gid, user.gid, user.gid) != 0) {
    return absl::ErrnoToStatus(errno,
                               absl::StrCat("config.json: process.user.gid: setgid ", user.gid));
  }
  if (setresuid(user.uid, user.uid, user.uid) != 0) {
    return absl::ErrnoToStatus(errno,
                               absl::StrCat("config.json: process.user.uid: setuid ", user.uid));
  }
  if (keep_capabilities) prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
  return absl::OkStatus();
}

void GiveStandardFiles(uid_t uid) {
  for (int fd = 0; fd <= 2; ++fd) {
    struct stat info;
    if (fstat(fd, &info) != 0 || info.st_uid == uid) continue;
    if (S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3)) continue;  // all share /dev/null
    // EINVAL, EPERM, EROFS: not ours to give; the program can still read and write it.
    [[maybe_unused]] int result = fchown(fd, uid, info.st_gid);
  }
}

std::string HomeOf(absl::string_view passwd, uid_t uid) {
  constexpr size_t kUidField = 2;
  constexpr size_t kHomeField = 5;
  for (absl::string_view line : absl::StrSplit(passwd, '\n')) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ':');
    uint32_t number = 0;
    if (fields.size() <= kHomeField || !absl::SimpleAtoi(fields[kUidField], &number)) continue;
    if (number == uid) return std::string(fields[kHomeField]);
  }
  return "";
}

}  // namespace moat::runtime
