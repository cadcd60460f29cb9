// moat list: the containers below --root. A broken directory is a row like any other, so that the
// list never fails and `moat delete --force` can be told what to remove.
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "runtime/state/container_dir.h"
#include "runtime/state/status.h"
#include "runtime/verbs/output.h"
#include "runtime/verbs/table_text.h"
#include "runtime/verbs/verbs.h"

namespace moat::runtime {
namespace {

constexpr Flag kFlags[] = {
    {"format", 'f', FlagKind::kString, "table or json (default: table)"},
    {"quiet", 'q', FlagKind::kBool, "container ids only"},
};

struct Row {
  std::string id;
  std::string status = "broken";
  pid_t pid = 0;
  ContainerState state;
};

Row ReadRow(const std::string& root, const std::string& id) {
  Row row;
  row.id = id;
  absl::StatusOr<ContainerDir> dir = ContainerDir::Open(root, id);
  if (!dir.ok()) return row;
  absl::StatusOr<ContainerState> state = dir->Load();
  if (!state.ok()) return row;
  const ContainerStatus status = FindStatus(*dir, *state);
  row.status = StatusName(status);
  row.pid = status == ContainerStatus::kStopped ? 0 : state->init.pid;
  row.state = *std::move(state);
  return row;
}

std::string Json(const std::vector<Row>& rows) {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  for (const Row& row : rows) {
    nlohmann::ordered_json entry;
    entry["ociVersion"] = kOciVersion;
    entry["id"] = row.id;
    entry["pid"] = row.pid;
    entry["status"] = row.status;
    entry["bundle"] = row.state.bundle;
    entry["rootfs"] = row.state.rootfs;
    entry["created"] = row.state.created;
    if (!row.state.annotations.empty()) entry["annotations"] = row.state.annotations;
    entry["owner"] = row.state.owner;
    out.push_back(std::move(entry));
  }
  // What is on disk need not be UTF-8.
  return out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string Table(const std::vector<Row>& rows) {
  std::vector<std::vector<std::string>> cells = {
      {"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"}};
  for (const Row& row : rows) {
    cells.push_back({row.id, absl::StrCat(row.pid), row.status, row.state.bundle, row.state.created,
                     row.state.owner});
  }
  return TableText(cells);
}

absl::StatusOr<int> Run(const Globals& globals, const Arguments& arguments) {
  const std::string format = arguments.String("format", "table");
  if (format != "table" && format != "json") {
    return absl::InvalidArgumentError(absl::StrCat("--format \"", format, "\": table or json"));
  }
  const std::vector<std::string> ids = ListContainerIds(globals.root);
  std::string text;
  if (arguments.Bool("quiet")) {
    for (const std::string& id : ids) absl::StrAppend(&text, id, "\n");
  } else {
    std::vector<Row> rows;
    for (const std::string& id : ids) rows.push_back(ReadRow(globals.root, id));
    text = format == "json" ? Json(rows) : Table(rows);
  }
  if (absl::Status status = PrintOutput(text); !status.ok()) return status;
  return 0;
}

}  // namespace

constinit const Verb kListVerb = {
    .name = "list", .usage = "", .summary = "list containers", .flags = kFlags, .run = Run};

}  // namespace moat::runtime
