#include "netstack/ip/v6/auto_addresses.h"

#include <algorithm>
#include <optional>

#include "netstack/ip/v6/ndp_lifetime.h"
#include "netstack/ip/v6/stable_identifier.h"
#include "netstack/wire/bytes.h"

namespace moat::netstack {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kTwoHours = hours(2);        // RFC 4862 5.5.3 e
constexpr uint32_t kMaxDuplicates = 3;          // RFC 7217 IDGEN_RETRIES, RFC 8981 3.8
constexpr uint32_t kIdgenDelayMs = 1000;        // RFC 7217 7
constexpr Duration kRegenAdvance = seconds(5);  // RFC 8981 3.8, one probe of a second included
// Of 62 random bits the first draw is new, unless somebody chose the addresses or the randomness.
constexpr int kMaxDraws = 8;
// addr_gen_mode, as Linux.
constexpr int64_t kGenerateNone = 1, kGenerateStable = 2, kGenerateRandom = 3;

bool Covers(const NdpPrefix& prefix, const IpAddress& address) {
  return address.InPrefix(prefix.prefix, prefix.length);
}

}  // namespace

AutoAddresses::Context::Context(const Clock& clock, Random& random, SysctlTable& sysctls,
                                TableCounters& counters, Host& host)
    : clock_(clock),
      random_(random),
      tables_(counters),
      host_(host),
      given_up_(counters.table, "Ndp.AutoAddressesGivenUp"),
      stable_secret_(sysctls.Register({.name = "ipv6.conf.default.stable_secret",
                                       .valid = [](std::string_view text) {
                                         const auto key = IpAddress::Parse(text);
                                         return key.has_value() && key->is_v6();
                                       }})) {}

void AutoAddresses::Context::NeedSecret() {
  if (random_secret_.k0 == 0) random_secret_ = SipHashKey::Random(random_);
}

SipHashKey AutoAddresses::Context::Secret() const {
  const std::optional<IpAddress> key = IpAddress::Parse(stable_secret_->text());
  if (!key.has_value()) return random_secret_;
  return {LoadBe64(key->data()), LoadBe64(key->data() + 8)};
}

// --- What routers say ----------------------------------------------------------------------------

void AutoAddresses::FormLinkLocal(const Interface& interface) {
  if (interface.conf.own(Conf::kAddrGenMode) == kGenerateNone) return;
  for (const AssignedAddress& row : interface.addresses) {
    if (row.prefix.address.is_v6() && row.prefix.address.IsLinkLocal()) return;
  }
  static const uint8_t prefix[16] = {0xfe, 0x80};
  (void)Add(interface, IpAddress::V6(prefix), 0, kForever, kForever);
}

void AutoAddresses::NoteAdvertiser(const IpAddress& router, const NdpPrefix& prefix) {
  for (const Address& address : addresses_) {
    if (!Covers(prefix, address.prefix.address)) continue;
    context_.host_.SetAdvertiser(index_, address.prefix.address, router,
                                 prefix.valid_lifetime != 0);
  }
}

void AutoAddresses::Update(const Interface& interface, const NdpPrefix& prefix) {
  bool known = false;
  for (Address& address : addresses_) {
    if (!Covers(prefix, address.prefix.address)) continue;
    known = known || !address.temporary;
    UpdateLifetimes(interface, address, prefix);
    const bool deprecated = address.preferred <= Now();
    if (deprecated != address.deprecated) Deprecate(address, deprecated);
  }
  if (known) return RenewTemporary(interface, prefix);
  if (prefix.valid_lifetime == 0) return;
  (void)Add(interface, prefix.prefix, 0, NdpLifetime(prefix.valid_lifetime),
            NdpLifetime(prefix.preferred_lifetime));
}

// RFC 4862 5.5.3 e.
void AutoAddresses::UpdateLifetimes(const Interface& interface, Address& address,
                                    const NdpPrefix& prefix) {
  const Time now = Now();
  const Duration valid = NdpLifetime(prefix.valid_lifetime);
  const Time wanted = EndOf(valid, now);
  address.preferred = EndOf(NdpLifetime(prefix.preferred_lifetime), now);
  if (valid > kTwoHours || wanted > address.valid) {
    address.valid = wanted;
  } else if (address.valid > now + kTwoHours) {
    address.valid = now + kTwoHours;
  }
  if (!address.temporary) return;
  // RFC 8981 3.4: no later than the public one would, and than its own end.
  const Time end = address.created + seconds(interface.conf.own(Conf::kTempValidLifetime));
  const Time soft = address.created - address.desync +
                    seconds(interface.conf.own(Conf::kTempPreferredLifetime));
  address.valid = std::min(address.valid, end);
  address.preferred = std::min(address.preferred, soft);
}

void AutoAddresses::Deprecate(Address& address, bool deprecated) {
  address.deprecated = deprecated;
  context_.host_.SetDeprecated(index_, address.prefix.address, deprecated);
}

// --- New addresses -------------------------------------------------------------------------------

bool AutoAddresses::HasRoom() {
  if (addresses_.size() < kMax) return true;
  ++context_.tables_.full_auto_addresses;
  return false;
}

// RFC 7217 5: an identifier that this interface has already is as good as a duplicate.
bool AutoAddresses::ChooseIdentifier(const Interface& interface, const IpAddress& prefix,
                                     Address& address) {
  const int64_t mode = interface.conf.own(Conf::kAddrGenMode);
  const auto choose = [&] {
    const uint64_t identifier =
        mode == kGenerateStable ? StableIdentifier(context_.Secret(), prefix, interface.name,
                                                   interface.mac, address.dad_counter)
        : mode == kGenerateRandom ? RandomIdentifier(context_.random_)
                                  : EuiIdentifier(interface.mac);
    address.prefix = {WithIdentifier(prefix, identifier), 64};
    return interface.FindAddress(address.prefix.address) == nullptr;
  };
  while (!choose()) {
    // That of the link address would be the same again: somebody gave the interface this address.
    if (mode <= kGenerateNone) return false;
    if (address.dad_counter >= kMaxDuplicates) {
      ++context_.given_up_;
      return false;
    }
    ++address.dad_counter;
  }
  return true;
}

bool AutoAddresses::Add(const Interface& interface, const IpAddress& prefix, uint32_t dad_counter,
                        Duration valid, Duration preferred) {
  if (!HasRoom()) return false;
  Address address;
  address.dad_counter = dad_counter;
  if (!ChooseIdentifier(interface, prefix, address)) return false;
  address.created = Now();
  address.valid = EndOf(valid, address.created);
  address.preferred = EndOf(preferred, address.created);
  address.deprecated = preferred.count() == 0;
  AddressOptions options;
  const bool link_local = prefix.IsLinkLocal();
  options.no_prefix_route = !link_local;  // on-link is what the other flag says
  options.deprecated = address.deprecated;
  options.autoconfigured = !link_local;
  // RFC 7217 6: those who all had the same trouble do not go on in step.
  if (address.dad_counter > 0) {
    options.dad_delay = milliseconds(1 + context_.random_.Below(kIdgenDelayMs));
  }
  if (!context_.host_.AddAutoAddress(index_, address.prefix, options)) return false;
  addresses_.push_back(address);
  if (!link_local && interface.conf.own(Conf::kUseTempAddr) > 0) {
    AddTemporary(interface, address, 0);
  }
  return true;
}

// RFC 8981 3.3.1 (3): not one that this interface has already.
bool AutoAddresses::ChooseTemporary(const Interface& interface, const IpAddress& prefix,
                                    Address& address) {
  for (int draws = 0; draws < kMaxDraws; ++draws) {
    address.prefix = {WithIdentifier(prefix, RandomIdentifier(context_.random_)), 64};
    if (interface.FindAddress(address.prefix.address) == nullptr) return true;
  }
  ++context_.given_up_;
  return false;
}

// RFC 8981 3.4.
void AutoAddresses::AddTemporary(const Interface& interface, const Address& of, uint32_t tries) {
  if (!HasRoom()) return;
  const Time now = Now();
  Address address;
  address.temporary = true;
  address.dad_counter = tries;
  address.created = now;
  const int64_t preferred_seconds = interface.conf.own(Conf::kTempPreferredLifetime);
  // 3.8: up to 0.4 of the lifetime, so that addresses which began together do not change together.
  const auto most =
      static_cast<uint32_t>(std::clamp<int64_t>(preferred_seconds * 2 / 5, 1, 1 << 30));
  address.desync = seconds(context_.random_.Below(most));
  address.valid =
      std::min(of.valid, now + seconds(interface.conf.own(Conf::kTempValidLifetime)));
  address.preferred = std::min(of.preferred, now + seconds(preferred_seconds) - address.desync);
  if (address.preferred <= now + kRegenAdvance) return;  // not worth it
  if (!ChooseTemporary(interface, of.prefix.address, address)) return;
  AddressOptions options;
  options.no_prefix_route = true;
  options.autoconfigured = true;
  options.temporary = true;
  if (context_.host_.AddAutoAddress(index_, address.prefix, options)) {
    addresses_.push_back(address);
  }
}

// A public address whose time was extended may be worth a temporary one again (RFC 8981 3.4).
void AutoAddresses::RenewTemporary(const Interface& interface, const NdpPrefix& prefix) {
  if (interface.conf.own(Conf::kUseTempAddr) <= 0) return;
  const Time soon = Now() + kRegenAdvance;
  std::optional<Address> of;
  for (const Address& address : addresses_) {
    if (!Covers(prefix, address.prefix.address)) continue;
    // 3.4 (7): where every try was a duplicate, there are no more.
    if (address.temporary && (address.dead || address.preferred > soon)) return;
    if (address.dead) continue;
    if (!address.temporary) of = address;
  }
  if (!of.has_value() || of->preferred <= soon) return;
  for (Address& address : addresses_) {
    if (address.temporary && Covers(prefix, address.prefix.address)) address.regenerated = true;
  }
  AddTemporary(interface, *of, 0);
}

void AutoAddresses::Duplicate(const Interface& interface, const IpAddress& address) {
  const auto it =
      std::find_if(addresses_.begin(), addresses_.end(), [&](const Address& row) {
        return row.prefix.address == address && !row.dead;
      });
  if (it == addresses_.end()) return;
  const Address old = *it;
  // An identifier that is made from the link address (modes 0 and 1) would be the same again.
  const bool fixed = !old.temporary && interface.conf.own(Conf::kAddrGenMode) <= kGenerateNone;
  if (fixed || old.dad_counter >= kMaxDuplicates) {
    if (!fixed) ++context_.given_up_;
    it->dead = true;  // RFC 4862 5.4.5: stays, marked, until somebody looks at it
    return;
  }
  addresses_.erase(it);
  context_.host_.RemoveAutoAddress(index_, old.prefix);
  if (old.temporary) return AddTemporary(interface, old, old.dad_counter + 1);
  const Time now = Now();
  (void)Add(interface, old.prefix.address.Prefix(64), old.dad_counter + 1,
            LeftUntil(old.valid, now), LeftUntil(old.preferred, now));
}

// --- Time ----------------------------------------------------------------------------------------

void AutoAddresses::Expire(const Interface* interface) {
  const Time now = Now();
  for (Address& address : addresses_) {
    if (address.valid <= now) {
      context_.host_.RemoveAutoAddress(index_, address.prefix);
    } else if (address.preferred <= now && !address.deprecated) {
      Deprecate(address, true);
    }
  }
  std::erase_if(addresses_, [&](const Address& address) { return address.valid <= now; });
  if (interface == nullptr || interface->conf.own(Conf::kUseTempAddr) <= 0) return;
  AddSuccessors(*interface);
}

// RFC 8981 3.4: the successor comes a little before its predecessor is deprecated.
void AutoAddresses::AddSuccessors(const Interface& interface) {
  const Time soon = Now() + kRegenAdvance;
  std::vector<Address> successors;  // of which public address
  for (Address& address : addresses_) {
    if (!address.temporary || address.dead || address.regenerated || address.preferred > soon) {
      continue;
    }
    address.regenerated = true;
    for (const Address& other : addresses_) {
      if (!other.temporary && !other.dead &&
          other.prefix.address.InPrefix(address.prefix.address, 64)) {
        successors.push_back(other);
      }
    }
  }
  for (const Address& of : successors) AddTemporary(interface, of, 0);
}

Time AutoAddresses::NextChange() const {
  Time next = kNever;
  for (const Address& address : addresses_) {
    next = std::min(next, address.valid);
    if (!address.deprecated) next = std::min(next, address.preferred);
    if (address.temporary && !address.regenerated && !address.dead && address.preferred != kNever) {
      next = std::min(next, address.preferred - kRegenAdvance);
    }
  }
  return next;
}

void AutoAddresses::RemoveAll() {
  for (const Address& address : addresses_) {
    context_.host_.RemoveAutoAddress(index_, address.prefix);
  }
  addresses_.clear();
}

}  // namespace moat::netstack
