#include "runtime/install/docker_config.h"

#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace moat::runtime {
namespace {

using nlohmann::ordered_json;

constexpr char kRuntimes[] = "runtimes";
constexpr char kDefault[] = "default-runtime";
constexpr int kIndent = 4;
constexpr int kMaxDepth = 64;

// The parser recurses by itself only through this; deep nesting is refused before.
absl::StatusOr<ordered_json> Parse(absl::string_view text) {
  if (absl::StripAsciiWhitespace(text).empty()) return ordered_json::object();
  bool too_deep = false;
  const auto watch = [&](int depth, ordered_json::parse_event_t, ordered_json&) {
    too_deep |= depth > kMaxDepth;
    return true;
  };
  ordered_json json;
  try {
    json = ordered_json::parse(text.begin(), text.end(), watch);
  } catch (const ordered_json::parse_error& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("not valid JSON at byte ", error.byte, "; nothing was changed"));
  } catch (const ordered_json::exception&) {
    return absl::InvalidArgumentError("not valid JSON; nothing was changed");
  }
  if (too_deep) return absl::InvalidArgumentError("nested too deeply; nothing was changed");
  if (!json.is_object()) {
    return absl::InvalidArgumentError("must be a JSON object; nothing was changed");
  }
  const auto runtimes = json.find(kRuntimes);
  if (runtimes != json.end() && !runtimes->is_object() && !runtimes->is_null()) {
    return absl::InvalidArgumentError("\"runtimes\": must be an object; nothing was changed");
  }
  return json;
}

std::string Print(const ordered_json& json) {
  return json.dump(kIndent, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

absl::StatusOr<std::string> AddDockerRuntime(absl::string_view text, const std::string& name,
                                             const std::string& path) {
  absl::StatusOr<ordered_json> json = Parse(text);
  if (!json.ok()) return json.status();
  (*json)[kRuntimes][name] = {{"path", path}};
  return Print(*json);
}

absl::StatusOr<std::string> RemoveDockerRuntime(absl::string_view text, const std::string& name) {
  absl::StatusOr<ordered_json> json = Parse(text);
  if (!json.ok()) return json.status();
  const auto runtimes = json->find(kRuntimes);
  if (runtimes == json->end() || runtimes->is_null() || !runtimes->contains(name)) {
    return std::string(text);
  }
  const auto chosen = json->find(kDefault);
  if (chosen != json->end() && *chosen == name) {
    return absl::FailedPreconditionError(absl::StrCat(
        "\"default-runtime\" is \"", name, "\": change it first, or dockerd would not start"));
  }
  runtimes->erase(name);
  if (runtimes->empty()) json->erase(kRuntimes);
  return json->empty() ? std::string() : Print(*json);
}

bool SameJson(absl::string_view a, absl::string_view b) {
  const absl::StatusOr<ordered_json> left = Parse(a);
  const absl::StatusOr<ordered_json> right = Parse(b);
  // An absent "runtimes" and an empty one are told apart: this decides whether to restore a file.
  return left.ok() && right.ok() && *left == *right;
}

}  // namespace moat::runtime
