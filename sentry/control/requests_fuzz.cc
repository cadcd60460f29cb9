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
#include "sentry/control/changes.h"
#include "sentry/control/proto_from_stack.h"

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
  return route;
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
  const size_t routes = world->stack.Routes().size();
  const absl::Status status = moat::sentry::ApplyOne(world->stack, fields);
  moat::sentry::Require(status.ok() || !status.message().empty());
  // A failed change changed nothing.
  if (!status.ok()) moat::sentry::Require(world->stack.Routes().size() == routes);
  const auto names = moat::sentry::NamesOf(world->stack);
  for (const auto& route : world->stack.Routes()) moat::sentry::ToProto(route, names);
  world->link.Clear();
  return 0;
}
