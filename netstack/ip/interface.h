// The interfaces of a stack: their links, addresses, groups and counters. Plain data: who changes
// it is IpLayer's configuration, and everything that must happen with a change happens there.
#ifndef MOAT_NETSTACK_IP_INTERFACE_H_
#define MOAT_NETSTACK_IP_INTERFACE_H_

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "netstack/ip/configuration.h"
#include "netstack/ip/group_table.h"
#include "netstack/ip/interface_conf.h"
#include "netstack/link/link.h"
#include "netstack/wire/address.h"
#include "netstack/wire/ipv6.h"

namespace moat::netstack {

struct AssignedAddress {
  Prefix prefix;
  AddressOptions options;
  bool tentative = false;  // RFC 4862: not ours yet
  bool duplicate = false;
  // The routers that advertised its prefix; none of an address that was given.
  std::vector<IpAddress> advertisers{};

  bool usable() const { return !tentative && !duplicate; }
  // As RFC 3927 has it. Link-local addresses that somebody gave us are like any other (as on
  // Linux).
  bool self_assigned() const {
    return options.detect_conflict && prefix.address.is_v4() && prefix.address.IsLinkLocal();
  }
};

struct Interface {
  InterfaceIndex index = 0;
  std::string name;
  MacAddress mac;
  uint32_t mtu = 0;
  bool up = false;
  bool running = false;
  bool loopback = false;
  bool removed = false;  // still held by routes, but gone
  Link* link = nullptr;  // null for the loopback interface, and after removal
  LinkCapabilities capabilities;
  InterfaceCounters counters;
  std::vector<AssignedAddress> addresses;
  InterfaceConf conf;
  uint32_t mtu_v6 = 0;               // what routers say (RFC 4861 4.6.4); 0: nothing
  bool is_router = false;            // has joined the groups of all IPv6 routers
  bool checks_reverse_path = false;  // rp_filter is not 0
  GroupTable groups;
  // Of the subnets' routers (RFC 4291 2.6.1), while this is one: the prefixes of `addresses` with
  // zeros, sorted.
  std::vector<IpAddress> anycasts;

  bool active() const { return up && !removed; }
  bool resolves() const { return !loopback && capabilities.has_ethernet_header; }
  // Not on a link with a smaller MTU than IPv6 asks of all (RFC 8200 5).
  bool Enabled(Family family) const {
    return family == Family::kIpv4 ||
           (conf.own(Conf::kDisableV6) == 0 && conf.registered() && mtu >= kIpv6MinMtu);
  }
  // Does it forward what arrives here for others?
  bool Forwards(Family family) const {
    return conf.own(family == Family::kIpv4 ? Conf::kForwardV4 : Conf::kForwardV6) != 0;
  }
  bool InGroup(const IpAddress& group) const { return groups.contains(group); }
  bool HasAnycast(const IpAddress& address) const {
    return std::binary_search(anycasts.begin(), anycasts.end(), address);
  }
  AssignedAddress* FindAddress(const IpAddress& address) {
    for (AssignedAddress& assigned : addresses) {
      if (assigned.prefix.address == address) return &assigned;
    }
    return nullptr;
  }
  const AssignedAddress* FindAddress(const IpAddress& address) const {
    return const_cast<Interface*>(this)->FindAddress(address);
  }
  InterfaceInfo Info() const {
    return {index, name, mac, mtu, up, running, loopback, counters};
  }
};

class InterfaceTable {
 public:
  // Null when there is none. The last one asked for is remembered: frames come in runs.
  Interface* Find(InterfaceIndex index) const {
    if (last_ != nullptr && last_->index == index) return last_;
    const auto it = by_index_.find(index);
    if (it == by_index_.end()) return nullptr;
    last_ = it->second.get();
    return last_;
  }
  std::shared_ptr<Interface> Share(InterfaceIndex index) const {
    const auto it = by_index_.find(index);
    return it == by_index_.end() ? nullptr : it->second;
  }
  Interface* FindByName(std::string_view name) const {
    for (const auto& interface : all_) {
      if (interface->name == name) return interface.get();
    }
    return nullptr;
  }
  void Add(std::shared_ptr<Interface> interface) {
    by_index_.emplace(interface->index, interface);
    all_.push_back(std::move(interface));
  }
  void Remove(InterfaceIndex index) {
    last_ = nullptr;
    by_index_.erase(index);
    std::erase_if(all_, [index](const auto& interface) { return interface->index == index; });
  }
  // In the order they were added; the loopback interface is first.
  const std::vector<std::shared_ptr<Interface>>& all() const { return all_; }

 private:
  absl::flat_hash_map<InterfaceIndex, std::shared_ptr<Interface>> by_index_;
  std::vector<std::shared_ptr<Interface>> all_;
  mutable Interface* last_ = nullptr;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_INTERFACE_H_
