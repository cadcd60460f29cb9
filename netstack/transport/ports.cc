#include "netstack/transport/ports.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

namespace moat::netstack {
namespace {

using PortRange = std::pair<uint16_t, uint16_t>;

std::optional<uint16_t> ParsePort(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

// "8080,9148,15000-15100", or nothing.
std::optional<std::vector<PortRange>> ParseRanges(std::string_view text) {
  std::vector<PortRange> ranges;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view word = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    const size_t dash = word.find('-');
    const std::optional<uint16_t> first = ParsePort(word.substr(0, dash));
    const std::optional<uint16_t> last =
        dash == std::string_view::npos ? first : ParsePort(word.substr(dash + 1));
    if (!first || !last || *first > *last) return std::nullopt;
    ranges.emplace_back(*first, *last);
  }
  return ranges;
}

bool Overlap(const PortClaim& a, const PortClaim& b) {
  const bool a_any = a.address.IsUnspecified();
  const bool b_any = b.address.IsUnspecified();
  if (a.address.family() == b.address.family()) return a_any || b_any || a.address == b.address;
  // Across families only the dual-stack wildcard reaches.
  const PortClaim& v6 = a.address.is_v6() ? a : b;
  return v6.address.IsUnspecified() && !v6.v6_only;
}

bool DevicesMeet(const PortClaim& a, const PortClaim& b) {
  return a.device == 0 || b.device == 0 || a.device == b.device;
}

}  // namespace

PortReservation& PortReservation::operator=(PortReservation&& other) noexcept {
  if (this == &other) return *this;
  Release();
  ports_ = std::exchange(other.ports_, nullptr);
  space_ = other.space_;
  port_ = std::exchange(other.port_, 0);
  claim_ = other.claim_;
  return *this;
}

void PortReservation::Release() {
  if (ports_ != nullptr) ports_->Remove(space_, port_, claim_);
  ports_ = nullptr;
  port_ = 0;
}

void PortReservation::Replace(const PortClaim& claim) {
  if (ports_ == nullptr || claim == claim_) return;
  ports_->Remove(space_, port_, claim_);
  claim_ = claim;
  ports_->Add(space_, port_, claim_);
}

Error PortReservation::SetListening(bool listening) {
  if (ports_ == nullptr) return Error::kInvalid;
  PortClaim claim = claim_;
  claim.listening = listening;
  if (listening && !claim_.listening) {
    ports_->Remove(space_, port_, claim_);
    const bool conflict = ports_->Conflicts(space_, port_, claim, PortAllocator::Reuse::kAllowed);
    ports_->Add(space_, port_, claim_);
    if (conflict) return Error::kAddressInUse;
  }
  Replace(claim);
  return Error::kOk;
}

void PortReservation::SetReuse(bool reuse_address, bool reuse_port) {
  PortClaim claim = claim_;
  claim.reuse_address = reuse_address;
  claim.reuse_port = reuse_port;
  Replace(claim);
}

void PortReservation::SetAddress(const IpAddress& address) {
  PortClaim claim = claim_;
  claim.address = address;
  Replace(claim);
}

PortReservation PortReservation::Share(const IpAddress& address) const {
  if (ports_ == nullptr) return {};
  PortClaim claim = claim_;
  claim.address = address;
  claim.listening = false;
  return ports_->Take(space_, port_, claim);
}

PortAllocator::PortAllocator(Random& random, SysctlTable& sysctls)
    : random_(random), key_(SipHashKey::Random(random)) {
  range_ = sysctls.Register({.name = "ipv4.ip_local_port_range",
                             .values = {32768, 60999},
                             .min = 1,
                             .max = 65535,
                             .consistent = [](const auto& v) { return v[0] <= v[1]; }});
  reserved_text_ = sysctls.Register(
      {.name = "ipv4.ip_local_reserved_ports",
       .valid = [](std::string_view text) { return ParseRanges(text).has_value(); },
       .changed = [this](const Sysctl& self) { reserved_ = *ParseRanges(self.text()); }});
  sysctls.Register(
      {.name = "ipv4.ip_unprivileged_port_start", .values = {1024}, .min = 0, .max = 65535});
}

bool PortAllocator::Conflicts(PortSpace space, uint16_t port, const PortClaim& claim,
                              Reuse reuse) const {
  const auto bucket = buckets_.find(Key(space, port));
  if (bucket == buckets_.end()) return false;
  for (const Holder& holder : bucket->second) {
    const PortClaim& other = holder.claim;
    if (!DevicesMeet(claim, other) || !Overlap(claim, other)) continue;
    if (reuse == Reuse::kIgnored) return true;
    if (claim.reuse_address && other.reuse_address && !other.listening) continue;
    if (claim.reuse_port && other.reuse_port) continue;
    return true;
  }
  return false;
}

void PortAllocator::Add(PortSpace space, uint16_t port, const PortClaim& claim) {
  Bucket& bucket = buckets_[Key(space, port)];
  for (Holder& holder : bucket) {
    if (holder.claim != claim) continue;
    ++holder.count;
    return;
  }
  bucket.push_back({claim, 1});
}

void PortAllocator::Remove(PortSpace space, uint16_t port, const PortClaim& claim) {
  const auto found = buckets_.find(Key(space, port));
  if (found == buckets_.end()) return;
  Bucket& bucket = found->second;
  const auto holder = std::find_if(bucket.begin(), bucket.end(),
                                   [&](const Holder& h) { return h.claim == claim; });
  if (holder == bucket.end() || --holder->count > 0) return;
  *holder = bucket.back();
  bucket.pop_back();
  if (bucket.empty()) buckets_.erase(found);
}

PortReservation PortAllocator::Take(PortSpace space, uint16_t port, const PortClaim& claim) {
  Add(space, port, claim);
  return PortReservation(this, space, port, claim);
}

bool PortAllocator::InUse(PortSpace space, uint16_t port) const {
  return buckets_.contains(Key(space, port));
}

bool PortAllocator::IsReserved(uint16_t port) const {
  return std::any_of(reserved_.begin(), reserved_.end(), [port](const PortRange& range) {
    return port >= range.first && port <= range.second;
  });
}

bool PortAllocator::OnlyByConnect(PortSpace space, uint16_t port) const {
  const auto bucket = buckets_.find(Key(space, port));
  if (bucket == buckets_.end()) return true;
  return std::all_of(bucket->second.begin(), bucket->second.end(),
                     [](const Holder& holder) { return holder.claim.by_connect; });
}

Result<PortReservation> PortAllocator::Reserve(PortSpace space, uint16_t port,
                                               const PortClaim& claim) {
  if (port == 0) return ReserveEphemeral(space, claim);
  if (Conflicts(space, port, claim, Reuse::kAllowed)) return Error::kAddressInUse;
  return Take(space, port, claim);
}

Result<PortReservation> PortAllocator::ReserveEphemeral(PortSpace space, const PortClaim& claim) {
  const uint32_t count = range_size();
  const uint32_t start = random_.Below(count);
  for (const Reuse reuse : {Reuse::kIgnored, Reuse::kAllowed}) {
    // connect() prefers the range's even offsets, so explicit binds begin with the odd ones.
    for (const uint32_t parity : {1u, 0u}) {
      for (uint32_t i = 0; i < count; i += 2) {
        const uint32_t offset = ((start & ~1u) + i + parity) % ((count + 1) & ~1u);
        if (offset >= count) continue;
        const uint16_t port = static_cast<uint16_t>(low() + offset);
        if (IsReserved(port) || Conflicts(space, port, claim, reuse)) continue;
        return Take(space, port, claim);
      }
    }
  }
  return Error::kAddressInUse;
}

Result<PortReservation> PortAllocator::ReserveForConnect(
    PortSpace space, const PortClaim& claim, const Endpoint& remote,
    absl::FunctionRef<bool(uint16_t port)> is_free) {
  PortClaim by_connect = claim;
  by_connect.by_connect = true;
  std::array<uint8_t, 34> tuple{};
  std::memcpy(tuple.data(), claim.address.data(), claim.address.size());
  std::memcpy(tuple.data() + 16, remote.address.data(), remote.address.size());
  std::memcpy(tuple.data() + 32, &remote.port, 2);
  const uint64_t hash = SipHash(key_, tuple);
  uint32_t& perturbation = perturbation_[hash >> 56];

  const uint32_t count = range_size();
  const uint32_t even = (count + 1) & ~1u;
  const uint32_t start = static_cast<uint32_t>((hash & 0xffffffff) + perturbation) % even & ~1u;
  for (const uint32_t parity : {0u, 1u}) {
    for (uint32_t i = 0; i < even; i += 2) {
      const uint32_t offset = (start + i + parity) % even;
      if (offset >= count) continue;
      const uint16_t port = static_cast<uint16_t>(low() + offset);
      if (IsReserved(port) || !OnlyByConnect(space, port) || !is_free(port)) continue;
      // A random step besides, so that one client's connections do not tell of another's.
      perturbation += i + 2 + 2 * random_.Below(4);
      return Take(space, port, by_connect);
    }
  }
  return Error::kAddressNotAvailable;
}

}  // namespace moat::netstack
