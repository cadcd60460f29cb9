// What is believed: the cache's contents, seen by where the device's packets go.
#include "conform/bench/case.h"
#include "conform/bench/socket.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("arp");

// The device has learned the peer's link address from its request.
void LearnPeer(Bench& b) {
  b.StopAnswering();
  b.Send(ArpAsk(b.peer, b.device.ip4));
  b.Expect(ArpReply() && Is(arp::kTargetIp, b.peer.ip4));
}

// The device's next packet to the peer goes straight to `mac`.
void ExpectKnownAs(Bench& b, const Mac& mac) {
  b.Forget();
  b.Ping(b.peer.ip4);
  b.Expect(EchoRequest4() && To(b.peer.ip4) && Is(eth::kDestination, mac));
}

// The device has to ask for the peer.
void ExpectUnknown(Bench& b) {
  b.Forget();
  b.Ping(b.peer.ip4);
  b.Expect(ArpRequestFor(b.peer.ip4) && Is(eth::kDestination, Mac::Broadcast()));
  b.ExpectNothing(EchoRequest4(), 100ms);
}

// Some devices hold on to a fresh entry for a second against updates.
void LetAge(Bench& b) { b.Wait(1500ms); }

Frame WithMac(const Frame& frame, const Mac& mac) {
  return frame.Set(arp::kSenderMac, mac).Set(eth::kSource, mac);
}

CONFORM(31, MUST, "RFC 826, Packet Reception",
        "The sender of a request to the device is entered into the cache.", {.needs = kPing}) {
  LearnPeer(b);
  ExpectKnownAs(b, b.peer.mac);
}

CONFORM(32, MUST, "RFC 826, Packet Reception",
        "The sender of a request for another host is not entered into the cache.",
        {.needs = kPing}) {
  b.StopAnswering();
  b.Send(ArpAsk(b.peer, b.other.ip4));
  ExpectUnknown(b);
}

CONFORM(33, MUST, "RFC 826, Packet Reception",
        "A request for another host updates its sender's entry (the merge flag).",
        {.needs = kPing}) {
  LearnPeer(b);
  LetAge(b);
  b.Send(WithMac(ArpAsk(b.peer, b.other.ip4), b.other.mac));
  ExpectKnownAs(b, b.other.mac);
}

CONFORM(34, MUST, "RFC 826, Packet Reception",
        "A request to the device updates its sender's entry.", {.needs = kPing}) {
  LearnPeer(b);
  LetAge(b);
  b.Send(WithMac(ArpAsk(b.peer, b.device.ip4), b.other.mac));
  b.Expect(ArpReply() && Is(eth::kDestination, b.other.mac));
  ExpectKnownAs(b, b.other.mac);
}

CONFORM(35, MUST, "RFC 826; RFC 5227 3",
        "An announcement by broadcast request updates its sender's entry.", {.needs = kPing}) {
  LearnPeer(b);
  LetAge(b);
  b.Send(WithMac(ArpAsk(b.peer, b.peer.ip4), b.other.mac));
  ExpectKnownAs(b, b.other.mac);
}

CONFORM(36, MUST, "RFC 826; RFC 5227 3",
        "An announcement by broadcast reply updates its sender's entry.", {.needs = kPing}) {
  LearnPeer(b);
  LetAge(b);
  const Frame announcement = Eth(Mac::Broadcast(), b.other.mac) /
                             Arp(arp::kReply, b.other.mac, b.peer.ip4, b.other.mac, b.peer.ip4);
  b.Send(announcement);
  ExpectKnownAs(b, b.other.mac);
}

CONFORM(37, MUST, "RFC 826, Packet Reception",
        "An announcement of an unknown host is not entered into the cache.", {.needs = kPing}) {
  b.StopAnswering();
  b.Send(ArpAsk(b.peer, b.peer.ip4));
  ExpectUnknown(b);
}

CONFORM(38, MUST, "RFC 826, Packet Reception",
        "A reply that nobody asked for and that is for another host is not entered into the cache.",
        {.needs = kPing}) {
  b.StopAnswering();
  b.Send(ArpAnswer(b.peer, b.other).Set(eth::kDestination, Mac::Broadcast()));
  ExpectUnknown(b);
}

CONFORM(39, MUST, "RFC 826, Packet Reception",
        "The hardware address that counts is the message's, not the frame's.", {.needs = kPing}) {
  b.StopAnswering();
  b.Ping(b.peer.ip4);
  b.Expect(ArpRequestFor(b.peer.ip4));
  b.Send(ArpAnswer(b.peer, b.device).Set(eth::kSource, b.other.mac));
  b.Expect(EchoRequest4() && Is(eth::kDestination, b.peer.mac));
}

CONFORM(40, MUST, "RFC 1812 3.3.2",
        "A reply that claims a broadcast or multicast hardware address is not believed.",
        {.needs = kPing}) {
  b.StopAnswering();
  for (const Mac& group : {Mac::Broadcast(), Mac("01:00:5e:00:00:01")}) {
    b.Ping(b.peer.ip4);
    b.Expect(ArpRequestFor(b.peer.ip4), 5s);
    b.Send(ArpAnswer(b.peer, b.device).Set(arp::kSenderMac, group));
    b.ExpectNothing(EchoRequest4() && Is(eth::kDestination, group));
  }
}

CONFORM(41, MUST, "RFC 826, Packet Reception",
        "A reply of an unknown hardware or protocol type is not believed.", {.needs = kPing}) {
  b.StopAnswering();
  b.Ping(b.peer.ip4);
  b.Expect(ArpRequestFor(b.peer.ip4));
  b.Send(ArpAnswer(b.peer, b.device).Set(arp::kHardwareType, 2));
  b.Send(ArpAnswer(b.peer, b.device).Set(arp::kProtocolType, 0x0801));
  b.ExpectNothing(EchoRequest4());
}

CONFORM(42, MUST, "RFC 5227 2.4; RFC 826",
        "A message that claims the device's own address does not make the device send there.",
        {.needs = kPing}) {
  b.StopAnswering();
  const Frame claim = Eth(Mac::Broadcast(), b.other.mac) /
                      Arp(arp::kRequest, b.other.mac, b.device.ip4, Mac(), b.device.ip4);
  b.Send(claim);
  b.Send(ArpAsk(b.peer, b.device.ip4));
  b.Expect(ArpReply() && Is(arp::kSenderMac, b.device.mac) && Is(arp::kTargetIp, b.peer.ip4));
  b.Ping(b.device.ip4);
  b.ExpectNothing(EchoRequest4());
}

CONFORM(43, MUST, "RFC 5227 2.4 (c)",
        "However many messages claim the device's address, it defends it at most once in ten "
        "seconds.") {
  b.StopAnswering();
  const Frame claim = Eth(Mac::Broadcast(), b.other.mac) /
                      Arp(arp::kRequest, b.other.mac, b.device.ip4, Mac(), b.device.ip4);
  const Match defence = Is(arp::kSenderIp, b.device.ip4) && Is(arp::kTargetIp, b.device.ip4);
  for (int i = 0; i < 8; ++i) {
    b.Send(claim);
    b.Wait(500ms);
  }
  const size_t defences = b.Collect(defence, 1s).size();
  b.Check(defences <= 1, "the device announced its address " + std::to_string(defences) + " times");
}

}  // namespace
}  // namespace moat::conform
