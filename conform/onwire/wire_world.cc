#include "conform/onwire/wire_world.h"

#include <unistd.h>

#include "conform/onwire/packet_cable.h"

namespace moat::conform {
namespace {

constexpr Duration kReadyWithin = 10s;

// What a namespace inherits or does by itself that would disturb; the rest stays as the kernel has
// it.
constexpr struct {
  const char* name;
  const char* value;
} kDeviceSysctls[] = {
    {"ipv4.conf.all.rp_filter", "0"},
    {"ipv4.conf.default.rp_filter", "0"},
    {"ipv4.ip_forward", "0"},
    {"ipv4.ping_group_range", "0 2147483647"},
    {"ipv6.conf.all.disable_ipv6", "0"},
    {"ipv6.conf.default.disable_ipv6", "0"},
};

absl::Status Prepare(const NetNamespace& tester, const NetNamespace& device, Setup setup) {
  for (const char* name : {"ipv6.conf.all.disable_ipv6", "ipv6.conf.default.disable_ipv6"}) {
    (void)tester.SetSysctl(name, "1");  // the tester's kernel is to be silent
  }
  for (const auto& [name, value] : kDeviceSysctls) {
    if (absl::Status status = device.SetSysctl(name, value); !status.ok()) return status;
  }
  if (setup == Setup::kAutoconf) return absl::OkStatus();
  // Addresses are given, not made; nor are routers asked for.
  (void)device.SetSysctl("ipv6.conf.default.addr_gen_mode", "1");
  (void)device.SetSysctl("ipv6.conf.default.router_solicitations", "0");
  return absl::OkStatus();
}

absl::Status MakeLink(const NetNamespace& tester, const NetNamespace& device, int port) {
  const std::string number = std::to_string(port);
  const std::string there = "/proc/" + std::to_string(getpid()) + "/fd/" +
                            std::to_string(device.fd());
  return tester.IpBatch("link add t" + number + " mtu 65535 type veth peer name eth" + number +
                        " address " + DeviceNode(port).mac.ToString() + " mtu 1500 netns " +
                        there + "\nlink set t" + number + " up\n");
}

std::string AddressLines(int port) {
  const Node node = DeviceNode(port);
  const std::string dev = " dev eth" + std::to_string(port);
  return "addr add " + Prefix{node.ip4, kPrefixLength4}.ToString() + " brd +" + dev + "\n" +
         "addr add " + Prefix{node.ip6, kPrefixLength6}.ToString() + dev + " nodad\n" +
         "addr add " + Prefix{node.link_local, kPrefixLength6}.ToString() + dev + " nodad\n";
}

absl::Status Configure(const NetNamespace& device, Setup setup, bool two_ports) {
  std::string lines = "link set lo up\n";
  const bool addresses = setup == Setup::kConfigured || setup == Setup::kNoRouter;
  for (int port = 0; port <= (two_ports ? 1 : 0); ++port) {
    if (setup != Setup::kAutoconf) lines += "link set eth" + std::to_string(port) + " up\n";
    if (addresses) lines += AddressLines(port);
  }
  if (setup == Setup::kConfigured) {
    lines += "route add default via " + RouterNode(0).ip4.ToString() + "\n";
    lines += "route add ::/0 via " + RouterNode(0).ip6.ToString() + " dev eth0\n";
  }
  if (absl::Status status = device.IpBatch(lines); !status.ok()) return status;
  for (int port = 0; port <= (two_ports ? 1 : 0); ++port) {
    absl::Status status = device.DisableOffloads("eth" + std::to_string(port));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// A host that no case knows asks for the device until it is answered to, by both versions.
absl::Status AwaitDevice(PacketCable& cable, bool v6) {
  Node asker = PeerNode(0);
  asker.mac = "02:00:00:00:00:fa";
  asker.ip4 = "192.0.2.250";
  asker.ip6 = "2001:db8::fa";
  const Node device = DeviceNode(0);
  const Frame question = v6 ? NeighborSolicitation(asker, device.ip6) : ArpAsk(asker, device.ip4);
  const Match answer = v6 ? NeighborAdvertisementFor(device.ip6) : ArpReply();
  while (cable.Now() < kReadyWithin) {
    cable.Send(0, question.Build());
    const Duration again = cable.Now() + 50ms;
    while (const auto seen = cable.Receive(again)) {
      if (answer(Packet::OfFrame(seen->bytes))) return absl::OkStatus();
    }
  }
  return absl::DeadlineExceededError("the device did not come up");
}

}  // namespace

absl::StatusOr<Report> RunOnWire(const Case& c, const std::string& kind,
                                 const Programs& programs) {
  const bool two_ports = (c.options.needs & kTwoPorts) != 0;
  const Setup setup = c.options.setup;
  NetNamespace device_network, tester_network;
  absl::Status status = device_network.Enter();
  if (status.ok()) status = tester_network.Enter();
  if (status.ok()) status = Prepare(tester_network, device_network, setup);
  if (status.ok()) status = MakeLink(tester_network, device_network, 0);
  if (status.ok() && two_ports) status = MakeLink(tester_network, device_network, 1);
  if (status.ok()) status = Configure(device_network, setup, two_ports);
  if (!status.ok()) return status;

  PacketCable cable;
  status = cable.Attach(0, "t0");
  if (status.ok() && two_ports) status = cable.Attach(1, "t1");
  if (!status.ok()) return status;

  auto device = MakeWireDevice(kind, device_network, two_ports);
  if (!device.ok()) return device.status();
  if (status = (*device)->Start(programs); !status.ok()) return status;
  if (setup == Setup::kConfigured || setup == Setup::kNoRouter) {
    for (const bool v6 : {false, true}) {
      if (v6 && ((*device)->abilities() & kIpv6) == 0) continue;
      if (status = AwaitDevice(cable, v6); !status.ok()) return status;
    }
  }
  cable.Restart();
  return RunCase(c, **device, cable, /*waivers=*/kind == "moat");
}

}  // namespace moat::conform
