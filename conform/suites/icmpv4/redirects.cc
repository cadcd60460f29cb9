// Redirects, as a host treats them.
#include "conform/bench/case.h"
#include "conform/bench/socket.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("icmpv4");

// The device has sent to the remote host through the router.
Packet PingRemote(Bench& b) {
  b.Ping(b.remote.ip4);
  return b.Expect(EchoRequest4() && To(b.remote.ip4) && Is(eth::kDestination, b.router.mac));
}

Frame Redirect(const Node& from, const Node& to, const Ip& gateway, const Packet& about) {
  return Ip4(from, to) / Icmp4(icmp4::kRedirect, 1).Set(icmp4::kGateway, gateway) /
         Raw(about.From(Kind::kIpv4));
}

void ExpectVia(Bench& b, const Node& gateway) {
  b.Wait(200ms);
  b.Forget();
  b.Ping(b.remote.ip4);
  b.Expect(EchoRequest4() && To(b.remote.ip4) && Is(eth::kDestination, gateway.mac));
}

CONFORM(30, MUST, "RFC 1122 3.2.2.2",
        "A redirect from the gateway in use changes the route to that destination.",
        {.needs = kPing | kSysctls}) {
  b.SetSysctl("ipv4.conf.all.accept_redirects", "1");
  b.SetSysctl("ipv4.conf.eth0.accept_redirects", "1");
  b.SetSysctl("ipv4.conf.eth0.secure_redirects", "0");
  b.SetSysctl("ipv4.conf.all.secure_redirects", "0");
  const Packet sent = PingRemote(b);
  // Twice: a device may want to resolve the new gateway first.
  b.Send(Redirect(b.router, b.device, b.peer.ip4, sent));
  b.Wait(300ms);
  b.Send(Redirect(b.router, b.device, b.peer.ip4, sent));
  ExpectVia(b, b.peer);
}

CONFORM(31, SHOULD, "RFC 1122 3.2.2.2",
        "A redirect to a gateway that is not on the network it came from is discarded.",
        {.needs = kPing}) {
  const Packet sent = PingRemote(b);
  b.Send(Redirect(b.router, b.device, "198.51.100.77", sent));
  ExpectVia(b, b.router);
}

CONFORM(32, SHOULD, "RFC 1122 3.2.2.2",
        "A redirect that does not come from the gateway in use is discarded.", {.needs = kPing}) {
  const Packet sent = PingRemote(b);
  b.Send(Redirect(b.other, b.device, b.peer.ip4, sent));
  ExpectVia(b, b.router);
}

CONFORM(33, SHOULD, "RFC 1122 3.2.2.2", "A host does not send redirects.") {
  Node stray = b.device;
  stray.ip4 = b.peer.ip4;  // for the peer, but sent to the device
  b.Send(Ping4(b.other, stray));
  b.ExpectNothing(Is(icmp4::kType, icmp4::kRedirect) || EchoRequest4());
}

}  // namespace
}  // namespace moat::conform
