#include "runtime/config/sections.h"

namespace moat::runtime {
namespace {

constexpr uint32_t kMaxSyscallArgument = 5;

void ReadRule(JsonReader& reader, SeccompRule* out) {
  reader.Read("names", &out->names);
  reader.Read("action", &out->action);
  reader.Read("errnoRet", &out->errno_ret);
  reader.Array("args", [&](JsonReader& entry) {
    SeccompArg& arg = out->args.emplace_back();
    entry.Read("index", &arg.index);
    entry.Read("value", &arg.value);
    entry.Read("valueTwo", &arg.value_two);
    entry.Read("op", &arg.op);
    if (arg.index > kMaxSyscallArgument) entry.Fail("index", "must be between 0 and 5");
    if (arg.op.empty()) entry.Fail("op", "must not be empty");
  });
  if (out->names.empty()) reader.Fail("names", "must not be empty");
  if (out->action.empty()) reader.Fail("action", "must not be empty");
}

}  // namespace

void ReadSeccomp(JsonReader& reader, Seccomp* out) {
  reader.Read("defaultAction", &out->default_action);
  reader.Read("defaultErrnoRet", &out->default_errno_ret);
  reader.Read("architectures", &out->architectures);
  reader.Read("flags", &out->flags);
  reader.Read("listenerPath", &out->listener_path);
  reader.Read("listenerMetadata", &out->listener_metadata);
  reader.Array("syscalls", [&](JsonReader& r) { ReadRule(r, &out->syscalls.emplace_back()); });
  if (out->default_action.empty()) reader.Fail("defaultAction", "must not be empty");
}

}  // namespace moat::runtime
