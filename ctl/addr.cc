// moatctl ID addr: addresses, as ip-address(8).
#include <arpa/inet.h>
#include <netinet/in.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "ctl/command.h"
#include "ctl/format.h"

namespace moat::ctl {
namespace {

// The part of a prefix before and after its slash.
std::string AddressOf(const std::string& prefix) { return prefix.substr(0, prefix.find('/')); }

int LengthOf(const std::string& prefix) {
  const size_t slash = prefix.find('/');
  int length;
  if (slash != std::string::npos && absl::SimpleAtoi(prefix.substr(slash + 1), &length)) {
    return length;
  }
  return FamilyOf(prefix) == v1::FAMILY_IPV4 ? 32 : 128;
}

const char* Scope(const std::string& prefix) {
  const std::string address = AddressOf(prefix);
  in6_addr v6;
  if (inet_pton(AF_INET6, address.c_str(), &v6) == 1) {
    if (IN6_IS_ADDR_LOOPBACK(&v6)) return "host";
    return IN6_IS_ADDR_LINKLOCAL(&v6) ? "link" : "global";
  }
  return absl::StartsWith(address, "127.") ? "host" : "global";
}

bool Wanted(const Options& options, const v1::InterfaceAddress& address) {
  return options.family == v1::FAMILY_ANY || options.family == FamilyOf(address.prefix());
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
    Json json = LinkJson(interface, context.options.statistics);
    json["addr_info"] = Json::array();
    std::string text = LinkText(interface, context.options.statistics);
    for (const v1::InterfaceAddress& address : interface.addresses()) {
      if (!Wanted(context.options, address)) continue;
      json["addr_info"].push_back(AddressJson(address));
      absl::StrAppend(&text, "\n    ", AddressText(address));
    }
    if (context.options.json) {
      list.push_back(std::move(json));
    } else {
      context.out << text << "\n";
    }
  }
  if (context.options.json) context.out << list.dump() << "\n";
  return absl::OkStatus();
}

// PREFIX dev IF, in either order.
struct Target {
  std::string prefix;
  std::string interface;
};

absl::StatusOr<Target> ParseTarget(Args& args) {
  Target target;
  while (!args.empty()) {
    if (args.TakeIf("dev")) {
      absl::StatusOr<std::string> interface = args.Value("dev");
      if (!interface.ok()) return interface.status();
      target.interface = *std::move(interface);
    } else if (target.prefix.empty()) {
      args.TakeIf("local");
      if (args.empty()) break;
      target.prefix = args.Take();
      if (FamilyOf(target.prefix) == v1::FAMILY_ANY) {
        return SyntaxError(absl::StrCat("\"", target.prefix, "\" is not an address"));
      }
    } else {
      return SyntaxError(absl::StrCat("addr: \"", args.Peek(), "\" is not supported"));
    }
  }
  if (target.prefix.empty()) return SyntaxError("addr needs an address, e.g. 192.0.2.1/24");
  if (target.interface.empty()) return SyntaxError("addr needs \"dev IF\"");
  return target;
}

absl::Status Add(Context& context, Args& args) {
  absl::StatusOr<Target> target = ParseTarget(args);
  if (!target.ok()) return target.status();
  v1::AddAddressRequest request;
  request.set_interface(target->interface);
  request.set_prefix(target->prefix);
  v1::AddAddressResponse response;
  return context.client.Call(&v1::Sandbox::Stub::AddAddress, request, &response);
}

absl::Status Delete(Context& context, Args& args) {
  absl::StatusOr<Target> target = ParseTarget(args);
  if (!target.ok()) return target.status();
  v1::RemoveAddressRequest request;
  request.set_interface(target->interface);
  request.set_prefix(target->prefix);
  v1::RemoveAddressResponse response;
  return context.client.Call(&v1::Sandbox::Stub::RemoveAddress, request, &response);
}

constexpr Verb kVerbs[] = {
    {"show list", "[IF]", Show},
    {"add", "PREFIX dev IF", Add},
    {"del delete", "PREFIX dev IF", Delete},
};

}  // namespace

const Object kAddrObject = {"addr address", "addresses of interfaces", kVerbs};

v1::Family FamilyOf(const std::string& address) {
  const std::string bare = AddressOf(address);
  in6_addr buffer;
  if (inet_pton(AF_INET, bare.c_str(), &buffer) == 1) return v1::FAMILY_IPV4;
  if (inet_pton(AF_INET6, bare.c_str(), &buffer) == 1) return v1::FAMILY_IPV6;
  return v1::FAMILY_ANY;
}

std::string AddressText(const v1::InterfaceAddress& address) {
  std::string text = FamilyOf(address.prefix()) == v1::FAMILY_IPV4 ? "inet " : "inet6 ";
  if (address.peer().empty()) {
    absl::StrAppend(&text, address.prefix());
  } else {
    absl::StrAppend(&text, AddressOf(address.prefix()), " peer ", address.peer(), "/",
                    LengthOf(address.prefix()));
  }
  if (!address.broadcast().empty()) absl::StrAppend(&text, " brd ", address.broadcast());
  absl::StrAppend(&text, " scope ", Scope(address.prefix()));
  if (address.duplicate()) absl::StrAppend(&text, " dadfailed");
  if (address.tentative()) absl::StrAppend(&text, " tentative");
  if (address.deprecated()) absl::StrAppend(&text, " deprecated");
  return absl::StrCat(text, " ", address.interface());
}

Json AddressJson(const v1::InterfaceAddress& address) {
  Json json = {{"family", FamilyOf(address.prefix()) == v1::FAMILY_IPV4 ? "inet" : "inet6"},
               {"local", AddressOf(address.prefix())}};
  if (!address.peer().empty()) json["address"] = address.peer();
  json["prefixlen"] = LengthOf(address.prefix());
  if (!address.broadcast().empty()) json["broadcast"] = address.broadcast();
  json["scope"] = Scope(address.prefix());
  if (address.duplicate()) json["dadfailed"] = true;
  if (address.tentative()) json["tentative"] = true;
  if (address.deprecated()) json["deprecated"] = true;
  json["label"] = address.interface();
  return json;
}

}  // namespace moat::ctl
