#include "runtime/install/containerd_config.h"

#include <cstdint>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "runtime/install/toml_scan.h"

namespace moat::runtime {
namespace {

std::string BeginMark(const std::string& name) {
  return absl::StrCat("# BEGIN moat runtime ", name, ": `moat uninstall` removes this block\n");
}
std::string EndMark(const std::string& name) {
  return absl::StrCat("# END moat runtime ", name, "\n");
}

// The CRI plugin's key in each version of the file. Source: containerd, docs/cri/config.md.
struct VersionRow {
  int64_t version;
  const char* plugin;
};
constexpr VersionRow kVersions[] = {
    {1, "cri"}, {2, "io.containerd.grpc.v1.cri"}, {3, "io.containerd.cri.v1.runtime"}};

absl::StatusOr<std::string> PluginOf(int64_t version) {
  for (const VersionRow& row : kVersions) {
    if (row.version == version) return std::string(row.plugin);
  }
  return absl::UnimplementedError(
      absl::StrCat("version = ", version, " is not supported; nothing was changed"));
}

std::string Quoted(const std::string& text) {
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"\"", "\\\""}}), "\"");
}

bool AtLineStart(absl::string_view text, size_t at) { return at == 0 || text[at - 1] == '\n'; }

}  // namespace

absl::StatusOr<std::string> RemoveContainerdRuntime(absl::string_view text,
                                                    const std::string& name) {
  const std::string begin_mark = BeginMark(name);
  const size_t begin = text.find(begin_mark);
  if (begin == absl::string_view::npos || !AtLineStart(text, begin)) return std::string(text);
  const std::string end_mark = EndMark(name);
  const size_t end = text.find(end_mark, begin);
  if (end == absl::string_view::npos || !AtLineStart(text, end)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the block that begins with \"# BEGIN moat runtime ", name,
                     "\" does not end; nothing was changed"));
  }
  return absl::StrCat(text.substr(0, begin), text.substr(end + end_mark.size()));
}

absl::StatusOr<std::string> AddContainerdRuntime(absl::string_view text, const std::string& name,
                                                 const std::string& path) {
  absl::StatusOr<std::string> base = RemoveContainerdRuntime(text, name);
  if (!base.ok()) return base.status();
  const absl::StatusOr<TomlOutline> outline = ScanToml(*base);
  if (!outline.ok()) return outline.status();
  const int64_t version = outline->version.value_or(outline->empty ? 2 : 1);
  const absl::StatusOr<std::string> plugin = PluginOf(version);
  if (!plugin.ok()) return plugin.status();
  const std::vector<std::string> wanted = {"plugins", *plugin, "containerd", "runtimes", name};
  for (const std::vector<std::string>& table : outline->tables) {
    if (table == wanted) {
      return absl::AlreadyExistsError(absl::StrCat(
          "a runtime \"", name, "\" is there already and is not ours; nothing was changed"));
    }
  }
  std::string out = *std::move(base);
  if (!out.empty() && out.back() != '\n') out += '\n';
  if (outline->empty && !outline->version) absl::StrAppend(&out, "version = 2\n");
  const std::string table =
      absl::StrCat("plugins.", Quoted(*plugin), ".containerd.runtimes.", Quoted(name));
  absl::StrAppend(&out, BeginMark(name), "[", table, "]\n",
                  "  runtime_type = \"io.containerd.runc.v2\"\n", "[", table, ".options]\n",
                  "  BinaryName = ", Quoted(path), "\n", EndMark(name));
  return out;
}

}  // namespace moat::runtime
