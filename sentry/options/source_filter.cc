#include "sentry/options/source_filter.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include "sentry/abi/errno_map.h"

namespace moat::sentry {
namespace {

using netstack::Error;
using netstack::Family;
using netstack::InterfaceIndex;
using netstack::IpAddress;
using netstack::Result;
using netstack::SourceChange;
using netstack::SourceFilter;

// struct ip_msfilter and struct group_filter without a source.
constexpr size_t kFilter4Size = 16;
constexpr size_t kGroupFilterSize = 144;
static_assert(kFilter4Size + kMaxFilterSources * 4 <= kMaxOptionInput);
static_assert(kGroupFilterSize + kMaxFilterSources * sizeof(sockaddr_storage) <= kMaxOptionInput);

IpAddress FromIn(const in_addr& address) {
  return IpAddress::V4(reinterpret_cast<const uint8_t*>(&address.s_addr));
}

// The address in a sockaddr_storage; absent: of another family.
std::optional<IpAddress> FromStorage(const sockaddr_storage& storage, Family family) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(&storage);
  if (family == Family::kIpv4) {
    if (storage.ss_family != AF_INET) return std::nullopt;
    return IpAddress::V4(bytes + offsetof(sockaddr_in, sin_addr));
  }
  if (storage.ss_family != AF_INET6) return std::nullopt;
  return IpAddress::V6(bytes + offsetof(sockaddr_in6, sin6_addr));
}

sockaddr_storage ToStorage(const IpAddress& address) {
  sockaddr_storage storage{};
  const bool v4 = address.is_v4();
  storage.ss_family = v4 ? AF_INET : AF_INET6;
  const size_t at = v4 ? offsetof(sockaddr_in, sin_addr) : offsetof(sockaddr_in6, sin6_addr);
  std::copy_n(address.data(), address.size(), reinterpret_cast<uint8_t*>(&storage) + at);
  return storage;
}

// The interface that has `address`; 0 when that is unspecified. Absent: nobody has it.
std::optional<InterfaceIndex> InterfaceWith(const OptionTarget& target, const in_addr& address) {
  const IpAddress own = FromIn(address);
  if (own.IsUnspecified()) return 0;
  const InterfaceIndex found = target.host.InterfaceByAddress(own);
  if (found == 0) return std::nullopt;
  return found;
}

int Change(const OptionTarget& target, SourceChange change, const IpAddress& group,
           const IpAddress& source, InterfaceIndex interface) {
  if (!group.IsMulticast()) return EINVAL;
  if (target.datagram != nullptr) {
    return ToErrno(target.datagram->ChangeSource(change, group, source, interface));
  }
  if (interface == 0) return ENODEV;
  return change == SourceChange::kJoin ? EPROTO : EINVAL;  // not a member
}

int Set(const OptionTarget& target, const IpAddress& group, InterfaceIndex interface,
        uint32_t mode, SourceFilter filter) {
  if (!group.IsMulticast() || (mode != MCAST_INCLUDE && mode != MCAST_EXCLUDE)) return EINVAL;
  filter.exclude = mode == MCAST_EXCLUDE;
  if (target.datagram != nullptr) {
    return ToErrno(target.datagram->SetSourceFilter(group, interface, std::move(filter)));
  }
  if (interface == 0) return ENODEV;
  return filter.IsNothing() ? EADDRNOTAVAIL : EINVAL;
}

Result<SourceFilter> Get(const OptionTarget& target, const IpAddress& group,
                         InterfaceIndex interface) {
  if (target.datagram == nullptr) return Error::kAddressNotAvailable;
  return target.datagram->GetSourceFilter(group, interface);
}

// What both forms of a filter say before their sources, checked as Linux does: 0 or an errno.
int CheckCount(const OptionTarget& target, Family family, uint32_t count) {
  const bool v4 = family == Family::kIpv4;
  const int64_t most = target.host.Sysctl(v4 ? "ipv4.igmp_max_msf" : "ipv6.mld_max_msf", 0,
                                          v4 ? 10 : kMaxFilterSources);
  return count > kMaxFilterSources || count > most ? ENOBUFS : 0;
}

// How many sources are copied out: as many as there are, and as the caller has room for.
size_t Copied(const SourceFilter& filter, uint32_t room) {
  return std::min<size_t>({filter.sources.size(), room, kMaxFilterSources});
}

}  // namespace

int ChangeSource4(SourceChange change, const OptionTarget& target, const OptionInput& input) {
  if (input.length != sizeof(ip_mreq_source)) return EINVAL;
  if (int error = input.Need(sizeof(ip_mreq_source)); error != 0) return error;
  const auto request = input.As<ip_mreq_source>();
  const IpAddress group = FromIn(request.imr_multiaddr);
  if (!group.IsMulticast()) return EINVAL;
  const auto interface = InterfaceWith(target, request.imr_interface);
  if (!interface.has_value()) return ENODEV;
  return Change(target, change, group, FromIn(request.imr_sourceaddr), *interface);
}

int ChangeGroupSource(SourceChange change, Family family, const OptionTarget& target,
                      const OptionInput& input) {
  if (int error = input.Need(sizeof(group_source_req)); error != 0) return error;
  const auto request = input.As<group_source_req>();
  const auto group = FromStorage(request.gsr_group, family);
  const auto source = FromStorage(request.gsr_source, family);
  if (!group.has_value() || !source.has_value()) return EADDRNOTAVAIL;
  return Change(target, change, *group, *source,
                static_cast<InterfaceIndex>(request.gsr_interface));
}

int SetSourceFilter4(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(kFilter4Size); error != 0) return error;
  const auto count = LoadAt<uint32_t>(input.value, offsetof(ip_msfilter, imsf_numsrc));
  if (int error = CheckCount(target, Family::kIpv4, count); error != 0) return error;
  if (int error = input.Need(kFilter4Size + count * sizeof(in_addr)); error != 0) return error;
  const auto mode = LoadAt<uint32_t>(input.value, offsetof(ip_msfilter, imsf_fmode));
  const IpAddress group = FromIn(LoadAt<in_addr>(input.value, 0));
  if (!group.IsMulticast() || (mode != MCAST_INCLUDE && mode != MCAST_EXCLUDE)) return EINVAL;
  const auto interface = InterfaceWith(
      target, LoadAt<in_addr>(input.value, offsetof(ip_msfilter, imsf_interface)));
  if (!interface.has_value()) return ENODEV;
  SourceFilter filter;
  for (uint32_t i = 0; i < count; ++i) {
    filter.sources.push_back(
        FromIn(LoadAt<in_addr>(input.value, kFilter4Size + i * sizeof(in_addr))));
  }
  return Set(target, group, *interface, mode, std::move(filter));
}

ErrnoOr<OptionBytes> GetSourceFilter4(const OptionTarget& target, size_t length) {
  if (length < kFilter4Size) return Errno{EINVAL};
  if (target.get_input.size() < kFilter4Size) return Errno{EFAULT};
  const std::span<const uint8_t> asked = target.get_input.first(kFilter4Size);
  const IpAddress group = FromIn(LoadAt<in_addr>(asked, 0));
  if (!group.IsMulticast()) return Errno{EINVAL};
  const auto interface =
      InterfaceWith(target, LoadAt<in_addr>(asked, offsetof(ip_msfilter, imsf_interface)));
  if (!interface.has_value()) return Errno{ENODEV};
  const auto filter = Get(target, group, *interface);
  if (!filter.ok()) return Errno{ToErrno(filter.error())};
  std::vector<uint8_t> out(asked.begin(), asked.end());
  const size_t count = Copied(*filter, LoadAt<uint32_t>(asked, offsetof(ip_msfilter, imsf_numsrc)));
  StoreAt<uint32_t>(out, offsetof(ip_msfilter, imsf_fmode),
          filter->exclude ? MCAST_EXCLUDE : MCAST_INCLUDE);
  StoreAt<uint32_t>(out, offsetof(ip_msfilter, imsf_numsrc),
                    static_cast<uint32_t>(filter->sources.size()));
  for (size_t i = 0; i < count; ++i) {
    out.insert(out.end(), filter->sources[i].data(), filter->sources[i].data() + 4);
  }
  return OptionBytes(std::move(out));
}

int SetGroupFilter(Family family, const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(kGroupFilterSize); error != 0) return error;
  const auto count = LoadAt<uint32_t>(input.value, offsetof(group_filter, gf_numsrc));
  if (int error = CheckCount(target, family, count); error != 0) return error;
  if (int error = input.Need(kGroupFilterSize + count * sizeof(sockaddr_storage)); error != 0) {
    return error;
  }
  const auto storage = LoadAt<sockaddr_storage>(input.value, offsetof(group_filter, gf_group));
  // Only IPv4 looks at the families.
  const bool v4 = family == Family::kIpv4;
  sockaddr_storage typed = storage;
  if (!v4) typed.ss_family = AF_INET6;
  const auto group = FromStorage(typed, family);
  if (!group.has_value()) return EADDRNOTAVAIL;
  SourceFilter filter;
  for (uint32_t i = 0; i < count; ++i) {
    auto source = LoadAt<sockaddr_storage>(
        input.value, kGroupFilterSize + i * sizeof(sockaddr_storage));
    if (!v4) source.ss_family = AF_INET6;
    const auto address = FromStorage(source, family);
    if (!address.has_value()) return EADDRNOTAVAIL;
    filter.sources.push_back(*address);
  }
  const auto interface = LoadAt<uint32_t>(input.value, offsetof(group_filter, gf_interface));
  return Set(target, *group, static_cast<InterfaceIndex>(interface),
             LoadAt<uint32_t>(input.value, offsetof(group_filter, gf_fmode)), std::move(filter));
}

ErrnoOr<OptionBytes> GetGroupFilter(Family family, const OptionTarget& target, size_t length) {
  if (length < kGroupFilterSize) return Errno{EINVAL};
  if (target.get_input.size() < kGroupFilterSize) return Errno{EFAULT};
  const std::span<const uint8_t> asked = target.get_input.first(kGroupFilterSize);
  const auto group =
      FromStorage(LoadAt<sockaddr_storage>(asked, offsetof(group_filter, gf_group)), family);
  if (!group.has_value()) return Errno{family == Family::kIpv4 ? EINVAL : EADDRNOTAVAIL};
  if (!group->IsMulticast()) return Errno{EINVAL};
  const auto interface = LoadAt<uint32_t>(asked, offsetof(group_filter, gf_interface));
  // An interface must be named here.
  if (interface == 0) return Errno{EADDRNOTAVAIL};
  const auto filter = Get(target, *group, static_cast<InterfaceIndex>(interface));
  if (!filter.ok()) return Errno{EADDRNOTAVAIL};
  const size_t count =
      Copied(*filter, LoadAt<uint32_t>(asked, offsetof(group_filter, gf_numsrc)));
  std::vector<uint8_t> out(asked.begin(), asked.end());
  out.resize(kGroupFilterSize + count * sizeof(sockaddr_storage));
  StoreAt<uint32_t>(out, offsetof(group_filter, gf_fmode),
          filter->exclude ? MCAST_EXCLUDE : MCAST_INCLUDE);
  StoreAt<uint32_t>(out, offsetof(group_filter, gf_numsrc),
                    static_cast<uint32_t>(filter->sources.size()));
  for (size_t i = 0; i < count; ++i) {
    StoreAt<sockaddr_storage>(out, kGroupFilterSize + i * sizeof(sockaddr_storage),
                              ToStorage(filter->sources[i]));
  }
  return OptionBytes(std::move(out));
}

}  // namespace moat::sentry
