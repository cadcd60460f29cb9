// moatctl ID link: interfaces, as ip-link(8).
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "ctl/command.h"
#include "ctl/format.h"

namespace moat::ctl {
namespace {

constexpr char kNoHardwareAddress[] = "00:00:00:00:00:00";
constexpr char kBroadcastAddress[] = "ff:ff:ff:ff:ff:ff";

std::vector<std::string> Flags(const v1::Interface& interface) {
  std::vector<std::string> flags;
  if (interface.up() && !interface.carrier()) flags.push_back("NO-CARRIER");
  if (interface.loopback()) {
    flags.push_back("LOOPBACK");
  } else {
    flags.push_back("BROADCAST");
    flags.push_back("MULTICAST");
  }
  if (interface.up()) flags.push_back("UP");
  if (interface.up() && interface.carrier()) flags.push_back("LOWER_UP");
  return flags;
}

std::string OperationalState(const v1::Interface& interface) {
  if (!interface.up()) return "DOWN";
  if (interface.loopback()) return "UNKNOWN";  // as Linux has it
  return interface.carrier() ? "UP" : "DOWN";
}

absl::Status Show(Context& context, Args& args) {
  v1::ListInterfacesRequest request;
  args.TakeIf("dev");
  if (!args.empty()) request.set_interface(args.Take());
  if (absl::Status status = args.ExpectEnd(); !status.ok()) return status;
  v1::ListInterfacesResponse response;
  absl::Status status = context.client.Call(&v1::Sandbox::Stub::ListInterfaces, request, &response);
  if (!status.ok()) return status;
  Json list = Json::array();
  for (const v1::Interface& interface : response.interfaces()) {
    if (context.options.json) {
      list.push_back(LinkJson(interface, context.options.statistics));
    } else {
      context.out << LinkText(interface, context.options.statistics) << "\n";
    }
  }
  if (context.options.json) context.out << list.dump() << "\n";
  return absl::OkStatus();
}

absl::Status Set(Context& context, Args& args) {
  v1::SetInterfaceRequest request;
  if (args.empty() || (args.TakeIf("dev") && args.empty())) {
    return SyntaxError("link set needs an interface");
  }
  request.set_interface(args.Take());
  while (!args.empty()) {
    if (args.TakeIf("up")) {
      request.set_up(true);
    } else if (args.TakeIf("down")) {
      request.set_up(false);
    } else if (args.TakeIf("mtu")) {
      absl::StatusOr<uint32_t> mtu = args.Number("mtu");
      if (!mtu.ok()) return mtu.status();
      request.set_mtu_bytes(*mtu);
    } else {
      return SyntaxError(absl::StrCat("link set: \"", args.Peek(), "\" is not supported"));
    }
  }
  if (!request.has_up() && !request.has_mtu_bytes()) {
    return SyntaxError("link set needs up, down or mtu");
  }
  v1::SetInterfaceResponse response;
  return context.client.Call(&v1::Sandbox::Stub::SetInterface, request, &response);
}

constexpr Verb kVerbs[] = {
    {"show list", "[IF]", Show},
    {"set", "IF [up|down] [mtu N]", Set},
};

}  // namespace

const Object kLinkObject = {"link", "interfaces", kVerbs};

std::string LinkText(const v1::Interface& interface, bool statistics) {
  const bool loopback = interface.loopback();
  std::string text =
      absl::StrCat(interface.index(), ": ", interface.name(), ": <",
                   absl::StrJoin(Flags(interface), ","), "> mtu ", interface.mtu_bytes(), " state ",
                   OperationalState(interface), "\n    link/", loopback ? "loopback " : "ether ",
                   loopback ? kNoHardwareAddress : interface.hardware_address(), " brd ",
                   loopback ? kNoHardwareAddress : kBroadcastAddress);
  if (!statistics) return text;
  const v1::InterfaceCounters& counters = interface.counters();
  absl::StrAppendFormat(&text, "\n    RX: %10s %8s %7s %7s %7s\n        %10u %8u %7u %7u %7u",
                        "bytes", "packets", "errors", "dropped", "mcast", counters.received_bytes(),
                        counters.received_packets(), counters.received_errors(),
                        counters.received_dropped(), counters.received_multicast());
  absl::StrAppendFormat(&text, "\n    TX: %10s %8s %7s %7s\n        %10u %8u %7u %7u", "bytes",
                        "packets", "errors", "dropped", counters.sent_bytes(),
                        counters.sent_packets(), counters.sent_errors(), counters.sent_dropped());
  return text;
}

Json LinkJson(const v1::Interface& interface, bool statistics) {
  const bool loopback = interface.loopback();
  Json json = {
      {"ifindex", interface.index()},
      {"ifname", interface.name()},
      {"flags", Flags(interface)},
      {"mtu", interface.mtu_bytes()},
      {"operstate", OperationalState(interface)},
      {"link_type", loopback ? "loopback" : "ether"},
      {"address", loopback ? kNoHardwareAddress : interface.hardware_address()},
      {"broadcast", loopback ? kNoHardwareAddress : kBroadcastAddress},
  };
  if (!statistics) return json;
  const v1::InterfaceCounters& counters = interface.counters();
  json["stats64"] = {{"rx",
                      {{"bytes", counters.received_bytes()},
                       {"packets", counters.received_packets()},
                       {"errors", counters.received_errors()},
                       {"dropped", counters.received_dropped()},
                       {"multicast", counters.received_multicast()}}},
                     {"tx",
                      {{"bytes", counters.sent_bytes()},
                       {"packets", counters.sent_packets()},
                       {"errors", counters.sent_errors()},
                       {"dropped", counters.sent_dropped()}}}};
  return json;
}

}  // namespace moat::ctl
