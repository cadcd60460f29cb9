#include "runtime/config/parse.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "runtime/config/sections.h"

namespace moat::runtime {
namespace {

void ReadMounts(JsonReader& reader, std::vector<Mount>* out) {
  reader.Array("mounts", [&](JsonReader& entry) {
    Mount& mount = out->emplace_back();
    entry.Read("destination", &mount.destination);
    entry.Read("type", &mount.type);
    entry.Read("source", &mount.source);
    entry.Read("options", &mount.options);
    if (mount.destination.empty()) entry.Fail("destination", "must not be empty");
  });
}

void ReadSpec(JsonReader& reader, Spec* out) {
  reader.Read("ociVersion", &out->oci_version);
  reader.Object("root", [&](JsonReader& root) {
    root.Read("path", &out->root.path);
    root.Read("readonly", &out->root.readonly);
  });
  reader.Read("hostname", &out->hostname);
  reader.Read("domainname", &out->domainname);
  if (!reader.Has("process")) reader.Fail("process", "is missing");
  reader.Object("process", [&](JsonReader& process) { ReadProcess(process, &out->process); });
  ReadMounts(reader, &out->mounts);
  reader.Object("hooks", [&](JsonReader& hooks) { ReadHooks(hooks, &out->hooks); });
  reader.Read("annotations", &out->annotations);
  if (!reader.Has("linux")) reader.Fail("linux", "is missing");
  reader.Object("linux", [&](JsonReader& section) { ReadLinux(section, &out->linux_); });
  if (!reader.failed()) CheckSpec(reader, *out);
}

template <typename T>
absl::StatusOr<T> Parse(absl::string_view json, absl::string_view document,
                        void (*read)(JsonReader&, T*)) {
  absl::StatusOr<nlohmann::json> tree = ParseJson(json, document);
  if (!tree.ok()) return tree.status();
  T out;
  absl::Status status;
  JsonReader reader(*tree, document, &status);
  if (status.ok()) read(reader, &out);
  if (!status.ok()) return status;
  return out;
}

}  // namespace

absl::StatusOr<Spec> ParseSpec(absl::string_view json, absl::string_view document) {
  return Parse<Spec>(json, document, ReadSpec);
}

absl::StatusOr<Process> ParseProcess(absl::string_view json, absl::string_view document) {
  return Parse<Process>(json, document, ReadProcess);
}

absl::StatusOr<Resources> ParseResources(absl::string_view json, absl::string_view document) {
  return Parse<Resources>(json, document, ReadResources);
}

absl::StatusOr<std::string> ReadConfigFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("open ", path));
  }
  std::string text;
  char buffer[32768];
  ssize_t n;
  while ((n = read(fd, buffer, sizeof buffer)) > 0 && text.size() <= kMaxDocumentSize) {
    text.append(buffer, n);
  }
  const int error = errno;
  close(fd);
  if (n < 0) return absl::ErrnoToStatus(error, absl::StrCat("read ", path));
  return text;
}

}  // namespace moat::runtime
