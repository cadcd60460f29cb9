// Every change that an operator may ask for, with fields that are not what they should be. An input
// is lines: a letter that chooses the request, then its fields.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "netstack/stack/stack.h"
#include "netstack/testing/channel_link.h"
#include "netstack/testing/fake_clock.h"
#include "netstack/testing/seeded_random.h"
#include "sentry/control/advertisement_config.h"
#include "sentry/control/changes.h"
#include "sentry/control/policy_config.h"
#include "sentry/control/proto_from_stack.h"
#include "sentry/control/rule_config.h"

namespace moat::sentry {
namespace {

struct World {
  netstack::FakeClock clock;
  netstack::SeededRandom random{1};
  netstack::ChannelLink link;
  netstack::Stack stack{{.clock = &clock, .random = &random}};

  World() {
    stack.AddInterface({.index = 2, .name = "eth0", .mac = {{2, 0, 0, 0, 0, 2}}, .link = &link})
        .IgnoreError();
    stack.AddAddress(2, *netstack::Prefix::Parse("192.0.2.2/24"), {}).IgnoreError();
  }
};

// Fields by position; what is missing is empty.
class Fields {
 public:
  explicit Fields(std::vector<std::string> lines) : lines_(std::move(lines)) {}
  std::string Text(size_t i) const {
    // Protobuf's text fields are UTF-8, and the parser has refused anything else.
    std::string text = i < lines_.size() ? lines_[i] : "";
    for (char& c : text) c = static_cast<char>(c & 0x7f);
    return text;
  }
  uint32_t Number(size_t i) const {
    uint32_t value = 0;
    return absl::SimpleAtoi(Text(i), &value) ? value : 0;
  }

 private:
  std::vector<std::string> lines_;
};

v1::Route RouteOf(const Fields& fields) {
  v1::Route route;
  route.set_destination(fields.Text(1));
  route.set_gateway(fields.Text(2));
  route.set_interface(fields.Text(3));
  route.set_source(fields.Text(4));
  route.set_metric(fields.Number(5));
  route.set_type(static_cast<v1::Route::Type>(fields.Number(6)));
  route.set_protocol(fields.Number(7));
  route.set_mtu_bytes(fields.Number(8));
  route.set_table(fields.Number(9));
  return route;
}

v1::Rule RuleOf(const Fields& fields) {
  v1::Rule rule;
  rule.set_from(fields.Text(1));
  rule.set_to(fields.Text(2));
  rule.set_incoming_interface(fields.Text(3));
  rule.set_table(fields.Number(4));
  rule.set_type(static_cast<v1::Route::Type>(fields.Number(5)));
  rule.set_family(static_cast<v1::Family>(fields.Number(6)));
  if (!fields.Text(7).empty()) rule.set_priority(fields.Number(7));
  return rule;
}

v1::RouterAdvertisement AdvertisementOf(const Fields& fields) {
  v1::RouterAdvertisement out;
  out.set_interface(fields.Text(1));
  if (!fields.Text(2).empty()) out.set_max_interval_s(fields.Number(2));
  if (!fields.Text(3).empty()) out.set_min_interval_s(fields.Number(3));
  if (!fields.Text(4).empty()) out.set_lifetime_s(fields.Number(4));
  out.set_preference(static_cast<v1::RouterAdvertisement::Preference>(fields.Number(5)));
  out.set_hop_limit(fields.Number(6));
  out.set_mtu_bytes(fields.Number(7));
  for (const absl::string_view prefix : absl::StrSplit(fields.Text(8), ' ', absl::SkipEmpty())) {
    out.add_prefixes()->set_prefix(std::string(prefix));
  }
  for (const absl::string_view server : absl::StrSplit(fields.Text(9), ' ', absl::SkipEmpty())) {
    out.add_name_servers(std::string(server));
  }
  return out;
}

template <typename Request>
absl::Status ApplyWithPrefix(netstack::Stack& stack, const Fields& fields) {
  Request request;
  request.set_interface(fields.Text(1));
  request.set_prefix(fields.Text(2));
  return Apply(stack, request);
}

absl::Status ApplyOne(netstack::Stack& stack, const Fields& fields) {
  const std::string verb = fields.Text(0);
  switch (verb.empty() ? 'a' : verb[0]) {
    case 'a':
      return ApplyWithPrefix<v1::AddAddressRequest>(stack, fields);
    case 'b':
      return ApplyWithPrefix<v1::RemoveAddressRequest>(stack, fields);
    case 'r':
    case 's': {
      v1::AddRouteRequest request;
      *request.mutable_route() = RouteOf(fields);
      request.set_replace(verb[0] == 's');
      return Apply(stack, request);
    }
    case 't': {
      v1::RemoveRouteRequest request;
      *request.mutable_route() = RouteOf(fields);
      return Apply(stack, request);
    }
    case 'u': {
      v1::AddRuleRequest request;
      *request.mutable_rule() = RuleOf(fields);
      return Apply(stack, request);
    }
    case 'v': {
      v1::RemoveRuleRequest request;
      *request.mutable_rule() = RuleOf(fields);
      return Apply(stack, request);
    }
    case 'o': {
      v1::SetRouterAdvertisementRequest request;
      *request.mutable_advertisement() = AdvertisementOf(fields);
      return Apply(stack, request);
    }
    case 'p': {
      v1::UnsetRouterAdvertisementRequest request;
      request.set_interface(fields.Text(1));
      return Apply(stack, request);
    }
    case 'w':
    case 'x': {
      v1::AddAddressPolicyRequest request;
      request.mutable_policy()->set_prefix(fields.Text(1));
      request.mutable_policy()->set_label(fields.Number(2));
      if (!fields.Text(3).empty()) request.mutable_policy()->set_precedence(fields.Number(3));
      request.set_replace(verb[0] == 'x');
      return Apply(stack, request);
    }
    case 'z': {
      v1::RemoveAddressPolicyRequest request;
      request.set_prefix(fields.Text(1));
      return Apply(stack, request);
    }
    case 'n': {
      v1::AddNeighborRequest request;
      request.set_interface(fields.Text(1));
      request.set_address(fields.Text(2));
      request.set_hardware_address(fields.Text(3));
      return Apply(stack, request);
    }
    case 'l': {
      v1::SetInterfaceRequest request;
      request.set_interface(fields.Text(1));
      if (fields.Number(2) != 0) request.set_mtu_bytes(fields.Number(2));
      if (!fields.Text(3).empty()) request.set_up(fields.Text(3) == "up");
      return Apply(stack, request);
    }
    case 'y': {
      v1::SetSysctlRequest request;
      request.mutable_sysctl()->set_name(fields.Text(1));
      request.mutable_sysctl()->set_value(fields.Text(2));
      return Apply(stack, request);
    }
    default: {
      v1::FlushNeighborsRequest request;
      request.set_include_permanent(true);
      return Apply(stack, request).status();
    }
  }
}

void Require(bool condition) {
  if (!condition) __builtin_trap();
}

}  // namespace
}  // namespace moat::sentry

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using moat::sentry::World;
  static World* world = new World();
  static int inputs = 0;
  if (++inputs % 256 == 0) {  // tables stay small, and an input still meets what others left
    delete world;
    world = new World();
  }
  const std::string text(reinterpret_cast<const char*>(data), size);
  const moat::sentry::Fields fields(absl::StrSplit(text, '\n'));
  const auto entries = [] {
    const auto& stack = world->stack;
    return stack.Routes().size() + stack.Rules().size() + stack.RouterAdvertisements().size() +
           stack.AddressPolicies().size();
  };
  const size_t before = entries();
  const absl::Status status = moat::sentry::ApplyOne(world->stack, fields);
  moat::sentry::Require(status.ok() || !status.message().empty());
  // A failed change changed nothing.
  if (!status.ok()) moat::sentry::Require(entries() == before);
  const auto names = moat::sentry::NamesOf(world->stack);
  for (const auto& route : world->stack.Routes()) moat::sentry::ToProto(route, names);
  for (const auto& rule : world->stack.Rules()) moat::sentry::ToProto(rule);
  for (const auto& info : world->stack.RouterAdvertisements()) moat::sentry::ToProto(info, names);
  for (const auto& policy : world->stack.AddressPolicies()) moat::sentry::ToProto(policy);
  world->link.Clear();
  return 0;
}
