#include "netstack/dhcp/message.h"

#include <bit>
#include <map>

#include "netstack/wire/bytes.h"

namespace moat::netstack {
namespace {

// RFC 2131 2, figure 1: offsets of the fixed part.
constexpr size_t kTransaction = 4, kSeconds = 8, kFlags = 10, kClient = 12, kYours = 16,
                 kHardware = 28, kServerName = 44, kFile = 108, kCookie = 236, kOptions = 240;
constexpr size_t kServerNameSize = 64, kFileSize = 128, kMinSize = 300;
constexpr uint32_t kMagic = 0x63825363;
constexpr uint8_t kBootRequest = 1, kBootReply = 2, kEthernet = 1;

namespace option {  // RFC 2132
constexpr uint8_t kPad = 0, kMask = 1, kRouter = 3, kNameServer = 6, kHostName = 12, kDomain = 15,
                  kMtu = 26, kRequestedAddress = 50, kLease = 51, kOverload = 52, kType = 53,
                  kServer = 54, kParameters = 55, kMaxSize = 57, kRenewal = 58, kRebinding = 59,
                  kClientId = 61, kEnd = 255;
}  // namespace option

constexpr uint16_t kMaxMessage = 1472;
constexpr size_t kMaxAddresses = 16;

using Options = std::map<uint8_t, std::vector<uint8_t>>;

// False when an option reaches beyond the field.
bool ReadOptions(std::span<const uint8_t> field, Options* out) {
  for (size_t i = 0; i < field.size();) {
    const uint8_t type = field[i];
    if (type == option::kEnd) return true;
    if (type == option::kPad) {
      ++i;
      continue;
    }
    if (i + 2 > field.size() || i + 2 + field[i + 1] > field.size()) return false;
    std::vector<uint8_t>& value = (*out)[type];
    const auto data = field.subspan(i + 2, field[i + 1]);
    value.insert(value.end(), data.begin(), data.end());
    i += 2 + data.size();
  }
  return true;
}

std::vector<IpAddress> Addresses(const Options& options, uint8_t type) {
  std::vector<IpAddress> out;
  const auto it = options.find(type);
  if (it == options.end()) return out;
  for (size_t i = 0; i + 4 <= it->second.size() && out.size() < kMaxAddresses; i += 4) {
    out.push_back(IpAddress::V4(it->second.data() + i));
  }
  return out;
}

std::optional<IpAddress> OneAddress(const Options& options, uint8_t type) {
  const std::vector<IpAddress> all = Addresses(options, type);
  return all.empty() ? std::nullopt : std::optional<IpAddress>(all.front());
}

std::optional<uint32_t> Number(const Options& options, uint8_t type) {
  const auto it = options.find(type);
  if (it == options.end() || it->second.size() != 4) return std::nullopt;
  return LoadBe32(it->second.data());
}

void Put(std::vector<uint8_t>& out, uint8_t type, std::span<const uint8_t> value) {
  out.push_back(type);
  out.push_back(static_cast<uint8_t>(value.size()));
  out.insert(out.end(), value.begin(), value.end());
}

void PutAddress(std::vector<uint8_t>& out, uint8_t type, const std::optional<IpAddress>& address) {
  if (address.has_value()) Put(out, type, {address->data(), 4});
}

}  // namespace

std::optional<int> PrefixLengthOf(const IpAddress& mask) {
  const uint32_t bits = LoadBe32(mask.data());
  const int length = std::countl_one(bits);
  if (std::popcount(bits) != length) return std::nullopt;
  return length;
}

std::vector<uint8_t> EmitDhcp(const DhcpRequest& request) {
  std::vector<uint8_t> out(kOptions);
  out[0] = kBootRequest;
  out[1] = kEthernet;
  out[2] = 6;
  StoreBe32(out.data() + kTransaction, request.transaction);
  StoreBe16(out.data() + kSeconds, request.seconds);
  StoreBe16(out.data() + kFlags, request.broadcast ? 0x8000 : 0);
  std::memcpy(out.data() + kClient, request.client.data(), 4);
  std::memcpy(out.data() + kHardware, request.mac.bytes.data(), 6);
  StoreBe32(out.data() + kCookie, kMagic);
  const uint8_t type[] = {static_cast<uint8_t>(request.type)};
  Put(out, option::kType, type);
  uint8_t id[7] = {kEthernet};
  std::memcpy(id + 1, request.mac.bytes.data(), 6);
  Put(out, option::kClientId, id);
  PutAddress(out, option::kRequestedAddress, request.requested);
  PutAddress(out, option::kServer, request.server);
  // RFC 2131 table 5: not in DECLINE and RELEASE.
  if (request.type != DhcpType::kDecline && request.type != DhcpType::kRelease) {
    const uint8_t size[] = {kMaxMessage >> 8, kMaxMessage & 0xff};
    Put(out, option::kMaxSize, size);
    const uint8_t wanted[] = {option::kMask,  option::kRouter,  option::kNameServer,
                              option::kDomain, option::kMtu,     option::kLease,
                              option::kRenewal, option::kRebinding};
    Put(out, option::kParameters, wanted);
    if (!request.host_name.empty()) {
      const size_t length = request.host_name.size() < 255 ? request.host_name.size() : 255;
      Put(out, option::kHostName,
          {reinterpret_cast<const uint8_t*>(request.host_name.data()), length});
    }
  }
  out.push_back(option::kEnd);
  if (out.size() < kMinSize) out.resize(kMinSize);
  return out;
}

std::optional<DhcpReply> ParseDhcp(std::span<const uint8_t> bytes) {
  if (bytes.size() < kOptions || bytes[0] != kBootReply || bytes[1] != kEthernet ||
      bytes[2] != 6 || LoadBe32(bytes.data() + kCookie) != kMagic) {
    return std::nullopt;
  }
  Options options;
  if (!ReadOptions(bytes.subspan(kOptions), &options)) return std::nullopt;
  const auto overload = options.find(option::kOverload);
  if (overload != options.end() && overload->second.size() == 1) {
    const uint8_t fields = overload->second[0];
    if ((fields & 1) != 0 && !ReadOptions(bytes.subspan(kFile, kFileSize), &options)) {
      return std::nullopt;
    }
    if ((fields & 2) != 0 && !ReadOptions(bytes.subspan(kServerName, kServerNameSize), &options)) {
      return std::nullopt;
    }
  }
  const auto type = options.find(option::kType);
  if (type == options.end() || type->second.size() != 1) return std::nullopt;
  DhcpReply reply;
  reply.type = static_cast<DhcpType>(type->second[0]);
  reply.transaction = LoadBe32(bytes.data() + kTransaction);
  reply.yours = IpAddress::V4(bytes.data() + kYours);
  std::memcpy(reply.mac.bytes.data(), bytes.data() + kHardware, 6);
  reply.server = OneAddress(options, option::kServer);
  reply.mask = OneAddress(options, option::kMask);
  reply.routers = Addresses(options, option::kRouter);
  reply.name_servers = Addresses(options, option::kNameServer);
  const auto domain = options.find(option::kDomain);
  if (domain != options.end()) reply.domain.assign(domain->second.begin(), domain->second.end());
  const auto mtu = options.find(option::kMtu);
  if (mtu != options.end() && mtu->second.size() == 2) reply.mtu = LoadBe16(mtu->second.data());
  reply.lease = Number(options, option::kLease);
  reply.renewal = Number(options, option::kRenewal);
  reply.rebinding = Number(options, option::kRebinding);
  return reply;
}

}  // namespace moat::netstack
