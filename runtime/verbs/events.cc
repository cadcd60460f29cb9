// moat events ID: what a container uses, as one JSON object a line, and word of out-of-memory
// kills. With
// --stats one line and no more; otherwise until the container ends.
#include <poll.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/owned_fd.h"
#include "runtime/cgroup/oom_watch.h"
#include "runtime/cgroup/stats.h"
#include "runtime/verbs/open_container.h"
#include "runtime/verbs/output.h"
#include "runtime/verbs/verbs.h"

namespace moat::runtime {
namespace {

constexpr Flag kFlags[] = {
    {"interval", 0, FlagKind::kString, "time between two lines, such as 5s or 500ms (default: 5s)"},
    {"stats", 0, FlagKind::kBool, "one line of what the container uses now"},
};

constexpr absl::Duration kLeastInterval = absl::Milliseconds(10);

absl::StatusOr<absl::Duration> ReadInterval(const Arguments& arguments) {
  const std::string text = arguments.String("interval", "5s");
  absl::Duration interval;
  if (absl::ParseDuration(text, &interval) && interval >= kLeastInterval &&
      interval <= absl::Hours(24)) {
    return interval;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--interval \"", text, "\": must be a time from 10ms to 24h, such as 5s"));
}

absl::Status PrintEvent(const std::string& type, const std::string& id,
                        std::optional<nlohmann::json> data) {
  nlohmann::ordered_json event;
  event["type"] = type;
  event["id"] = id;
  if (data) event["data"] = *std::move(data);
  return PrintOutput(event.dump() + "\n");
}

// Lines until init ends or nobody reads.
absl::Status Follow(const OpenedContainer& opened, const cgroup::Cgroup& cgroup,
                    absl::Duration interval) {
  OwnedFd init(OpenProcess(opened.state.init));
  if (!init.ok()) return absl::OkStatus();
  absl::StatusOr<cgroup::OomWatch> oom = cgroup::OomWatch::Start(cgroup);
  absl::Time next = absl::Now();
  while (true) {
    if (absl::Now() >= next) {
      absl::Status status = PrintEvent("stats", opened.state.id, cgroup::ReadStats(cgroup));
      if (!status.ok()) return status;
      next = absl::Now() + interval;
    }
    pollfd files[] = {{init.get(), POLLIN, 0}, {oom.ok() ? oom->fd() : -1, POLLIN, 0}};
    const int64_t wait = absl::ToInt64Milliseconds(next - absl::Now()) + 1;
    if (::poll(files, 2, static_cast<int>(wait < 0 ? 0 : wait)) < 0 && errno != EINTR) {
      return absl::ErrnoToStatus(errno, "poll");
    }
    if (files[1].revents != 0) {
      const cgroup::OomWatch::Event event = oom->Poll();
      if (event.oom) {
        absl::Status status = PrintEvent("oom", opened.state.id, std::nullopt);
        if (!status.ok()) return status;
      }
      if (event.gone) return absl::OkStatus();
    }
    if (files[0].revents != 0) return absl::OkStatus();
  }
}

absl::StatusOr<int> Run(const Globals& globals, const Arguments& arguments) {
  const std::string& id = arguments.word(0);
  const absl::StatusOr<absl::Duration> interval = ReadInterval(arguments);
  if (!interval.ok()) return interval.status();
  absl::StatusOr<OpenedContainer> opened = OpenContainer(globals.root, id);
  if (!opened.ok()) return opened.status();
  if (opened->status == ContainerStatus::kStopped) {
    return absl::FailedPreconditionError(absl::StrCat("container ", id, " is not running"));
  }
  absl::StatusOr<cgroup::Cgroup> cgroup = CgroupOf(opened->state);
  if (!cgroup.ok()) return cgroup.status();
  const absl::Status status = arguments.Bool("stats")
                                  ? PrintEvent("stats", id, cgroup::ReadStats(*cgroup))
                                  : Follow(*opened, *cgroup, *interval);
  if (!status.ok()) return status;
  return 0;
}

}  // namespace

constinit const Verb kEventsVerb = {.name = "events",
                                    .usage = "<container-id>",
                                    .summary = "show what a container uses and what befalls it",
                                    .flags = kFlags,
                                    .min_words = 1,
                                    .max_words = 1,
                                    .run = Run};

}  // namespace moat::runtime
