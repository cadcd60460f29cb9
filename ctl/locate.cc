// Where sandboxes are, and the door to one.
#include <fcntl.h>
#include <glob.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <set>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "ctl/args.h"
#include "ctl/client.h"

namespace moat::ctl {
namespace {

constexpr char kSocketName[] = "control.sock";

// Docker, containerd and podman give every runtime a --root of its own.
constexpr const char* kRootPatterns[] = {
    "/run/moat",
    "/run/docker/runtime-*/moby",
    "/run/containerd/runc/*",
    "/run/containerd/moat/*",
    "/run/containers/moat",
};

std::vector<std::string> Glob(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  globfree(&found);
  return paths;
}

bool IsId(const std::string& text) {
  if (text.empty() || text[0] == '.' || text[0] == '-') return false;
  return text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
             "_+-.") == std::string::npos;
}

// A container of another runtime may be kept beside ours: only one with a sentry is a sandbox.
bool IsSandbox(const std::string& directory) {
  struct stat info {};
  return stat(absl::StrCat(directory, "/", kSocketName).c_str(), &info) == 0 &&
         S_ISSOCK(info.st_mode);
}

}  // namespace

std::vector<std::string> StateRoots(const std::string& root) {
  if (!root.empty()) return {root};
  std::vector<std::string> roots;
  if (const char* user = std::getenv("XDG_RUNTIME_DIR"); user != nullptr && getuid() != 0) {
    roots.push_back(absl::StrCat(user, "/moat"));
  }
  for (const char* pattern : kRootPatterns) {
    for (std::string& path : Glob(pattern)) roots.push_back(std::move(path));
  }
  return roots;
}

absl::StatusOr<std::string> FindSandbox(const std::vector<std::string>& roots,
                                        const std::string& id) {
  if (!IsId(id)) return SyntaxError(absl::StrCat("\"", id, "\" is not a container's id"));
  std::set<std::string> candidates;
  for (const std::string& root : roots) {
    const std::string exact = absl::StrCat(root, "/", id);
    if (IsSandbox(exact)) return exact;
    // IsId() leaves no character that glob(7) would interpret.
    for (std::string& path : Glob(absl::StrCat(root, "/", id, "*"))) {
      if (IsSandbox(path)) candidates.insert(std::move(path));
    }
  }
  if (candidates.size() == 1) return *candidates.begin();
  if (candidates.size() > 1) {
    return SyntaxError(absl::StrCat("\"", id, "\" is the beginning of ", candidates.size(),
                                    " ids; give more of it"));
  }
  const std::string where =
      roots.size() == 1 ? absl::StrCat(" below ", roots.front()) : std::string();
  return absl::NotFoundError(absl::StrCat("no such sandbox", where, ": ", id));
}

absl::StatusOr<int> ConnectControlSocket(const std::string& state_dir) {
  const int directory = open(state_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return absl::ErrnoToStatus(errno, absl::StrCat("opening ", state_dir));
  const auto close_directory = absl::MakeCleanup([=] { close(directory); });
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // Docker's state directories are longer than sun_path.
  const std::string path = absl::StrCat("/proc/self/fd/", directory, "/", kSocketName);
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return absl::ErrnoToStatus(errno, "creating a socket");
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return fd;
  const int error = errno;
  close(fd);
  if (error == ECONNREFUSED) return absl::UnavailableError("the sandbox has ended");
  if (error == EACCES) return absl::PermissionDeniedError("only root and the sandbox's owner may");
  return absl::ErrnoToStatus(error, absl::StrCat("connecting to ", state_dir, "/", kSocketName));
}

}  // namespace moat::ctl
