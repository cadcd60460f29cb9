#include "sentry/ioctl/interface_ioctl.h"

#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/sockios.h>
#include <linux/wireless.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sentry/abi/bytes.h"
#include "sentry/abi/sockaddr.h"
#include "sentry/netlink/route_encode.h"

namespace moat::sentry {
namespace {

using netstack::AddressInfo;
using netstack::Family;
using netstack::InterfaceInfo;
using netstack::IpAddress;

// struct ifreq: a name of 16 bytes, then a union of 24.
constexpr size_t kRequestSize = 40;
constexpr size_t kUnionOffset = IFNAMSIZ;
constexpr int kQueueLength = 1000;

static_assert(sizeof(ifreq) == kRequestSize);

class InterfaceRequest {
 public:
  std::span<uint8_t> bytes() { return bytes_; }
  std::span<const uint8_t> bytes() const { return bytes_; }

  std::string name() const {
    const auto* text = reinterpret_cast<const char*>(bytes_.data());
    return std::string(text, strnlen(text, IFNAMSIZ - 1));
  }
  void set_name(std::string_view name) {  // and a NUL; what follows is left, as Linux does
    const size_t size = std::min<size_t>(name.size(), IFNAMSIZ - 1);
    std::memcpy(bytes_.data(), name.data(), size);
    bytes_[size] = 0;
  }
  template <typename T>
  T value() const {
    return LoadAt<T>(bytes_, kUnionOffset);
  }
  template <typename T>
  void set_value(const T& value) {
    StoreAt(bytes_, kUnionOffset, value);
  }
  void set_address(const IpAddress& address) {
    const EncodedAddress encoded =
        EncodeSockaddr({.address = address, .port = 0, .scope = 0}, Family::kIpv4);
    std::memcpy(bytes_.data() + kUnionOffset, encoded.bytes.data(), encoded.size);
  }

 private:
  std::array<uint8_t, kRequestSize> bytes_{};
};

// --- Interfaces ----------------------------------------------------------------------------------

std::optional<InterfaceInfo> FindByName(const NetworkView& view, const std::string& name) {
  for (InterfaceInfo& interface : view.Interfaces()) {
    if (interface.name == name) return std::move(interface);
  }
  return std::nullopt;
}

using LinkGetter = int (*)(const InterfaceInfo& interface, InterfaceRequest& request);

int GetFlags(const InterfaceInfo& interface, InterfaceRequest& request) {
  request.set_value(static_cast<uint16_t>(InterfaceFlags(interface)));
  return 0;
}
int GetIndex(const InterfaceInfo& interface, InterfaceRequest& request) {
  request.set_value(interface.index);
  return 0;
}
int GetMtu(const InterfaceInfo& interface, InterfaceRequest& request) {
  request.set_value(static_cast<int>(interface.mtu));
  return 0;
}
int GetMetric(const InterfaceInfo&, InterfaceRequest& request) {
  request.set_value(0);
  return 0;
}
int GetQueueLength(const InterfaceInfo&, InterfaceRequest& request) {
  request.set_value(kQueueLength);
  return 0;
}
int GetMap(const InterfaceInfo&, InterfaceRequest& request) {
  request.set_value(ifmap{});
  return 0;
}
int GetHardwareAddress(const InterfaceInfo& interface, InterfaceRequest& request) {
  sockaddr address{};
  address.sa_family = interface.loopback ? ARPHRD_LOOPBACK : ARPHRD_ETHER;
  std::memcpy(address.sa_data, interface.mac.bytes.data(), interface.mac.bytes.size());
  request.set_value(address);
  return 0;
}
int RefuseSlave(const InterfaceInfo&, InterfaceRequest&) { return EINVAL; }
int RefuseFeature(const InterfaceInfo&, InterfaceRequest&) { return EOPNOTSUPP; }

struct LinkRow {
  uint32_t request;
  LinkGetter get;
};
constexpr LinkRow kLinkRows[] = {
    {SIOCGIFFLAGS, GetFlags},     {SIOCGIFINDEX, GetIndex},
    {SIOCGIFMTU, GetMtu},         {SIOCGIFMETRIC, GetMetric},
    {SIOCGIFTXQLEN, GetQueueLength}, {SIOCGIFMAP, GetMap},
    {SIOCGIFHWADDR, GetHardwareAddress},
    {SIOCGIFSLAVE, RefuseSlave},  {SIOCETHTOOL, RefuseFeature},
    {SIOCBONDINFOQUERY, RefuseFeature}, {SIOCBONDSLAVEINFOQUERY, RefuseFeature},
    {SIOCWANDEV, RefuseFeature},
};

// --- IPv4 addresses ------------------------------------------------------------------------------

IpAddress MaskOf(int length) {
  const uint32_t bits = length == 0 ? 0 : ~uint32_t{0} << (32 - length);
  const std::array<uint8_t, 4> bytes = {
      static_cast<uint8_t>(bits >> 24), static_cast<uint8_t>(bits >> 16),
      static_cast<uint8_t>(bits >> 8), static_cast<uint8_t>(bits)};
  return IpAddress::V4(bytes.data());
}

using AddressGetter = IpAddress (*)(const AddressInfo& address);

IpAddress GetAddress(const AddressInfo& address) { return address.prefix.address; }
IpAddress GetDestination(const AddressInfo& address) {
  return address.options.peer.value_or(address.prefix.address);
}
IpAddress GetBroadcast(const AddressInfo& address) {
  return address.options.broadcast.value_or(IpAddress::Any(Family::kIpv4));
}
IpAddress GetMask(const AddressInfo& address) { return MaskOf(address.prefix.length); }

struct AddressRow {
  uint32_t request;
  AddressGetter get;
};
constexpr AddressRow kAddressRows[] = {
    {SIOCGIFADDR, GetAddress},
    {SIOCGIFDSTADDR, GetDestination},
    {SIOCGIFBRDADDR, GetBroadcast},
    {SIOCGIFNETMASK, GetMask},
};

std::vector<AddressInfo> Ipv4AddressesOf(const NetworkView& view, netstack::InterfaceIndex index) {
  std::vector<AddressInfo> out;
  for (const AddressInfo& address : view.Addresses()) {
    if (address.prefix.address.is_v4() && address.interface == index) out.push_back(address);
  }
  return out;
}

int AnswerAddress(const AddressRow& row, const NetworkView& view, InterfaceRequest& request) {
  const std::string name = request.name();
  const auto interface = FindByName(view, name.substr(0, name.find(':')));
  if (!interface.has_value()) return ENODEV;
  const std::vector<AddressInfo> addresses = Ipv4AddressesOf(view, interface->index);
  // Aliases (eth0:1) are labels of addresses, of which there are none.
  if (addresses.empty() || name.find(':') != std::string::npos) return EADDRNOTAVAIL;
  // A program may name one of several addresses; the first is answered for otherwise.
  const AddressInfo* chosen = &addresses.front();
  const auto asked = request.value<sockaddr>();
  if (asked.sa_family == AF_INET) {
    const IpAddress wanted =
        IpAddress::V4(reinterpret_cast<const uint8_t*>(asked.sa_data) + sizeof(uint16_t));
    for (const AddressInfo& address : addresses) {
      if (address.prefix.address == wanted) chosen = &address;
    }
  }
  request.set_address(row.get(*chosen));
  return 0;
}

// --- SIOCGIFCONF: every IPv4 address with its interface's name -----------------------------------

int ListAddresses(uint64_t argument, const NetworkView& view, const IoctlMemory& memory) {
  struct Configuration {  // struct ifconf
    int32_t length;
    uint32_t padding;
    uint64_t buffer;
  };
  std::array<uint8_t, sizeof(Configuration)> image{};
  if (!memory.Read(argument, image)) return EFAULT;
  auto configuration = LoadAt<Configuration>(image, 0);
  std::vector<uint8_t> entries;
  for (const InterfaceInfo& interface : view.Interfaces()) {
    for (const AddressInfo& address : Ipv4AddressesOf(view, interface.index)) {
      InterfaceRequest entry;
      entry.set_name(interface.name);
      entry.set_address(address.prefix.address);
      const bool counting = configuration.buffer == 0;
      if (!counting &&
          static_cast<int64_t>(entries.size() + kRequestSize) > configuration.length) {
        break;
      }
      entries.insert(entries.end(), entry.bytes().begin(), entry.bytes().end());
    }
  }
  if (configuration.buffer != 0 && !memory.Write(configuration.buffer, entries)) return EFAULT;
  configuration.length = static_cast<int32_t>(entries.size());
  return memory.Write(argument, BytesOf(configuration.length)) ? 0 : EFAULT;
}

// --- ARP -----------------------------------------------------------------------------------------

// SIOCGARP: struct arpreq {protocol address, hardware address, flags, netmask, device}.
int LookUpArp(uint64_t argument, const NetworkView& view, const IoctlMemory& memory) {
  std::array<uint8_t, sizeof(arpreq)> image{};
  if (!memory.Read(argument, image)) return EFAULT;
  auto request = LoadAt<arpreq>(image, 0);
  if (request.arp_pa.sa_family != AF_INET) return EPFNOSUPPORT;
  const IpAddress wanted =
      IpAddress::V4(reinterpret_cast<const uint8_t*>(request.arp_pa.sa_data) + sizeof(uint16_t));
  const std::string name(request.arp_dev, strnlen(request.arp_dev, sizeof(request.arp_dev)));
  netstack::InterfaceIndex only = 0;
  if (!name.empty()) {
    const auto interface = FindByName(view, name);
    if (!interface.has_value()) return ENODEV;
    only = interface->index;
  }
  for (const netstack::NeighborInfo& neighbor : view.Neighbors()) {
    if (neighbor.address != wanted || (only != 0 && neighbor.interface != only)) continue;
    if (neighbor.state == netstack::NeighborState::kIncomplete ||
        neighbor.state == netstack::NeighborState::kFailed) {
      continue;
    }
    request.arp_ha = sockaddr{};
    request.arp_ha.sa_family = ARPHRD_ETHER;
    std::memcpy(request.arp_ha.sa_data, neighbor.mac.bytes.data(), neighbor.mac.bytes.size());
    const bool permanent = neighbor.state == netstack::NeighborState::kPermanent;
    request.arp_flags = ATF_COM | (permanent ? ATF_PERM : 0);
    return memory.Write(argument, BytesOf(request)) ? 0 : EFAULT;
  }
  return ENXIO;
}

// --- Refusals ------------------------------------------------------------------------------------

struct Refusal {
  uint32_t first, last;
  int error;   // on IPv4 sockets
  int error6;  // on IPv6 sockets
};
constexpr uint32_t kSiocSetEncapsulation = 0x8930;
constexpr Refusal kRefusals[] = {
    {SIOCADDRT, SIOCDELRT, EPERM, EPERM},
    {SIOCRTMSG, SIOCRTMSG, EINVAL, ENOTTY},
    {SIOCSIFFLAGS, SIOCSIFFLAGS, EPERM, EPERM},
    {SIOCSIFADDR, SIOCSIFADDR, EPERM, EPERM},
    {SIOCSIFDSTADDR, SIOCSIFDSTADDR, EPERM, ENODEV},
    {SIOCSIFBRDADDR, SIOCSIFBRDADDR, EPERM, ENOTTY},
    {SIOCSIFNETMASK, SIOCSIFNETMASK, EPERM, ENOTTY},
    {SIOCSIFMETRIC, SIOCSIFMETRIC, EPERM, EPERM},
    {SIOCSIFMTU, SIOCSIFNAME, EPERM, EPERM},
    {SIOCSIFHWADDR, SIOCSIFHWADDR, EPERM, EPERM},
    {kSiocSetEncapsulation, kSiocSetEncapsulation, EPERM, EPERM},
    {SIOCADDMULTI, SIOCDELMULTI, EPERM, EPERM},
    {SIOCSIFPFLAGS, SIOCGIFPFLAGS, EINVAL, ENOTTY},
    {SIOCDIFADDR, SIOCDIFADDR, ENOTTY, EPERM},
    {SIOCSIFHWBROADCAST, SIOCSIFHWBROADCAST, EPERM, EPERM},
    {SIOCGIFBR, SIOCSIFBR, EOPNOTSUPP, EOPNOTSUPP},
    {SIOCSIFTXQLEN, SIOCSIFTXQLEN, EPERM, EPERM},
    {SIOCGMIIPHY, SIOCSMIIREG, EPERM, EPERM},
    {SIOCDARP, SIOCDARP, EPERM, ENOTTY},
    {SIOCSARP, SIOCSARP, EPERM, ENOTTY},
    {SIOCSIFMAP, SIOCSIFMAP, EPERM, EPERM},
    {SIOCGIFVLAN, SIOCSIFVLAN, ENOPKG, ENOPKG},
    {SIOCBONDENSLAVE, SIOCBONDSETHWADDR, EPERM, EPERM},
    {SIOCBONDCHANGEACTIVE, SIOCBONDCHANGEACTIVE, EPERM, EPERM},
    {SIOCBRADDBR, SIOCBRDELIF, EPERM, EPERM},
};

// fd-level requests of sockets that have nothing to do with the network.
constexpr Refusal kNative[] = {
    {FIOSETOWN, SIOCGPGRP, 0, 0},
};

const Refusal* FindIn(std::span<const Refusal> table, uint32_t request) {
  for (const Refusal& row : table) {
    if (request >= row.first && request <= row.last) return &row;
  }
  return nullptr;
}

// --- One struct ifreq in, one out ----------------------------------------------------------------

int AnswerName(const NetworkView& view, InterfaceRequest& request) {
  const int index = request.value<int>();
  for (const InterfaceInfo& interface : view.Interfaces()) {
    if (interface.index != index) continue;
    request.set_name(interface.name);
    return 0;
  }
  return ENODEV;
}

bool IsWireless(uint32_t number) { return number >= SIOCIWFIRST && number <= SIOCIWLASTPRIV; }
bool IsPrivate(uint32_t number) {
  return number >= SIOCDEVPRIVATE && number <= SIOCDEVPRIVATE + 15;
}

// ENOTTY: no such request.
int AnswerRequest(uint32_t number, Family family, const NetworkView& view,
                  InterfaceRequest& request) {
  if (number == SIOCGIFNAME) return AnswerName(view, request);
  for (const AddressRow& row : kAddressRows) {
    if (row.request != number) continue;
    return family == Family::kIpv4 ? AnswerAddress(row, view, request) : ENOTTY;
  }
  const std::string name = request.name();
  const auto interface = FindByName(view, name.substr(0, name.find(':')));
  for (const LinkRow& row : kLinkRows) {
    if (row.request != number) continue;
    return interface.has_value() ? row.get(*interface, request) : ENODEV;
  }
  if (IsWireless(number) || IsPrivate(number)) return interface.has_value() ? EOPNOTSUPP : ENODEV;
  return ENOTTY;
}

bool TakesInterfaceRequest(uint32_t number) {
  if (number == SIOCGIFNAME || IsWireless(number) || IsPrivate(number)) return true;
  for (const AddressRow& row : kAddressRows) {
    if (row.request == number) return true;
  }
  for (const LinkRow& row : kLinkRows) {
    if (row.request == number) return true;
  }
  return false;
}

}  // namespace

IoctlOutcome InterfaceIoctl(uint32_t request, uint64_t argument, Family family,
                            const NetworkView& view, const IoctlMemory& memory) {
  if (FindIn(kNative, request) != nullptr) return {.error = 0, .native = true};
  if (const Refusal* refusal = FindIn(kRefusals, request); refusal != nullptr) {
    return {.error = family == Family::kIpv4 ? refusal->error : refusal->error6};
  }
  if (request == SIOCGIFCONF) return {.error = ListAddresses(argument, view, memory)};
  if (request == SIOCGARP && family == Family::kIpv4) {
    return {.error = LookUpArp(argument, view, memory)};
  }
  if (!TakesInterfaceRequest(request)) return {.error = ENOTTY};
  InterfaceRequest data;
  if (!memory.Read(argument, data.bytes())) return {.error = EFAULT};
  if (request == SIOCETHTOOL) {  // the command is looked at first
    std::array<uint8_t, sizeof(uint32_t)> command{};
    if (!memory.Read(data.value<uint64_t>(), command)) return {.error = EFAULT};
  }
  const int error = AnswerRequest(request, family, view, data);
  if (error != 0) return {.error = error};
  return {.error = memory.Write(argument, data.bytes()) ? 0 : EFAULT};
}

}  // namespace moat::sentry
