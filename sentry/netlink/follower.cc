#include "sentry/netlink/follower.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sentry/netlink/route_decode.h"

namespace moat::sentry {
namespace {

constexpr uint32_t kGroups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
                             RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | RTMGRP_NEIGH;
constexpr uint8_t kFamilies[] = {AF_INET, AF_INET6};
constexpr size_t kMaxNotes = 256;

}  // namespace

RouteFollower::RouteFollower(const Options& options, RouteSocket events, RouteSocket requests)
    : log_(options.log ? options.log : [](std::string_view) {}),
      events_(std::move(events)),
      requests_(std::move(requests)),
      reconciler_(*options.target, *options.attacher, log_) {}

absl::StatusOr<std::unique_ptr<RouteFollower>> RouteFollower::Create(const Options& options) {
  // Subscribed before the first reading, so that no change falls in between.
  auto events = RouteSocket::Open(kGroups);
  if (!events.ok()) return events.status();
  auto requests = RouteSocket::Open(0);
  if (!requests.ok()) return requests.status();
  auto follower = std::unique_ptr<RouteFollower>(
      new RouteFollower(options, *std::move(events), *std::move(requests)));
  if (absl::Status status = follower->Read(); !status.ok()) return status;
  follower->reconciler_.Apply(follower->view_, {});
  return follower;
}

void RouteFollower::OnReadable() {
  const bool complete = events_.Drain([&](const NetlinkMessage& message) { Note(message); });
  if (!complete) {
    ++overruns_;
    dirty_ = Dirty{};
  }
  if (!dirty_.any()) return;
  if (absl::Status status = Read(); !status.ok()) {
    log_(absl::StrCat("following the kernel's tables: ", std::string(status.message())));
    return;  // still dirty: the next event tries again
  }
  reconciler_.Apply(view_, deleted_);
  deleted_.clear();
}

void RouteFollower::Note(const NetlinkMessage& message) {
  switch (message.header.type) {
    case RTM_DELLINK:
      // Also sent when a bridge port is released, for family AF_BRIDGE.
      if (const auto link = DecodeLink(message); link.has_value()) deleted_.insert(link->index);
      [[fallthrough]];
    case RTM_NEWLINK:
      // A link going down takes addresses and routes along, not all of them announced.
      dirty_ = Dirty{};
      break;
    case RTM_NEWADDR:
    case RTM_DELADDR:
      dirty_.addresses = true;
      dirty_.routes = true;  // IPv4 routes with the address as source go unannounced
      break;
    case RTM_NEWROUTE:
    case RTM_DELROUTE: dirty_.routes = true; break;
    case RTM_NEWNEIGH:
      if (DecodeNeighbor(message).has_value() || !view_.neighbors.empty()) dirty_.neighbors = true;
      break;
    case RTM_DELNEIGH:
      if (!view_.neighbors.empty()) dirty_.neighbors = true;
      break;
    default: break;
  }
}

absl::Status RouteFollower::Read() {
  if (dirty_.links) {
    if (absl::Status status = ReadLinks(); !status.ok()) return status;
    dirty_.links = false;
  }
  if (dirty_.addresses) {
    if (absl::Status status = ReadAddresses(); !status.ok()) return status;
    dirty_.addresses = false;
  }
  if (dirty_.routes) {
    if (absl::Status status = ReadRoutes(); !status.ok()) return status;
    dirty_.routes = false;
  }
  if (dirty_.neighbors) {
    if (absl::Status status = ReadNeighbors(); !status.ok()) return status;
    dirty_.neighbors = false;
  }
  return absl::OkStatus();
}

absl::Status RouteFollower::ReadLinks() {
  decltype(view_.links) links;
  absl::Status status = requests_.Dump(
      RTM_GETLINK, AF_UNSPEC, [&] { links.clear(); },
      [&](const NetlinkMessage& message) {
        if (auto link = DecodeLink(message); link.has_value()) links[link->index] = *link;
      });
  if (status.ok()) view_.links = std::move(links);
  return status;
}

absl::Status RouteFollower::ReadAddresses() {
  decltype(view_.addresses) all;
  for (uint8_t family : kFamilies) {
    decltype(view_.addresses) addresses;
    absl::Status status = requests_.Dump(
        RTM_GETADDR, family, [&] { addresses.clear(); },
        [&](const NetlinkMessage& message) {
          if (auto address = DecodeAddress(message); address.has_value()) {
            addresses[address->key()] = *address;
          }
        });
    if (!status.ok()) return status;
    all.merge(addresses);
  }
  view_.addresses = std::move(all);
  return absl::OkStatus();
}

absl::Status RouteFollower::ReadRoutes() {
  decltype(view_.routes) all;
  for (uint8_t family : kFamilies) {
    decltype(view_.routes) routes;
    absl::Status status = requests_.Dump(
        RTM_GETROUTE, family, [&] { routes.clear(); },
        [&](const NetlinkMessage& message) {
          std::string note;
          if (auto route = DecodeRoute(message, &note); route.has_value()) {
            routes.emplace(route->key(), *route);
          }
          if (note.empty()) return;
          if (notes_.size() >= kMaxNotes) notes_.clear();
          if (notes_.insert(note).second) log_(note);
        });
    if (!status.ok()) return status;
    all.merge(routes);
  }
  view_.routes = std::move(all);
  return absl::OkStatus();
}

absl::Status RouteFollower::ReadNeighbors() {
  decltype(view_.neighbors) all;
  for (uint8_t family : kFamilies) {
    decltype(view_.neighbors) neighbors;
    absl::Status status = requests_.Dump(
        RTM_GETNEIGH, family, [&] { neighbors.clear(); },
        [&](const NetlinkMessage& message) {
          if (auto neighbor = DecodeNeighbor(message); neighbor.has_value()) {
            neighbors[neighbor->key()] = *neighbor;
          }
        });
    if (!status.ok()) return status;
    all.merge(neighbors);
  }
  view_.neighbors = std::move(all);
  return absl::OkStatus();
}

}  // namespace moat::sentry
