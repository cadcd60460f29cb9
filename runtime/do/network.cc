#include "runtime/do/network.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/do/rtnetlink.h"
#include "runtime/fd/write_file.h"

namespace moat::runtime {
namespace {

constexpr int kNameTries = 16;
constexpr int kLoopbackIndex = 1;  // the first interface of every namespace

uint64_t RandomBits() {
  uint64_t bits = 0;
  if (::getrandom(&bits, sizeof bits, 0) != sizeof bits) bits = static_cast<uint64_t>(::getpid());
  return bits;
}

OwnedFd OpenOwnNamespace() { return OwnedFd(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)); }

// A new network namespace and a netlink socket in it. The calling thread comes back.
struct NewNamespace {
  OwnedFd fd;
  RtNetlink link;
};
absl::StatusOr<NewNamespace> MakeNamespace() {
  OwnedFd home = OpenOwnNamespace();
  if (!home.ok()) return absl::ErrnoToStatus(errno, "open /proc/self/ns/net");
  if (::unshare(CLONE_NEWNET) != 0) {
    return absl::ErrnoToStatus(errno, "make a network namespace");
  }
  OwnedFd fd = OpenOwnNamespace();
  absl::StatusOr<RtNetlink> link = RtNetlink::Open();
  // The kernel's own stack must not spend a second on asking for duplicates of an address that
  // netstack will use.
  WriteFileAt(AT_FDCWD, "/proc/sys/net/ipv6/conf/default/accept_dad", "0").IgnoreError();
  if (::setns(home.get(), CLONE_NEWNET) != 0) {
    return absl::ErrnoToStatus(errno, "return to the network namespace");
  }
  if (!fd.ok()) return absl::UnavailableError("open the new network namespace");
  if (!link.ok()) return link.status();
  return NewNamespace{.fd = std::move(fd), .link = *std::move(link)};
}

bool HasIpv6() { return ::access("/proc/sys/net/ipv6", F_OK) == 0; }

// One end: up, addressed; for the container's end the other one is the way out.
absl::Status Configure(RtNetlink& link, int index, const std::vector<IpPrefix>& addresses,
                       const std::vector<IpPrefix>& gateways) {
  absl::Status status = link.SetUp(index);
  for (const IpPrefix& address : addresses) status.Update(link.AddAddress(index, address));
  for (const IpPrefix& gateway : gateways) status.Update(link.AddDefaultRoute(index, gateway));
  return status;
}

}  // namespace

void DeleteHostInterface(const std::string& name) {
  absl::StatusOr<RtNetlink> link = RtNetlink::Open();
  if (link.ok()) link->DeleteLink(name).IgnoreError();
}

DoNetwork::~DoNetwork() {
  if (!host_interface_.empty()) DeleteHostInterface(host_interface_);
}

absl::StatusOr<std::unique_ptr<DoNetwork>> DoNetwork::Create(const DoNetworkOptions& options) {
  std::unique_ptr<DoNetwork> network(new DoNetwork);
  if (absl::Status status = network->Build(options); !status.ok()) return status;
  return network;
}

absl::Status DoNetwork::Build(const DoNetworkOptions& options) {
  absl::StatusOr<RtNetlink> host = RtNetlink::Open();
  if (!host.ok()) return host.status();
  const absl::StatusOr<std::vector<IpPrefix>> taken = host->TakenNetworks();
  if (!taken.ok()) return taken.status();

  absl::StatusOr<IpPair> v4 =
      options.ipv4 ? PairFor(*options.ipv4) : ChoosePair(AF_INET, *taken, RandomBits);
  if (!v4.ok()) return v4.status();
  ipv4_ = *v4;
  if (options.ipv6 || HasIpv6()) {
    absl::StatusOr<IpPair> v6 =
        options.ipv6 ? PairFor(*options.ipv6) : ChoosePair(AF_INET6, *taken, RandomBits);
    if (!v6.ok()) return v6.status();
    ipv6_ = *v6;
  }

  absl::StatusOr<NewNamespace> inside = MakeNamespace();
  if (!inside.ok()) return inside.status();
  namespace_ = std::move(inside->fd);
  absl::Status made = absl::UnknownError("");
  for (int i = 0; i < kNameTries && !made.ok(); ++i) {
    const std::string name =
        absl::StrCat("moat-", absl::Hex(RandomBits() & 0xffffffff, absl::kZeroPad8));
    made = host->AddVeth(name, kContainerInterface, namespace_.get());
    if (made.ok()) host_interface_ = name;
    if (!made.ok() && !absl::IsAlreadyExists(made)) return made;
  }
  if (!made.ok()) return made;

  std::vector<IpPrefix> outside_addresses, inside_addresses, gateways;
  for (const std::optional<IpPair>& pair : {ipv4_, ipv6_}) {
    if (!pair) continue;
    outside_addresses.push_back(pair->host);
    inside_addresses.push_back(pair->container);
    gateways.push_back(pair->host);
  }
  const absl::StatusOr<int> outer = host->InterfaceIndex(host_interface_);
  if (!outer.ok()) return outer.status();
  const absl::StatusOr<int> inner = inside->link.InterfaceIndex(kContainerInterface);
  if (!inner.ok()) return inner.status();
  absl::Status status = Configure(*host, *outer, outside_addresses, {});
  status.Update(inside->link.SetUp(kLoopbackIndex));
  status.Update(Configure(inside->link, *inner, inside_addresses, gateways));
  if (status.ok() && options.forward) status = Forward();
  return status;
}

absl::Status DoNetwork::Forward() const {
  const std::string v4 = absl::StrCat("/proc/sys/net/ipv4/conf/", host_interface_, "/forwarding");
  if (absl::Status status = WriteFileAt(AT_FDCWD, v4, "1"); !status.ok()) return status;
  if (!ipv6_) return absl::OkStatus();
  // IPv6 forwards per machine, until 6.17 gave each interface a switch of its own.
  const std::string v6 =
      absl::StrCat("/proc/sys/net/ipv6/conf/", host_interface_, "/force_forwarding");
  if (::access(v6.c_str(), F_OK) == 0) return WriteFileAt(AT_FDCWD, v6, "1");
  return absl::OkStatus();
}

}  // namespace moat::runtime
