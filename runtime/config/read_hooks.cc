#include "absl/strings/str_cat.h"
#include "runtime/config/sections.h"

namespace moat::runtime {
namespace {

void ReadHookList(JsonReader& reader, const char* name, std::vector<Hook>* out) {
  reader.Array(name, [&](JsonReader& entry) {
    Hook& hook = out->emplace_back();
    entry.Read("path", &hook.path);
    entry.Read("args", &hook.args);
    entry.Read("env", &hook.env);
    entry.Read("timeout", &hook.timeout);
    if (hook.path.empty() || hook.path[0] != '/') {
      entry.Fail("path", "must be an absolute path");
    }
    if (hook.timeout && *hook.timeout <= 0) entry.Fail("timeout", "must be positive");
  });
}

}  // namespace

void ReadHooks(JsonReader& reader, Hooks* out) {
  ReadHookList(reader, "prestart", &out->prestart);
  ReadHookList(reader, "createRuntime", &out->create_runtime);
  ReadHookList(reader, "createContainer", &out->create_container);
  ReadHookList(reader, "startContainer", &out->start_container);
  ReadHookList(reader, "poststart", &out->poststart);
  ReadHookList(reader, "poststop", &out->poststop);
}

}  // namespace moat::runtime
