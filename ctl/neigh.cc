// moatctl ID neigh: neighbours of both IP versions, as ip-neighbour(8).
#include "absl/strings/str_cat.h"
#include "ctl/command.h"
#include "ctl/format.h"

namespace moat::ctl {
namespace {

const char* StateName(v1::Neighbor::State state) {
  switch (state) {
    case v1::Neighbor::STATE_INCOMPLETE:
      return "INCOMPLETE";
    case v1::Neighbor::STATE_REACHABLE:
      return "REACHABLE";
    case v1::Neighbor::STATE_STALE:
      return "STALE";
    case v1::Neighbor::STATE_DELAY:
      return "DELAY";
    case v1::Neighbor::STATE_PROBE:
      return "PROBE";
    case v1::Neighbor::STATE_FAILED:
      return "FAILED";
    case v1::Neighbor::STATE_PERMANENT:
      return "PERMANENT";
    case v1::Neighbor::STATE_NOARP:
      return "NOARP";
    default:
      return "NONE";
  }
}

// [ADDR] [lladdr MAC] [dev IF] [nud permanent], in any order after the address.
struct Entry {
  std::string address, hardware_address, interface;
};

absl::StatusOr<Entry> ParseEntry(Args& args) {
  Entry entry;
  while (!args.empty()) {
    const std::string word = args.Take();
    std::string* value = nullptr;
    if (word == "lladdr") {
      value = &entry.hardware_address;
    } else if (word == "dev") {
      value = &entry.interface;
    }
    if (value != nullptr) {
      absl::StatusOr<std::string> text = args.Value(word);
      if (!text.ok()) return text.status();
      *value = *std::move(text);
    } else if (word == "nud") {
      absl::StatusOr<std::string> state = args.Value(word);
      if (!state.ok()) return state.status();
      if (*state != "permanent") return SyntaxError("neigh: only \"nud permanent\" is supported");
    } else if (entry.address.empty() && FamilyOf(word) != v1::FAMILY_ANY) {
      entry.address = word;
    } else if (word != "to") {
      return SyntaxError(absl::StrCat("neigh: \"", word, "\" is not understood"));
    }
  }
  return entry;
}

absl::StatusOr<Entry> ParseFullEntry(Args& args, bool needs_hardware_address) {
  absl::StatusOr<Entry> entry = ParseEntry(args);
  if (!entry.ok()) return entry;
  if (entry->address.empty()) return SyntaxError("neigh needs an address");
  if (entry->interface.empty()) return SyntaxError("neigh needs \"dev IF\"");
  if (needs_hardware_address && entry->hardware_address.empty()) {
    return SyntaxError("neigh add needs \"lladdr MAC\"");
  }
  return entry;
}

absl::Status Show(Context& context, Args& args) {
  absl::StatusOr<Entry> entry = ParseEntry(args);
  if (!entry.ok()) return entry.status();
  v1::ListNeighborsRequest request;
  request.set_family(context.options.family);
  request.set_interface(entry->interface);
  v1::ListNeighborsResponse response;
  absl::Status status = context.client.Call(&v1::Sandbox::Stub::ListNeighbors, request, &response);
  if (!status.ok()) return status;
  Json list = Json::array();
  for (const v1::Neighbor& neighbor : response.neighbors()) {
    if (!entry->address.empty() && neighbor.address() != entry->address) continue;
    // As ip neigh: NOARP entries (loopback, groups) are of no interest.
    if (neighbor.state() == v1::Neighbor::STATE_NOARP) continue;
    if (context.options.json) {
      list.push_back(NeighborJson(neighbor));
    } else {
      context.out << NeighborText(neighbor) << "\n";
    }
  }
  if (context.options.json) context.out << list.dump() << "\n";
  return absl::OkStatus();
}

absl::Status AddOrReplace(Context& context, Args& args, bool replace) {
  absl::StatusOr<Entry> entry = ParseFullEntry(args, /*needs_hardware_address=*/true);
  if (!entry.ok()) return entry.status();
  v1::AddNeighborRequest request;
  request.set_interface(entry->interface);
  request.set_address(entry->address);
  request.set_hardware_address(entry->hardware_address);
  request.set_replace(replace);
  v1::AddNeighborResponse response;
  return context.client.Call(&v1::Sandbox::Stub::AddNeighbor, request, &response);
}

absl::Status Add(Context& context, Args& args) { return AddOrReplace(context, args, false); }
absl::Status Replace(Context& context, Args& args) { return AddOrReplace(context, args, true); }

absl::Status Delete(Context& context, Args& args) {
  absl::StatusOr<Entry> entry = ParseFullEntry(args, /*needs_hardware_address=*/false);
  if (!entry.ok()) return entry.status();
  v1::RemoveNeighborRequest request;
  request.set_interface(entry->interface);
  request.set_address(entry->address);
  v1::RemoveNeighborResponse response;
  return context.client.Call(&v1::Sandbox::Stub::RemoveNeighbor, request, &response);
}

absl::Status Flush(Context& context, Args& args) {
  v1::FlushNeighborsRequest request;
  request.set_family(context.options.family);
  while (!args.empty()) {
    const std::string word = args.Take();
    if (word == "dev") {
      absl::StatusOr<std::string> interface = args.Value(word);
      if (!interface.ok()) return interface.status();
      request.set_interface(*interface);
    } else if (word == "nud") {
      absl::StatusOr<std::string> state = args.Value(word);
      if (!state.ok()) return state.status();
      if (*state != "all") return SyntaxError("neigh flush: only \"nud all\" is supported");
      request.set_include_permanent(true);
    } else if (word != "all") {
      return SyntaxError(absl::StrCat("neigh flush: \"", word, "\" is not supported"));
    }
  }
  v1::FlushNeighborsResponse response;
  return context.client.Call(&v1::Sandbox::Stub::FlushNeighbors, request, &response);
}

constexpr Verb kVerbs[] = {
    {"show list", "[ADDR] [dev IF]", Show},         {"add", "ADDR lladdr MAC dev IF", Add},
    {"replace", "ADDR lladdr MAC dev IF", Replace}, {"del delete", "ADDR dev IF", Delete},
    {"flush", "[dev IF] [nud all]", Flush},
};

}  // namespace

const Object kNeighObject = {"neigh neighbour neighbor", "neighbours: ARP and NDP", kVerbs};

std::string NeighborText(const v1::Neighbor& neighbor) {
  std::string text = absl::StrCat(neighbor.address(), " dev ", neighbor.interface());
  if (!neighbor.hardware_address().empty()) {
    absl::StrAppend(&text, " lladdr ", neighbor.hardware_address());
  }
  if (neighbor.router()) absl::StrAppend(&text, " router");
  return absl::StrCat(text, " ", StateName(neighbor.state()));
}

Json NeighborJson(const v1::Neighbor& neighbor) {
  Json json = {{"dst", neighbor.address()}, {"dev", neighbor.interface()}};
  if (!neighbor.hardware_address().empty()) json["lladdr"] = neighbor.hardware_address();
  if (neighbor.router()) json["router"] = nullptr;  // iproute2 writes a flag so
  json["state"] = Json::array({StateName(neighbor.state())});
  return json;
}

}  // namespace moat::ctl
