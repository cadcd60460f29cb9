// Echo and the other queries.
#include "conform/bench/case.h"
#include "conform/bench/reassemble.h"
#include "conform/bench/socket.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("icmpv4");

// The device is alive and answers a right request.
void ExpectAlive(Bench& b) {
  b.Send(Ping4(b.other, b.device, 8, 99));
  b.Expect(EchoReply4() && Is(icmp4::kSequence, 99));
}

CONFORM(1, MUST, "RFC 1122 3.2.2.6",
        "An echo request is answered with its identifier, sequence number and data.") {
  b.Send(Ping4(b.peer, b.device, 100).Set(icmp4::kId, 0xbeef).Set(icmp4::kSequence, 77));
  b.Expect(EchoReply4() && Is(icmp4::kCode, 0) && Is(icmp4::kId, 0xbeef) &&
           Is(icmp4::kSequence, 77) && PayloadIs(Pattern(100)) && To(b.peer.ip4));
}

CONFORM(2, MUST, "RFC 1122 3.2.2.6",
        "The reply's source is the address that the request was sent to, also when it is not the "
        "first one of the interface.",
        {.needs = kAddresses}) {
  b.AddAddress({"192.0.2.88", 24});
  Node second = b.device;
  second.ip4 = "192.0.2.88";
  b.Send(Ping4(b.peer, second));
  b.Expect(EchoReply4() && From("192.0.2.88"));
  b.Send(Ping4(b.peer, b.device));
  b.Expect(EchoReply4() && From(b.device.ip4));
}

CONFORM(3, MUST, "RFC 1122 3.2.2.6",
        "All data of a large request, which comes in fragments, is in the reply.") {
  b.SendAll(FragmentIpv4(Ping4(b.peer, b.device, 4000), {1480, 1480}));
  const Packet reply = ReassembleIpv4(b, b.Collect(From(b.device.ip4) && To(b.peer.ip4), kSoon));
  b.CheckPacket(reply, EchoReply4() && PayloadIs(Pattern(4000)));
}

CONFORM(4, MUST, "RFC 1122 3.2.1.3",
        "If an echo request to a broadcast address is answered at all, the reply comes from the "
        "device's own address.") {
  b.Send(Ip4ToGroup(b.peer, "192.0.2.255") / EchoRequest4(1, 1) / Raw(8));
  const Packet reply = b.Poll(EchoReply4());
  if (!reply.empty()) b.CheckPacket(reply, From(b.device.ip4));
  ExpectAlive(b);
}

CONFORM(5, MUST, "RFC 792", "A request whose checksum is wrong is not answered.") {
  b.Send(Ping4(b.peer, b.device).Set(icmp4::kChecksum, 0x1234));
  b.ExpectNothing(EchoReply4());
  ExpectAlive(b);
}

CONFORM(6, MUST, "RFC 1122 3.2.2", "A message of an unknown type is silently discarded.") {
  for (const int type : {1, 2, 7, 41, 127, 255}) {
    b.Send(Ip4(b.peer, b.device) / Icmp4(type) / Raw(32));
  }
  b.ExpectNothing(Has(Kind::kIcmp4));
  ExpectAlive(b);
}

CONFORM(7, MUST, "RFC 1122 1.2.2", "A message that is cut short is silently discarded.") {
  for (const size_t size : {0, 1, 4, 7}) {
    b.Send(Ip4(b.peer, b.device) / EchoRequest4(1, 1).Truncate(size));
  }
  b.ExpectNothing(Has(Kind::kIcmp4));
  ExpectAlive(b);
}

CONFORM(8, MUST, "RFC 1122 3.2.2.9",
        "An address mask request is not answered by a host that is no authorized agent.") {
  b.Send(Ip4(b.peer, b.device) / Icmp4(icmp4::kAddressMask, 0, 0x00010002) / Raw(Bytes(4)));
  b.Send(Ip4ToGroup(b.peer, "255.255.255.255") / Icmp4(icmp4::kAddressMask) / Raw(Bytes(4)));
  b.ExpectNothing(Is(icmp4::kType, icmp4::kAddressMaskReply));
  ExpectAlive(b);
}

CONFORM(9, SHOULD, "RFC 1122 3.2.2.7", "An information request is not answered.") {
  b.Send(Ip4(b.peer, b.device) / Icmp4(icmp4::kInformation, 0, 0x00010002));
  b.ExpectNothing(Is(icmp4::kType, icmp4::kInformationReply));
  ExpectAlive(b);
}

CONFORM(10, MAY, "RFC 1122 3.2.2.8",
        "A timestamp request is answered with its identifier and originate time, and with receive "
        "and transmit times.") {
  b.Send(Ip4(b.peer, b.device) / Icmp4(icmp4::kTimestamp, 0, 0x12340007) /
         Raw(Join({Be32(0x01020304), Be32(0), Be32(0)})));
  const Packet reply = b.Expect(Is(icmp4::kType, icmp4::kTimestampReply) && Is(icmp4::kCode, 0) &&
                                Is(icmp4::kRest, 0x12340007) && Is(icmp4::kOriginate, 0x01020304));
  b.Check(reply.Get(icmp4::kReceive).u64() <= reply.Get(icmp4::kTransmit).u64(),
          "the reply was transmitted before the request was received");
}

CONFORM(11, SHOULD, "RFC 1122 3.2.2.6",
        "A record route option of an echo request comes back in the reply, with the device's own "
        "address added.") {
  b.Send(Eth(b.device.mac, b.peer.mac) /
         Ipv4(b.peer.ip4, b.device.ip4).Options(ip_option::RecordRoute(3)) / EchoRequest4(1, 1) /
         Raw(8));
  const Packet reply = b.Expect(EchoReply4());
  const auto route = FindTlv(reply.Options(Kind::kIpv4), ip_option::kRecordRoute);
  b.Check(route.has_value() && route->size() == 13, "the reply has no such option");
  if (!b.ok()) return;
  b.Check(Ip::From(route->data() + 1, false) == b.device.ip4, "the device did not add its address");
}

CONFORM(12, SHOULD, "RFC 1122 3.2.2.6; RFC 791",
        "A timestamp option of an echo request comes back in the reply, with a time added.") {
  b.Send(Eth(b.device.mac, b.peer.mac) /
         Ipv4(b.peer.ip4, b.device.ip4).Options(ip_option::Timestamp(0, 4)) / EchoRequest4(1, 1) /
         Raw(8));
  const Packet reply = b.Expect(EchoReply4());
  const auto stamps = FindTlv(reply.Options(Kind::kIpv4), ip_option::kTimestamp);
  b.Check(stamps.has_value() && stamps->size() == 18, "the reply has no such option");
  if (b.ok()) b.Check(stamps->at(0) >= 9, "the device did not add a time");
}

CONFORM(13, MUST, "RFC 1122 3.2.2.6; RFC 791",
        "The reply has a TTL of its own, not the one that the request had left.") {
  b.Send(Ping4(b.peer, b.device).Set(ipv4::kTtl, 3));
  b.Expect(EchoReply4() && AtLeast(ipv4::kTtl, 32));
}

CONFORM(14, MUST, "RFC 792, Echo; RFC 1122 3.2.2.6",
        "An echo request of a program on the device has code 0 and the program's data.",
        {.needs = kPing}) {
  b.Ping(b.peer.ip4, 24);
  const Packet request = b.Expect(EchoRequest4() && PayloadIs(Pattern(24)));
  b.Check(request.Get(icmp4::kCode).u64() == 0, "the code is not 0");
}

Frame AskForTime(const Node& from, const Node& to, const Bytes& options = {}) {
  return Eth(to.mac, from.mac) / Ipv4(from.ip4, to.ip4).Options(options) /
         Icmp4(icmp4::kTimestamp, 0, 0x12340007) / Raw(Join({Be32(0x01020304), Be32(0), Be32(0)}));
}

CONFORM(37, MUST, "RFC 1122 3.2.2.8",
        "If a timestamp request is answered, the reply comes from the address that was asked.",
        {.needs = kAddresses}) {
  b.AddAddress({"192.0.2.88", 24});
  Node second = b.device;
  second.ip4 = "192.0.2.88";
  b.Send(AskForTime(b.peer, second));
  const Packet reply = b.Poll(Is(icmp4::kType, icmp4::kTimestampReply));
  if (reply.empty()) return b.NotApplicable("timestamp requests are not answered");
  b.CheckPacket(reply, From("192.0.2.88") && To(b.peer.ip4));
}

CONFORM(38, SHOULD, "RFC 1122 3.2.2.8",
        "If a timestamp request is answered, its record route option comes back with the device's "
        "own address.") {
  b.Send(AskForTime(b.peer, b.device, ip_option::RecordRoute(3)));
  const Packet reply = b.Poll(Is(icmp4::kType, icmp4::kTimestampReply));
  if (reply.empty()) return b.NotApplicable("timestamp requests are not answered");
  const auto route = FindTlv(reply.Options(Kind::kIpv4), ip_option::kRecordRoute);
  b.Check(route.has_value() && route->size() == 13, "the reply has no such option");
  if (b.ok())
    b.Check(Ip::From(route->data() + 1, false) == b.device.ip4,
            "the device did not add its address");
}

CONFORM(39, MUST, "RFC 1122 3.2.2.8; RFC 792",
        "The times of a timestamp reply are milliseconds since midnight, or marked as something "
        "else.") {
  b.Send(AskForTime(b.peer, b.device));
  const Packet reply = b.Poll(Is(icmp4::kType, icmp4::kTimestampReply));
  if (reply.empty()) return b.NotApplicable("timestamp requests are not answered");
  for (const Field* field : {&icmp4::kReceive, &icmp4::kTransmit}) {
    const uint64_t time = reply.Get(*field);
    b.Check((time >> 31) == 1 || time < 86400000, std::to_string(time) + " is no time of a day");
  }
}

}  // namespace
}  // namespace moat::conform
