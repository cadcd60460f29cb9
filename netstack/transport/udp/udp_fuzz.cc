// Datagrams from the network into a stack with sockets of every kind.
//
// Input: one byte of choices, then a datagram. What is delivered must lie within what arrived.
#include <cstdint>
#include <cstdlib>

#include "netstack/transport/udp/udp_test_world.h"

namespace {

using namespace moat::netstack;  // NOLINT: a fuzz target has no other names

void Drain(DatagramSocket& socket, size_t input) {
  size_t delivered = 0;
  while (true) {
    const Result<Datagram> datagram = socket.Receive();
    if (!datagram.ok()) break;
    delivered += datagram->payload.size();
  }
  if (delivered > input) std::abort();
  (void)socket.TakeError();
  while (socket.TakeQueuedError()) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  UdpWorld world;
  const bool v4 = (data[0] & 1) != 0;
  const char* own = v4 ? "192.0.2.1" : "2001:db8::1";
  const char* peer = v4 ? "192.0.2.9" : "2001:db8::9";
  SocketOptions reuse;
  reuse.reuse_address = true;
  auto any = world.Bound("::", 53, reuse);
  auto connected = world.Bound(own, 53, reuse);
  if (connected->Connect({.address = Ip(peer), .port = 0x3535}) != Error::kOk) std::abort();
  any->SetReceiveOffload((data[0] & 8) != 0);
  any->SetQueueErrors(true);

  IpPacketIn packet{.source = Ip(peer), .destination = Ip(own), .interface = 2};
  packet.protocol = ip_protocol::kUdp;
  packet.to_multicast = (data[0] & 2) != 0;
  packet.checksum = (data[0] & 4) != 0 ? RxChecksum::kUnverified : RxChecksum::kVerified;
  packet.gso_size = (data[0] & 16) != 0 ? 1 + (data[0] >> 5) * 5 : 0;
  packet.payload = Slice::Copy({data + 1, size - 1});
  (void)world.udp.Receive(packet);
  world.udp.ReceiveError({.kind = IcmpErrorIn::Kind::kPortUnreachable,
                          .error = Error::kConnectionRefused,
                          .hard = true,
                          .source = Ip(own),
                          .destination = Ip(peer),
                          .quoted_transport = {data + 1, size - 1}});
  Drain(*any, size);
  Drain(*connected, size);
  return 0;
}
