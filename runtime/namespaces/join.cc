#include "runtime/namespaces/join.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "runtime/config/namespace_types.h"

namespace moat::runtime {
namespace {

absl::Status JoinFailure(int flag) {
  return absl::ErrnoToStatus(errno, absl::StrCat("join a namespace of linux.namespaces (flag ",
                                                 absl::Hex(flag), ")"));
}

}  // namespace

absl::StatusOr<std::vector<NamespaceToJoin>> OpenNamespaces(const std::vector<Namespace>& list) {
  std::vector<NamespaceToJoin> result;
  for (size_t i = 0; i < list.size(); ++i) {
    if (list[i].path.empty()) continue;
    const std::string field = absl::StrCat("config.json: linux.namespaces[", i, "].path: ");
    const NamespaceType& type = *FindNamespaceType(list[i].type);
    if (type.flag == CLONE_NEWNS) {
      return absl::UnimplementedError(
          absl::StrCat(field, "joining a mount namespace is not supported"));
    }
    OwnedFd fd(open(list[i].path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.ok()) {
      return absl::ErrnoToStatus(errno, absl::StrCat(field, "open ", list[i].path));
    }
    if (ioctl(fd.get(), NS_GET_NSTYPE) != type.flag) {
      return absl::InvalidArgumentError(
          absl::StrCat(field, list[i].path, " is not a namespace of type \"", type.name, "\""));
    }
    result.push_back({std::move(fd), type.flag});
  }
  return result;
}

int NewNamespaceFlags(const std::vector<Namespace>& list) {
  int flags = 0;
  for (const Namespace& ns : list) {
    if (ns.path.empty()) flags |= FindNamespaceType(ns.type)->flag;
  }
  return flags;
}

absl::Status JoinNamespaces(const std::vector<NamespaceToJoin>& list) {
  std::vector<const NamespaceToJoin*> refused;
  const NamespaceToJoin* user = nullptr;
  for (const NamespaceToJoin& ns : list) {
    if (ns.flag == CLONE_NEWUSER) {
      user = &ns;
    } else if (setns(ns.fd.get(), ns.flag) != 0) {
      if (errno != EPERM) return JoinFailure(ns.flag);
      refused.push_back(&ns);
    }
  }
  if (user != nullptr && setns(user->fd.get(), user->flag) != 0) return JoinFailure(user->flag);
  for (const NamespaceToJoin* ns : refused) {
    if (setns(ns->fd.get(), ns->flag) != 0) return JoinFailure(ns->flag);
  }
  return absl::OkStatus();
}

}  // namespace moat::runtime
