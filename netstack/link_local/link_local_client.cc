#include "netstack/link_local/link_local_client.h"

#include "absl/strings/str_cat.h"
#include "netstack/base/siphash.h"
#include "netstack/wire/bytes.h"

namespace moat::netstack {
namespace {

// RFC 3927 2.1: the first and the last 256 addresses of 169.254/16 are reserved.
constexpr uint32_t kFirst = 0x0100, kCount = 0xfe00;
// How many candidates in a row may be on the interface already, by somebody else's hand.
constexpr int kMaxTaken = 16;

bool IsCandidate(const IpAddress& address) {
  if (!address.is_v4() || !address.IsLinkLocal()) return false;
  const uint32_t low = LoadBe16(address.data() + 2);
  return low >= kFirst && low < kFirst + kCount;
}

}  // namespace

IpAddress LinkLocalCandidate(const MacAddress& mac, uint32_t attempt) {
  uint8_t seed[10];
  std::copy(mac.bytes.begin(), mac.bytes.end(), seed);
  StoreBe32(seed + 6, attempt);
  const auto low = static_cast<uint32_t>(kFirst + SipHash({}, seed) % kCount);
  return IpAddress::V4(169, 254, static_cast<uint8_t>(low >> 8), static_cast<uint8_t>(low));
}

LinkLocalClient::LinkLocalClient(Stack& stack, const LinkLocalOptions& options)
    : stack_(stack), options_(options) {
  stack_.AddObserver(this);
}

LinkLocalClient::~LinkLocalClient() {
  Stop();
  stack_.RemoveObserver(this);
}

absl::Status LinkLocalClient::Start() {
  if (state_ != State::kStopped) return absl::OkStatus();
  const std::optional<InterfaceInfo> interface = stack_.FindInterface(options_.interface);
  if (!interface.has_value()) {
    return absl::NotFoundError(absl::StrCat("no interface with index ", options_.interface));
  }
  mac_ = interface->mac;
  if (candidate_.IsUnspecified()) {
    if (options_.previous.has_value() && IsCandidate(*options_.previous)) {
      candidate_ = *options_.previous;
    } else {
      NextCandidate();
    }
  }
  return Claim();
}

void LinkLocalClient::Stop() {
  if (state_ == State::kStopped) return;
  state_ = State::kStopped;
  RemoveRoute();
  (void)stack_.RemoveAddress(options_.interface, Wanted());
  changed_ = false;
}

std::optional<IpAddress> LinkLocalClient::address() const {
  if (state_ != State::kBound) return std::nullopt;
  return candidate_;
}

void LinkLocalClient::NextCandidate() { candidate_ = LinkLocalCandidate(mac_, attempts_++); }

absl::Status LinkLocalClient::Claim() {
  AddressOptions options;
  options.detect_conflict = true;
  absl::Status status;
  for (int taken = 0; taken < kMaxTaken; ++taken) {
    status = stack_.AddAddress(options_.interface, Wanted(), options);
    if (!absl::IsAlreadyExists(status)) break;
    NextCandidate();
  }
  state_ = status.ok() ? State::kClaiming : State::kStopped;
  changed_ = status.ok();  // a link without ARP makes it ours at once
  return status;
}

void LinkLocalClient::Poll() {
  if (!changed_ || state_ == State::kStopped) return;
  changed_ = false;
  for (const AddressInfo& info : stack_.Addresses()) {
    if (info.interface != options_.interface || info.prefix != Wanted()) continue;
    if (info.duplicate) {  // RFC 3927 2.2.1, 2.5: another one
      Stop();
      NextCandidate();
      (void)Claim();
    } else if (info.tentative) {
      state_ = State::kClaiming;
    } else {
      state_ = State::kBound;
      AddRoute();
    }
    return;
  }
  // Somebody took the address away, or the interface. What is still asked for is claimed anew.
  RemoveRoute();
  (void)Claim();
}

void LinkLocalClient::AddRoute() {
  if (routed_ || !options_.reach_everybody) return;
  RouteInfo route;
  route.destination = {IpAddress::Any(Family::kIpv4), 0};
  route.interface = options_.interface;
  route.metric = options_.route_metric;
  route.scope = RouteScope::kLink;
  route.source = candidate_;
  routed_ = stack_.AddRoute(route).ok();
}

void LinkLocalClient::RemoveRoute() {
  if (!routed_) return;
  routed_ = false;
  RouteInfo route;
  route.destination = {IpAddress::Any(Family::kIpv4), 0};
  route.interface = options_.interface;
  route.metric = options_.route_metric;
  (void)stack_.RemoveRoute(route);
}

// --- Notes -------------------------------------------------------------------------------------

void LinkLocalClient::OnInterfaceChanged(const InterfaceInfo& interface, bool removed) {
  // An interface that comes up, or gets its carrier back, has its addresses probed for again.
  if (interface.index == options_.interface) changed_ = true;
}

void LinkLocalClient::OnAddressChanged(const AddressInfo& address, bool removed) {
  if (address.interface == options_.interface && address.prefix == Wanted()) changed_ = true;
}

}  // namespace moat::netstack
