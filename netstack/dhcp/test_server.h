// What a test that plays the DHCP server hears and says: RFC 2131, read and written byte by byte.
#ifndef MOAT_NETSTACK_DHCP_TEST_SERVER_H_
#define MOAT_NETSTACK_DHCP_TEST_SERVER_H_

#include <algorithm>
#include <map>
#include <optional>

#include "netstack/dhcp/message.h"
#include "netstack/stack/stack_test_world.h"

namespace moat::netstack {

inline const IpAddress kServer = Ip("192.0.2.254");
inline const IpAddress kOffered = Ip("192.0.2.77");
inline const IpAddress kEverybody = Ip("255.255.255.255");

// The options of `message`, as far as they are whole (RFC 2132 2).
inline std::map<uint8_t, Bytes> OptionsOf(const Bytes& message) {
  constexpr uint8_t kPad = 0, kEnd = 255;
  std::map<uint8_t, Bytes> options;
  for (size_t i = 240; i < message.size() && message[i] != kEnd;) {
    if (message[i] == kPad) {
      ++i;
      continue;
    }
    if (i + 2 > message.size() || message[i + 1] > message.size() - i - 2) break;
    const auto data = message.begin() + static_cast<ptrdiff_t>(i) + 2;
    options[message[i]] = Bytes(data, data + message[i + 1]);
    i += 2 + size_t{message[i + 1]};
  }
  return options;
}

// What the client said, read back from its bytes.
struct Said {
  bool ok = false;
  DhcpType type{};
  uint32_t transaction = 0;
  bool broadcast = false;
  IpAddress client, source, destination;
  MacAddress to;
  std::optional<IpAddress> requested, server;
  uint16_t seconds = 0;
  Bytes message;                        // the whole of it
  std::map<uint8_t, Bytes> options;
};

// The next DHCP message among what the stack sent; other frames are skipped. Not `ok`: none.
inline Said NextSaid(StackWorld& world) {
  while (!world.Silent()) {
    const ParsedFrame frame = world.Next();
    if (frame.protocol != ip_protocol::kUdp || frame.payload.size() < 8 + 240) continue;
    if (LoadBe16(frame.payload.data() + 2) != kDhcpServerPort) continue;
    const Bytes m(frame.payload.begin() + 8, frame.payload.end());
    EXPECT_EQ(LoadBe16(frame.payload.data()), kDhcpClientPort);
    EXPECT_GE(m.size(), 300u);
    Said said;
    said.ok = true;
    said.transaction = LoadBe32(m.data() + 4);
    said.broadcast = (m[10] & 0x80) != 0;
    said.client = IpAddress::V4(m.data() + 12);
    said.source = frame.source;
    said.destination = frame.destination;
    said.to = frame.to;
    said.options = OptionsOf(m);
    const auto option = [&said](uint8_t code, size_t size) -> const uint8_t* {
      const auto it = said.options.find(code);
      return it == said.options.end() || it->second.size() != size ? nullptr : it->second.data();
    };
    if (const uint8_t* type = option(53, 1)) said.type = static_cast<DhcpType>(*type);
    if (const uint8_t* address = option(50, 4)) said.requested = IpAddress::V4(address);
    if (const uint8_t* address = option(54, 4)) said.server = IpAddress::V4(address);
    said.seconds = LoadBe16(m.data() + 8);
    said.message = m;
    return said;
  }
  return {};
}

struct Answer {
  DhcpType type{};
  uint32_t transaction = 0;
  IpAddress yours = kOffered;
  uint32_t lease = 3600;
  IpAddress server = kServer;
  MacAddress mac = kOwnMac;
  Bytes parameters{1, 4, 255, 255, 255, 0, 3, 4, 192, 0, 2, 254, 6, 8, 192, 0, 2, 53, 192, 0, 2, 54,
                   15, 3, 'l', 'a', 'n', 26, 2, 5, 0x78};  // options of OFFER and ACK
  Bytes server_name{}, file{};  // what these fields hold
};

inline Bytes DhcpMessage(const Answer& answer) {
  Bytes m(240);
  m[0] = 2;
  m[1] = 1;
  m[2] = 6;
  StoreBe32(m.data() + 4, answer.transaction);
  std::memcpy(m.data() + 16, answer.yours.data(), 4);
  std::memcpy(m.data() + 28, answer.mac.bytes.data(), 6);
  std::copy(answer.server_name.begin(), answer.server_name.end(), m.begin() + 44);
  std::copy(answer.file.begin(), answer.file.end(), m.begin() + 108);
  StoreBe32(m.data() + 236, 0x63825363);
  m = m + Bytes{53, 1, static_cast<uint8_t>(answer.type)};
  m = m + Bytes{54, 4} + Bytes(answer.server.data(), answer.server.data() + 4);
  if (answer.type != DhcpType::kNak) {
    Bytes time(4);
    StoreBe32(time.data(), answer.lease);
    m = m + Bytes{51, 4} + time + answer.parameters;
  }
  m.push_back(255);
  return m;
}

// The server `from` sends `message` to `to`: the client's address, or everybody.
inline void ReceiveDhcp(StackWorld& world, const IpAddress& from, const IpAddress& to,
                        const Bytes& message) {
  const Bytes datagram = UdpDatagram(from, to, kDhcpServerPort, kDhcpClientPort, message);
  world.ReceiveIp(IpPacket(from, to, ip_protocol::kUdp, datagram),
                  to == kEverybody ? MacAddress::Broadcast() : kOwnMac);
}
inline void ReceiveDhcp(StackWorld& world, const IpAddress& to, const Answer& answer) {
  ReceiveDhcp(world, answer.server, to, DhcpMessage(answer));
}

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_DHCP_TEST_SERVER_H_
