// IpLayer's configuration: interfaces, and their sysctls.

#include "absl/strings/str_cat.h"
#include "netstack/ip/configuration_checks.h"
#include "netstack/ip/ip_layer.h"
#include "netstack/wire/ipv4.h"

namespace moat::netstack {
namespace {

constexpr uint32_t kLoopbackMtu = 65536;  // as Linux
constexpr uint32_t kMaxMtu = 65536;
constexpr size_t kMaxInterfaces = 4096;

absl::Status CheckMtu(uint32_t mtu) {
  if (mtu >= kIpv4MinMtu && mtu <= kMaxMtu) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("mtu ", mtu, " is not within ", kIpv4MinMtu, "..", kMaxMtu));
}

absl::Status CheckName(const std::string& name) {
  const bool reserved = name == "all" || name == "default";  // sysctls mean every interface by them
  if (!name.empty() && name.size() <= kMaxInterfaceName && !reserved &&
      name.find('/') == std::string::npos) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("bad interface name '", name, "'"));
}

}  // namespace

void IpLayer::AddLoopback() {
  auto lo = std::make_shared<Interface>();
  lo->groups.SetMemory(&state_.memory);
  lo->index = kLoopbackIndex;
  lo->name = "lo";
  lo->mtu = kLoopbackMtu;
  lo->up = lo->running = lo->loopback = true;
  lo->capabilities = {.has_ethernet_header = false, .tx_checksum_offload = true,
                      .max_gso_bytes = kMaxIpPacket};
  AddressOptions usable_at_once;
  usable_at_once.no_dad = true;
  lo->addresses.push_back({{IpAddress::V4(127, 0, 0, 1), 8}, usable_at_once});
  lo->addresses.push_back({{*IpAddress::Parse("::1"), 128}, usable_at_once});
  interface_sysctls_.Register(*lo);
  state_.interfaces.Add(std::move(lo));
  state_.addresses.Rebuild();
}

Result<Interface*> IpLayer::Require(InterfaceIndex index) {
  Interface* interface = state_.interfaces.Find(index);
  if (interface == nullptr) return Error::kNoDevice;
  return interface;
}

absl::Status IpLayer::AddInterface(const InterfaceOptions& options) {
  if (options.index <= 0) return absl::InvalidArgumentError("interface index must be positive");
  if (options.link == nullptr) return absl::InvalidArgumentError("interface needs a link");
  if (absl::Status status = CheckName(options.name); !status.ok()) return status;
  if (absl::Status status = CheckMtu(options.mtu); !status.ok()) return status;
  if (state_.interfaces.Find(options.index) != nullptr) {
    return absl::AlreadyExistsError(absl::StrCat("interface index ", options.index, " is taken"));
  }
  if (state_.interfaces.FindByName(options.name) != nullptr) {
    return absl::AlreadyExistsError(absl::StrCat("interface name ", options.name, " is taken"));
  }
  if (state_.interfaces.all().size() >= kMaxInterfaces) {
    return absl::ResourceExhaustedError("too many interfaces");
  }
  auto interface = std::make_shared<Interface>();
  interface->groups.SetMemory(&state_.memory);
  interface->index = options.index;
  interface->name = options.name;
  interface->mac = options.mac;
  interface->mtu = options.mtu;
  interface->up = options.up;
  interface->running = options.running;
  interface->link = options.link;
  interface->capabilities = options.link->capabilities();
  interface_sysctls_.Register(*interface);
  interface->checks_reverse_path = interface->conf.larger(Conf::kReversePath) != 0;
  Interface& added = *interface;
  state_.interfaces.Add(std::move(interface));
  RouterRoleChanged(added);
  Invalidate();
  NotifyInterface(added, /*removed=*/false);
  discovery_.Reconsider(added.index);
  return absl::OkStatus();
}

absl::Status IpLayer::RemoveInterface(InterfaceIndex index) {
  const std::shared_ptr<Interface> interface = state_.interfaces.Share(index);
  if (interface == nullptr) return NoInterface(index);
  if (interface->loopback) return absl::InvalidArgumentError("lo cannot be removed");
  discovery_.InterfaceGone(index);
  advertiser_.InterfaceGone(index);
  state_.redirects.ForgetInterface(index);
  next_hops_.cache(Family::kIpv6).ForgetTimes(index);
  while (!interface->addresses.empty()) DropAddress(*interface, interface->addresses.size() - 1);
  for (const RouteInfo& route : state_.routes.RemoveInterface(index)) NotifyRoute(route, true);
  next_hops_.cache(Family::kIpv4).Flush(index, /*permanent=*/true);
  next_hops_.cache(Family::kIpv6).Flush(index, /*permanent=*/true);
  detection_.CancelAll(index);
  igmp_.InterfaceGone(index);
  mld_.InterfaceGone(index);
  (void)interface_sysctls_.Unregister(*interface);
  interface->groups.SetMemory(nullptr);
  interface->removed = true;
  interface->up = false;
  interface->link = nullptr;
  state_.interfaces.Remove(index);
  state_.addresses.Rebuild();
  Invalidate();
  NotifyInterface(*interface, /*removed=*/true);
  return absl::OkStatus();
}

absl::Status IpLayer::SetInterfaceUp(InterfaceIndex index, bool up) {
  Interface* interface = state_.interfaces.Find(index);
  if (interface == nullptr) return NoInterface(index);
  if (interface->up == up) return absl::OkStatus();
  interface->up = up;
  if (up) {
    for (const IpAddress& group : interface->groups.List()) ReportChange(*interface, group, {});
    DetectAnew(*interface);
  } else {
    next_hops_.cache(Family::kIpv4).Flush(index, /*permanent=*/false);
    next_hops_.cache(Family::kIpv6).Flush(index, /*permanent=*/false);
    detection_.CancelAll(index);
    conflicts_.CancelAll(index);
    igmp_.InterfaceGone(index);
    mld_.InterfaceGone(index);
    state_.redirects.ForgetInterface(index);
  }
  state_.addresses.Rebuild();
  Invalidate();
  NotifyInterface(*interface, /*removed=*/false);
  discovery_.Reconsider(index);
  advertiser_.Reconsider(index);
  return absl::OkStatus();
}

absl::Status IpLayer::SetInterfaceRunning(InterfaceIndex index, bool running) {
  Interface* interface = state_.interfaces.Find(index);
  if (interface == nullptr) return NoInterface(index);
  if (interface->running == running) return absl::OkStatus();
  interface->running = running;
  if (running && interface->up) {
    DetectAnew(*interface);
    state_.addresses.Rebuild();
  }
  Invalidate();
  NotifyInterface(*interface, /*removed=*/false);
  return absl::OkStatus();
}

absl::Status IpLayer::SetInterfaceMtu(InterfaceIndex index, uint32_t mtu) {
  Interface* interface = state_.interfaces.Find(index);
  if (interface == nullptr) return NoInterface(index);
  if (absl::Status status = CheckMtu(mtu); !status.ok()) return status;
  if (interface->mtu == mtu) return absl::OkStatus();
  interface->mtu = mtu;
  Invalidate();
  NotifyInterface(*interface, /*removed=*/false);
  return absl::OkStatus();
}

absl::Status IpLayer::SetInterfaceMac(InterfaceIndex index, const MacAddress& mac) {
  Interface* interface = state_.interfaces.Find(index);
  if (interface == nullptr) return NoInterface(index);
  if (mac.IsMulticast()) return absl::InvalidArgumentError("a group address is no interface's");
  interface->mac = mac;
  Invalidate();
  NotifyInterface(*interface, /*removed=*/false);
  return absl::OkStatus();
}

absl::Status IpLayer::SetInterfaceName(InterfaceIndex index, std::string_view new_name) {
  const std::string name(new_name);
  Interface* interface = state_.interfaces.Find(index);
  if (interface == nullptr) return NoInterface(index);
  if (absl::Status status = CheckName(name); !status.ok()) return status;
  const Interface* holder = state_.interfaces.FindByName(name);
  if (holder != nullptr && holder != interface) {
    return absl::AlreadyExistsError(absl::StrCat("interface name ", name, " is taken"));
  }
  const InterfaceSysctls::Saved conf = interface_sysctls_.Unregister(*interface);
  interface->name = name;
  interface_sysctls_.Register(*interface, conf);
  NotifyInterface(*interface, /*removed=*/false);
  return absl::OkStatus();
}

void IpLayer::ConfChanged(Conf key, Interface* interface) {
  Invalidate();
  if (key == Conf::kReversePath) {
    for (const auto& each : state_.interfaces.all()) {
      each->checks_reverse_path = each->conf.larger(Conf::kReversePath) != 0;
    }
  }
  if (interface == nullptr) return;
  if (key == Conf::kForwardV6) RouterRoleChanged(*interface);
  if (key == Conf::kForwardV6 || key == Conf::kAcceptRa || key == Conf::kDisableV6) {
    discovery_.Reconsider(interface->index);
    advertiser_.Reconsider(interface->index);
  }
}

void IpLayer::NotifyInterface(const Interface& interface, bool removed) {
  for (StackObserver* observer : observers_) {
    observer->OnInterfaceChanged(interface.Info(), removed);
  }
}

}  // namespace moat::netstack
