#include "netstack/dhcp/message_v6.h"

#include <cstring>

#include "netstack/wire/bytes.h"

namespace moat::netstack {
namespace {

constexpr uint8_t kReply = 7, kInformationRequest = 11;  // RFC 8415 7.3
constexpr size_t kHeaderSize = 4;
constexpr size_t kMaxDuid = 130;  // RFC 8415 11.1

namespace option {  // RFC 8415 24, RFC 3646
constexpr uint16_t kClient = 1, kServer = 2, kRequested = 6, kElapsed = 8, kStatus = 13,
                   kNameServers = 23, kDomains = 24, kRefresh = 32, kInfMaxRt = 83;
}  // namespace option

void Append16(std::vector<uint8_t>& bytes, uint16_t value) {
  bytes.push_back(static_cast<uint8_t>(value >> 8));
  bytes.push_back(static_cast<uint8_t>(value));
}

// RFC 8415 10: RFC 1035 names in a row, not compressed. False: malformed.
bool ReadDomains(std::span<const uint8_t> data, std::vector<std::string>& out) {
  std::string name;
  for (size_t i = 0; i < data.size();) {
    const size_t length = data[i++];
    if (length == 0) {
      if (!name.empty() && out.size() < kMaxDhcpv6Domains) out.push_back(name);
      name.clear();
      continue;
    }
    if (length > 63 || i + length > data.size() || name.size() + 1 + length > 255) return false;
    if (!name.empty()) name += '.';
    for (const uint8_t byte : data.subspan(i, length)) {
      // What a resolver's configuration could not hold is no name of ours.
      if (byte <= ' ' || byte >= 0x7f) return false;
      name += static_cast<char>(byte);
    }
    i += length;
  }
  return name.empty();
}

bool ReadOption(uint16_t code, std::span<const uint8_t> data, Dhcpv6Reply& reply) {
  const std::vector<uint8_t> bytes(data.begin(), data.end());
  switch (code) {
    case option::kClient:
      reply.client = bytes;
      return !bytes.empty() && bytes.size() <= kMaxDuid;
    case option::kServer:
      reply.server = bytes;
      return !bytes.empty() && bytes.size() <= kMaxDuid;
    case option::kStatus:
      if (bytes.size() < 2) return false;
      reply.status = LoadBe16(bytes.data());
      return true;
    case option::kNameServers:
      if (bytes.empty() || bytes.size() % 16 != 0) return false;
      for (size_t i = 0; i < bytes.size(); i += 16) {
        const IpAddress server = IpAddress::V6(bytes.data() + i);
        const bool sensible = !server.IsUnspecified() && !server.IsMulticast();
        if (sensible && reply.name_servers.size() < kMaxDhcpv6NameServers) {
          reply.name_servers.push_back(server);
        }
      }
      return true;
    case option::kDomains:
      return ReadDomains(data, reply.domains);
    case option::kRefresh:
      if (bytes.size() != 4) return false;
      reply.refresh = LoadBe32(bytes.data());
      return true;
    case option::kInfMaxRt: {
      if (bytes.size() != 4) return false;
      const uint32_t value = LoadBe32(bytes.data());
      if (value >= 60 && value <= 86400) reply.max_retransmission = value;  // RFC 8415 21.25
      return true;
    }
    default:
      return true;
  }
}

}  // namespace

std::vector<uint8_t> DuidOf(const MacAddress& mac) {
  std::vector<uint8_t> duid(4 + mac.bytes.size());
  StoreBe32(duid.data(), 0x00030001);  // DUID-LL, Ethernet
  std::memcpy(duid.data() + 4, mac.bytes.data(), mac.bytes.size());
  return duid;
}

std::vector<uint8_t> EmitDhcpv6(const Dhcpv6Request& request) {
  std::vector<uint8_t> out(kHeaderSize);
  StoreBe32(out.data(), uint32_t{kInformationRequest} << 24 | (request.transaction & 0xffffff));
  Append16(out, option::kClient);
  Append16(out, static_cast<uint16_t>(request.client.size()));
  out.insert(out.end(), request.client.begin(), request.client.end());
  constexpr uint16_t kWanted[] = {option::kNameServers, option::kDomains, option::kRefresh,
                                  option::kInfMaxRt};
  Append16(out, option::kRequested);
  Append16(out, sizeof(kWanted));
  for (const uint16_t wanted : kWanted) Append16(out, wanted);
  Append16(out, option::kElapsed);
  Append16(out, 2);
  Append16(out, request.elapsed);
  return out;
}

std::optional<Dhcpv6Reply> ParseDhcpv6(std::span<const uint8_t> bytes) {
  if (bytes.size() < kHeaderSize || bytes[0] != kReply) return std::nullopt;
  Dhcpv6Reply reply;
  reply.transaction = LoadBe32(bytes.data()) & 0xffffff;
  for (size_t i = kHeaderSize; i < bytes.size();) {
    if (bytes.size() - i < 4) return std::nullopt;
    const uint16_t code = LoadBe16(bytes.data() + i);
    const size_t size = LoadBe16(bytes.data() + i + 2);
    i += 4;
    if (bytes.size() - i < size) return std::nullopt;
    if (!ReadOption(code, bytes.subspan(i, size), reply)) return std::nullopt;
    i += size;
  }
  return reply;
}

}  // namespace moat::netstack
