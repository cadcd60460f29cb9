// A UDP protocol over a fake IP layer, and the datagrams that reach it.
#ifndef MOAT_NETSTACK_TRANSPORT_UDP_UDP_TEST_WORLD_H_
#define MOAT_NETSTACK_TRANSPORT_UDP_UDP_TEST_WORLD_H_

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "netstack/testing/fake_clock.h"
#include "netstack/testing/fake_ip.h"
#include "netstack/testing/seeded_random.h"
#include "netstack/transport/udp/udp_protocol.h"
#include "netstack/wire/bytes.h"
#include "netstack/wire/checksum.h"
#include "netstack/wire/udp.h"

namespace moat::netstack {

inline IpAddress Ip(std::string_view text) { return *IpAddress::Parse(text); }

inline std::span<const uint8_t> AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

struct UdpWorld {
  UdpWorld() {
    ip.AddLocalAddress(Ip("192.0.2.1"));
    ip.AddLocalAddress(Ip("2001:db8::1"));
  }

  // A datagram of the network, checksum right.
  static IpPacketIn Packet(std::string_view source, uint16_t source_port,
                           std::string_view destination, uint16_t destination_port,
                           std::string_view payload) {
    std::vector<uint8_t> bytes(kUdpHeaderSize + payload.size());
    EmitUdp(bytes.data(), source_port, destination_port, static_cast<uint16_t>(bytes.size()));
    std::copy(payload.begin(), payload.end(), bytes.begin() + kUdpHeaderSize);
    IpPacketIn packet{.source = Ip(source),
                      .destination = Ip(destination),
                      .interface = 2,
                      .protocol = ip_protocol::kUdp,
                      .hop_limit = 64};
    packet.to_multicast = packet.destination.IsMulticast();
    packet.to_broadcast = packet.destination.IsLimitedBroadcast();
    Checksum sum;
    sum.AddPseudoHeader(packet.source, packet.destination, ip_protocol::kUdp,
                        static_cast<uint32_t>(bytes.size()));
    sum.Add(bytes);
    const uint16_t checksum = sum.Finish();
    StoreBe16(bytes.data() + kUdpChecksumOffset, checksum == 0 ? 0xffff : checksum);
    packet.payload = Slice::Copy(bytes);
    return packet;
  }

  std::unique_ptr<DatagramSocket> Bound(std::string_view address, uint16_t port,
                                        const SocketOptions& options = {}) {
    const IpAddress ip_address = Ip(address);
    auto socket = udp.NewSocket(ip_address.family());
    socket->SetOptions(options);
    bind_error = socket->Bind({.address = ip_address, .port = port});
    return socket;
  }

  static std::string Text(DatagramSocket& socket) {
    const Result<Datagram> datagram = socket.Receive();
    if (!datagram.ok()) return "<" + std::string(ErrorName(datagram.error())) + ">";
    return {reinterpret_cast<const char*>(datagram->payload.data()), datagram->payload.size()};
  }

  static Error Send(DatagramSocket& socket, std::string_view payload,
                    const SendControl& control = {}) {
    const std::span<const uint8_t> piece = AsBytes(payload);
    return socket.Send({&piece, 1}, control);
  }

  FakeClock clock;
  SeededRandom random{1};
  TimerQueue timers{clock.Now()};
  FakeIp ip;
  SysctlTable sysctls;
  CounterTable counters;
  MemoryBudget memory;
  PortAllocator ports{random, sysctls};
  UdpProtocol udp{{.clock = &clock,
                   .random = &random,
                   .timers = &timers,
                   .ip = &ip,
                   .groups = &ip,
                   .ports = &ports,
                   .sysctls = &sysctls,
                   .counters = &counters,
                   .memory = &memory}};
  Error bind_error = Error::kOk;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_TRANSPORT_UDP_UDP_TEST_WORLD_H_
