#include "runtime/process/labels.h"

#include <fcntl.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/owned_fd.h"
#include "runtime/fd/write_file.h"

namespace moat::runtime {
namespace {

bool AppArmorEnabled() {
  OwnedFd fd(open("/sys/module/apparmor/parameters/enabled", O_RDONLY | O_CLOEXEC));
  char answer = 0;
  return fd.ok() && read(fd.get(), &answer, 1) == 1 && answer == 'Y';
}

bool SelinuxEnabled() { return access("/sys/fs/selinux/enforce", F_OK) == 0; }

}  // namespace

absl::Status CheckLabels(const std::string& apparmor_profile, const std::string& selinux_label) {
  if (!apparmor_profile.empty() && !AppArmorEnabled()) {
    return absl::FailedPreconditionError(
        "config.json: process.apparmorProfile: this kernel does not run AppArmor");
  }
  if (!selinux_label.empty() && !SelinuxEnabled()) {
    return absl::FailedPreconditionError(
        "config.json: process.selinuxLabel: this kernel does not run SELinux");
  }
  return absl::OkStatus();
}

absl::Status ApplyLabels(int self_fd, const std::string& apparmor_profile,
                         const std::string& selinux_label) {
  if (!apparmor_profile.empty()) {
    const std::string text = absl::StrCat("exec ", apparmor_profile);
    // Since Linux 5.8 each module has a directory of its own; before it there was one file for all.
    absl::Status status = WriteFileAt(self_fd, "attr/apparmor/exec", text);
    if (!status.ok()) status = WriteFileAt(self_fd, "attr/exec", text);
    if (!status.ok()) {
      return absl::Status(status.code(), absl::StrCat("config.json: process.apparmorProfile: ",
                                                      status.message()));
    }
  }
  if (!selinux_label.empty()) {
    absl::Status status = WriteFileAt(self_fd, "attr/exec", selinux_label);
    if (!status.ok()) {
      return absl::Status(status.code(), absl::StrCat("config.json: process.selinuxLabel: ",
                                                      status.message()));
    }
  }
  return absl::OkStatus();
}

}  // namespace moat::runtime
