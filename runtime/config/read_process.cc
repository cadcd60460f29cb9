#include <algorithm>

#include "absl/strings/str_cat.h"
#include "runtime/config/rlimit_names.h"
#include "runtime/config/sections.h"

namespace moat::runtime {
namespace {

// Linux: OOM_SCORE_ADJ_MIN and _MAX (proc(5)).
constexpr int kOomScoreAdjMin = -1000;
constexpr int kOomScoreAdjMax = 1000;

void ReadUser(JsonReader& reader, User* out) {
  reader.Read("uid", &out->uid);
  reader.Read("gid", &out->gid);
  reader.Read("umask", &out->umask);
  reader.Read("additionalGids", &out->additional_gids);
  if (out->umask && *out->umask > 0777) reader.Fail("umask", "must be at most 0777");
}

void ReadCapabilities(JsonReader& reader, Capabilities* out) {
  reader.Read("bounding", &out->bounding);
  reader.Read("effective", &out->effective);
  reader.Read("inheritable", &out->inheritable);
  reader.Read("permitted", &out->permitted);
  reader.Read("ambient", &out->ambient);
}

void ReadRlimits(JsonReader& reader, Process* out) {
  reader.Array("rlimits", [&](JsonReader& limit) {
    Rlimit& rlimit = out->rlimits.emplace_back();
    limit.Read("type", &rlimit.type);
    limit.Read("soft", &rlimit.soft);
    limit.Read("hard", &rlimit.hard);
    if (!RlimitNumber(rlimit.type)) {
      limit.Fail("type", absl::StrCat("\"", rlimit.type, "\" is not a resource limit"));
    }
    if (rlimit.soft > rlimit.hard) limit.Fail("soft", "must not be above hard");
    auto same = [&](const Rlimit& other) { return other.type == rlimit.type; };
    if (std::count_if(out->rlimits.begin(), out->rlimits.end(), same) > 1) {
      limit.Fail("type", absl::StrCat("\"", rlimit.type, "\" appears twice"));
    }
  });
}

void CheckProcess(JsonReader& reader, const Process& process) {
  if (process.args.empty()) return reader.Fail("args", "must not be empty");
  if (process.args[0].empty()) return reader.Fail("args[0]", "must not be empty");
  if (process.cwd.empty() || process.cwd[0] != '/') {
    return reader.Fail("cwd", "must be an absolute path");
  }
  for (size_t i = 0; i < process.env.size(); ++i) {
    const size_t equals = process.env[i].find('=');
    if (equals == std::string::npos || equals == 0) {
      return reader.Fail(absl::StrCat("env[", i, "]"), "must have the form NAME=value");
    }
  }
  if (process.oom_score_adj &&
      (*process.oom_score_adj < kOomScoreAdjMin || *process.oom_score_adj > kOomScoreAdjMax)) {
    reader.Fail("oomScoreAdj", "must be between -1000 and 1000");
  }
}

}  // namespace

void ReadProcess(JsonReader& reader, Process* out) {
  reader.Read("terminal", &out->terminal);
  reader.Object("consoleSize", [&](JsonReader& size) {
    ConsoleSize& console = out->console_size.emplace();
    size.Read("height", &console.height);
    size.Read("width", &console.width);
  });
  reader.Object("user", [&](JsonReader& user) { ReadUser(user, &out->user); });
  reader.Read("args", &out->args);
  reader.Read("env", &out->env);
  reader.Read("cwd", &out->cwd);
  reader.Object("capabilities", [&](JsonReader& capabilities) {
    ReadCapabilities(capabilities, &out->capabilities.emplace());
  });
  ReadRlimits(reader, out);
  reader.Read("noNewPrivileges", &out->no_new_privileges);
  reader.Read("apparmorProfile", &out->apparmor_profile);
  reader.Read("oomScoreAdj", &out->oom_score_adj);
  reader.Read("selinuxLabel", &out->selinux_label);
  if (!reader.failed()) CheckProcess(reader, *out);
}

}  // namespace moat::runtime
