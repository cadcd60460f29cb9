#include "runtime/cgroup/control_dir.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace moat::runtime::cgroup {
namespace {

constexpr size_t kMaxFile = 4 << 20;

}  // namespace

std::string ControlDir::File(absl::string_view name) const {
  return absl::StrCat(path_, "/", name);
}

bool ControlDir::Exists() const { return ::access(path_.c_str(), F_OK) == 0; }

bool ControlDir::Has(absl::string_view file) const {
  return ::access(File(file).c_str(), F_OK) == 0;
}

absl::Status ControlDir::Write(absl::string_view file, absl::string_view value) const {
  const std::string name = File(file);
  // O_TRUNC is nothing to a cgroup file; it is for the plain files of the tests.
  const int fd = ::open(name.c_str(), O_WRONLY | O_CLOEXEC | O_TRUNC);
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cgroup: open ", name));
  ssize_t n;
  do {
    n = ::write(fd, value.data(), value.size());
  } while (n < 0 && errno == EINTR);
  const int error = errno;
  ::close(fd);
  if (n == static_cast<ssize_t>(value.size())) return absl::OkStatus();
  return absl::ErrnoToStatus(n < 0 ? error : EIO,
                             absl::StrCat("cgroup: write \"", value, "\" to ", name));
}

absl::Status ControlDir::Write(absl::string_view file, int64_t value) const {
  return Write(file, absl::StrCat(value));
}

absl::StatusOr<std::string> ControlDir::Read(absl::string_view file) const {
  const std::string name = File(file);
  const int fd = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cgroup: open ", name));
  std::string text;
  char buffer[4096];
  ssize_t n;
  while ((n = ::read(fd, buffer, sizeof buffer)) != 0) {
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 || text.size() > kMaxFile) break;
    text.append(buffer, n);
  }
  const int error = n < 0 ? errno : E2BIG;
  ::close(fd);
  if (n != 0) return absl::ErrnoToStatus(error, absl::StrCat("cgroup: read ", name));
  absl::StripTrailingAsciiWhitespace(&text);
  return text;
}

absl::StatusOr<uint64_t> ControlDir::ReadNumber(absl::string_view file) const {
  absl::StatusOr<std::string> text = Read(file);
  if (!text.ok()) return text.status();
  uint64_t value = 0;
  if (*text == "max") return std::numeric_limits<uint64_t>::max();
  if (absl::SimpleAtoi(*text, &value)) return value;
  return absl::DataLossError(absl::StrCat("cgroup: ", File(file), " holds \"", *text, "\""));
}

absl::StatusOr<std::vector<std::pair<std::string, uint64_t>>> ControlDir::ReadTable(
    absl::string_view file) const {
  absl::StatusOr<std::string> text = Read(file);
  if (!text.ok()) return text.status();
  std::vector<std::pair<std::string, uint64_t>> table;
  for (absl::string_view line : absl::StrSplit(*text, '\n')) {
    const std::pair<absl::string_view, absl::string_view> entry =
        absl::StrSplit(line, absl::MaxSplits(' ', 1));
    uint64_t value = 0;
    if (absl::SimpleAtoi(entry.second, &value)) table.emplace_back(entry.first, value);
  }
  return table;
}

absl::Status MakeDirectories(const std::string& path, bool* existed) {
  *existed = false;
  if (::mkdir(path.c_str(), 0755) == 0) return absl::OkStatus();
  if (errno == EEXIST) {
    *existed = true;
    return absl::OkStatus();
  }
  const size_t slash = path.rfind('/');
  if (errno != ENOENT || slash == std::string::npos || slash == 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cgroup: mkdir ", path));
  }
  bool ignored = false;
  if (absl::Status parent = MakeDirectories(path.substr(0, slash), &ignored); !parent.ok()) {
    return parent;
  }
  if (::mkdir(path.c_str(), 0755) == 0) return absl::OkStatus();
  *existed = errno == EEXIST;
  if (*existed) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, absl::StrCat("cgroup: mkdir ", path));
}

uint64_t Lookup(const std::vector<std::pair<std::string, uint64_t>>& table, absl::string_view key,
                uint64_t otherwise) {
  for (const auto& [name, value] : table) {
    if (name == key) return value;
  }
  return otherwise;
}

std::string LimitText(int64_t limit) { return limit < 0 ? "max" : absl::StrCat(limit); }

}  // namespace moat::runtime::cgroup
