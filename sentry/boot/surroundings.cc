#include "sentry/boot/surroundings.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "netstack/link/af_packet.h"

namespace moat::sentry {
namespace {

class SimpleLink final : public EventHandler {
 public:
  SimpleLink(Sandbox& sandbox, std::unique_ptr<netstack::AfPacketLink> link)
      : sandbox_(sandbox), link_(std::move(link)) {
    sandbox_.loop().Add(link_->fd(), EPOLLIN, this);
  }
  void OnEvents(uint32_t) override {
    frames_.clear();
    link_->ReceiveBatch(frames_, 64);
    for (auto& frame : frames_) sandbox_.stack().Receive(link_->interface(), std::move(frame));
  }
  netstack::AfPacketLink* link() { return link_.get(); }

 private:
  Sandbox& sandbox_;
  std::unique_ptr<netstack::AfPacketLink> link_;
  std::vector<netstack::RxFrame> frames_;
};

class SimpleSurroundings final : public Surroundings {
 public:
  std::vector<std::unique_ptr<SimpleLink>> links;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Surroundings>> Surroundings::Attach(Sandbox& sandbox,
                                                                   const std::string&,
                                                                   const std::string&) {
  auto out = std::make_unique<SimpleSurroundings>();
  ifaddrs* list = nullptr;
  getifaddrs(&list);
  for (ifaddrs* i = list; i != nullptr; i = i->ifa_next) {
    if (i->ifa_addr == nullptr || i->ifa_addr->sa_family != AF_PACKET) continue;
    if (std::string(i->ifa_name) == "lo") continue;
    netstack::AfPacketOptions options;
    options.name = i->ifa_name;
    auto link = netstack::AfPacketLink::Open(options);
    if (!link.ok()) return link.status();
    out->links.push_back(std::make_unique<SimpleLink>(sandbox, std::move(*link)));
    netstack::InterfaceOptions io;
    io.index = static_cast<int>(if_nametoindex(i->ifa_name));
    io.name = i->ifa_name;
    std::memcpy(io.mac.bytes.data(), reinterpret_cast<uint8_t*>(i->ifa_addr) + 12, 6);
    io.link = out->links.back()->link();
    auto status = sandbox.stack().AddInterface(io);
    if (!status.ok()) return status;
  }
  for (ifaddrs* i = list; i != nullptr; i = i->ifa_next) {
    if (i->ifa_addr == nullptr || std::string(i->ifa_name) == "lo") continue;
    netstack::Prefix prefix;
    if (i->ifa_addr->sa_family == AF_INET) {
      prefix.address = netstack::IpAddress::V4(
          reinterpret_cast<uint8_t*>(&reinterpret_cast<sockaddr_in*>(i->ifa_addr)->sin_addr));
      prefix.length = __builtin_popcount(
          reinterpret_cast<sockaddr_in*>(i->ifa_netmask)->sin_addr.s_addr);
    } else if (i->ifa_addr->sa_family == AF_INET6) {
      prefix.address = netstack::IpAddress::V6(
          reinterpret_cast<uint8_t*>(&reinterpret_cast<sockaddr_in6*>(i->ifa_addr)->sin6_addr));
      prefix.length = 64;
    } else {
      continue;
    }
    netstack::AddressOptions ao;
    ao.no_dad = true;
    auto status =
        sandbox.stack().AddAddress(static_cast<int>(if_nametoindex(i->ifa_name)), prefix, ao);
    if (!status.ok()) return status;
  }
  freeifaddrs(list);
  return out;
}

std::string DescribeCounters(const SentryCounters& c) {
  return absl::StrCat("calls ", c.calls, ", continued ", c.calls_continued, ", parked ",
                      c.calls_parked, ", stale ", c.calls_stale, ", answers lost ", c.answers_lost,
                      ", replayed ", c.answers_replayed, ", sockets ", c.sockets_created,
                      ", refused ", c.sockets_refused, ", direct connections ",
                      c.connections_direct, ", plain resets ", c.resets_plain,
                      ", datagrams dropped ", c.datagrams_dropped, ", metadata lost ",
                      c.metadata_lost, ", sweeps ", c.sweeps, ", spins hit ", c.spins_hit,
                      ", missed ", c.spins_missed);
}

}  // namespace moat::sentry
