#include "sentry/control/advertisement_config.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "sentry/control/stack_from_proto.h"

namespace moat::sentry {
namespace {

using netstack::AdvertisedPrefix;
using netstack::RouterAdvertisementOptions;

// Where a field of the stack's is narrower than the request's.
template <typename Field>
absl::Status Narrow(const char* name, uint32_t value, uint32_t most, Field* field) {
  if (value > most) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": ", value, " is greater than ", most));
  }
  *field = static_cast<Field>(value);
  return absl::OkStatus();
}

absl::Status ParseIntervals(const v1::RouterAdvertisement& request,
                            RouterAdvertisementOptions* options) {
  const uint32_t max = request.has_max_interval_s() ? request.max_interval_s() : 600;
  const uint32_t min =
      request.has_min_interval_s() ? request.min_interval_s() : std::max(3u, max * 33 / 100);
  const uint32_t lifetime = request.has_lifetime_s() ? request.lifetime_s() : 3 * max;
  absl::Status status = Narrow("max_interval_s", max, 1800, &options->max_interval);
  if (status.ok()) status = Narrow("min_interval_s", min, 1350, &options->min_interval);
  if (status.ok()) status = Narrow("lifetime_s", lifetime, 9000, &options->lifetime);
  if (!status.ok()) return status;
  options->name_server_lifetime =
      request.has_name_server_lifetime_s() ? request.name_server_lifetime_s() : 3 * max;
  return absl::OkStatus();
}

absl::StatusOr<AdvertisedPrefix> ParseAdvertised(const v1::AdvertisedPrefix& request) {
  absl::StatusOr<netstack::Prefix> prefix = ParseDestination("prefixes", request.prefix());
  if (!prefix.ok()) return prefix.status();
  AdvertisedPrefix out;
  out.prefix = *prefix;
  out.on_link = !request.off_link();
  out.autonomous = !request.not_autonomous();
  if (request.has_valid_s()) out.valid = request.valid_s();
  out.preferred =
      request.has_preferred_s() ? request.preferred_s() : std::min(out.preferred, out.valid);
  return out;
}

absl::Status ParsePrefixes(const v1::RouterAdvertisement& request,
                           RouterAdvertisementOptions* options) {
  if (static_cast<size_t>(request.prefixes_size()) > netstack::kMaxAdvertisedPrefixes) {
    return absl::InvalidArgumentError(
        absl::StrCat("prefixes: there may be ", netstack::kMaxAdvertisedPrefixes));
  }
  for (const v1::AdvertisedPrefix& prefix : request.prefixes()) {
    absl::StatusOr<AdvertisedPrefix> parsed = ParseAdvertised(prefix);
    if (!parsed.ok()) return parsed.status();
    for (const AdvertisedPrefix& other : options->prefixes) {
      if (other.prefix != parsed->prefix) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("prefixes: \"", parsed->prefix.ToString(), "\" is there twice"));
    }
    options->prefixes.push_back(*parsed);
  }
  return absl::OkStatus();
}

absl::Status ParseNameServers(const v1::RouterAdvertisement& request,
                              RouterAdvertisementOptions* options) {
  if (static_cast<size_t>(request.name_servers_size()) > netstack::kMaxAdvertisedNameServers) {
    return absl::InvalidArgumentError(
        absl::StrCat("name_servers: there may be ", netstack::kMaxAdvertisedNameServers));
  }
  for (const std::string& server : request.name_servers()) {
    absl::StatusOr<netstack::IpAddress> address = ParseAddress("name_servers", server);
    if (!address.ok()) return address.status();
    options->name_servers.push_back(*address);
  }
  return absl::OkStatus();
}

}  // namespace

v1::RouterAdvertisement ToProto(const netstack::RouterAdvertisementInfo& info,
                                const InterfaceNames& names) {
  const RouterAdvertisementOptions& options = info.options;
  v1::RouterAdvertisement out;
  const auto name = names.find(info.interface);
  if (name != names.end()) out.set_interface(name->second);
  out.set_interface_index(info.interface);
  out.set_advertising(info.advertising);
  out.set_max_interval_s(options.max_interval);
  out.set_min_interval_s(options.min_interval);
  out.set_lifetime_s(options.lifetime);
  out.set_preference(static_cast<v1::RouterAdvertisement::Preference>(options.preference));
  out.set_hop_limit(options.hop_limit);
  out.set_managed(options.managed);
  out.set_other(options.other);
  out.set_reachable_ms(options.reachable_ms);
  out.set_retransmit_ms(options.retransmit_ms);
  out.set_mtu_bytes(options.mtu.value_or(0));
  for (const AdvertisedPrefix& row : options.prefixes) {
    v1::AdvertisedPrefix* prefix = out.add_prefixes();
    prefix->set_prefix(row.prefix.ToString());
    prefix->set_off_link(!row.on_link);
    prefix->set_not_autonomous(!row.autonomous);
    prefix->set_valid_s(row.valid);
    prefix->set_preferred_s(row.preferred);
  }
  for (const netstack::IpAddress& server : options.name_servers) {
    out.add_name_servers(server.ToString());
  }
  out.set_name_server_lifetime_s(options.name_server_lifetime);
  return out;
}

absl::StatusOr<RouterAdvertisementOptions> AdvertisementToSet(
    const v1::RouterAdvertisement& request) {
  RouterAdvertisementOptions options;
  absl::Status status = ParseIntervals(request, &options);
  const uint32_t hop_limit = request.has_hop_limit() ? request.hop_limit() : options.hop_limit;
  if (status.ok()) status = Narrow("hop_limit", hop_limit, 255, &options.hop_limit);
  if (status.ok()) status = ParsePrefixes(request, &options);
  if (status.ok()) status = ParseNameServers(request, &options);
  if (!status.ok()) return status;
  if (!v1::RouterAdvertisement::Preference_IsValid(request.preference())) {
    return absl::InvalidArgumentError("preference: not one of RFC 4191's");
  }
  options.preference = static_cast<uint8_t>(request.preference());
  options.managed = request.managed();
  options.other = request.other();
  options.reachable_ms = request.reachable_ms();
  options.retransmit_ms = request.retransmit_ms();
  if (request.mtu_bytes() != 0) options.mtu = request.mtu_bytes();
  return options;
}

}  // namespace moat::sentry
