// Every decoder of system call structures. The first byte chooses decoder and rules.
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sentry/abi/control_writer.h"
#include "netstack/bpf/classic_bpf.h"
#include "sentry/abi/msghdr.h"
#include "sentry/abi/packet_structs.h"
#include "sentry/abi/receive_control.h"
#include "sentry/abi/send_control.h"
#include "sentry/abi/sockaddr.h"
#include "test/fuzz/seeds.h"

namespace moat::sentry {
namespace {

using netstack::Family;

void Require(bool condition) {
  if (!condition) __builtin_trap();
}

void FuzzSockaddr(uint8_t choice, std::span<const uint8_t> bytes) {
  const AddressRules rules{.kind = static_cast<SocketKind>(choice % 4),
                           .family = (choice & 0x20) != 0 ? Family::kIpv6 : Family::kIpv4,
                           .v6_only = (choice & 0x40) != 0};
  const auto decoded = DecodeSockaddr(bytes, static_cast<AddressUse>((choice / 3) % 3), rules);
  if (!decoded.ok()) {
    Require(decoded.error() > 0);
    return;
  }
  if (decoded->unspecified) return;
  Require(!decoded->endpoint.address.IsMappedV4());
  Require(EncodeSockaddr(decoded->endpoint, rules.family).size <= kSockaddrIn6Size);
}

void FuzzControl(uint8_t choice, std::span<const uint8_t> bytes) {
  const SendControlRules rules{.kind = static_cast<SocketKind>(choice % 4),
                               .family = (choice & 0x20) != 0 ? Family::kIpv6 : Family::kIpv4,
                               .ipv4 = (choice & 0x20) == 0 || (choice & 0x10) != 0,
                               .net_admin = (choice & 0x08) != 0};
  const auto parsed = ParseSendControl(bytes, rules);
  Require(parsed.ok() == (parsed.error() == 0));
  if (parsed.ok() && parsed->source.has_value()) {
    Require(parsed->source->is_v4() == rules.ipv4);
  }
}

void FuzzLinkName(uint8_t choice, std::span<const uint8_t> bytes) {
  const auto use = (choice & 1) != 0 ? LinkAddressUse::kSend : LinkAddressUse::kBind;
  const auto decoded = DecodeSockaddrLl(bytes, use);
  Require(decoded.ok() == (decoded.error() == 0));
  if (!decoded.ok()) return;
  Require(decoded->size <= netstack::LinkName::kMostBytes);
  const auto again = DecodeSockaddrLl(EncodeSockaddrLl(*decoded), LinkAddressUse::kBind);
  Require(again.ok() && again->protocol == decoded->protocol && again->size == decoded->size &&
          again->interface == decoded->interface && again->address == decoded->address);
}

void FuzzMembership(uint8_t choice, std::span<const uint8_t> bytes) {
  const auto length = static_cast<int32_t>(bytes.size()) + static_cast<int8_t>(choice);
  const auto decoded = DecodePacketMreq(length, bytes);
  if (decoded.ok()) Require(decoded->size <= decoded->address.size());
}

// A reference, and behind it the program that it would refer to, over some packet.
void FuzzFilter(std::span<const uint8_t> bytes) {
  const auto reference =
      DecodeFilterReference(kSockFprogSize, bytes.first(std::min(bytes.size(), kSockFprogSize)));
  if (!reference.ok() || !reference->possible()) return;
  const std::span<const uint8_t> rest = bytes.subspan(kSockFprogSize);
  const size_t size = std::min(rest.size(), reference->count * kSockFilterSize);
  const auto program = netstack::ClassicBpf::Verify(DecodeFilter(rest.first(size)));
  if (program.ok()) (void)program->Run({.head = rest.subspan(size), .network = 14});
}

void FuzzWriter(uint8_t choice, std::span<const uint8_t> bytes) {
  ControlWriter writer(choice);
  const size_t half = bytes.size() / 2;
  writer.Put(0, 1, bytes.first(half));
  writer.Put(0, 2, bytes.subspan(half));
  Require(writer.bytes().size() <= choice);
}

}  // namespace
}  // namespace moat::sentry

std::vector<std::vector<uint8_t>> FuzzSeeds() {
  using namespace moat::sentry;  // NOLINT: the hook's name is fixed
  std::vector<std::vector<uint8_t>> seeds;
  sockaddr_in in{};
  in.sin_family = AF_INET;
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  ControlWriter control(256);
  control.PutValue(SOL_IP, IP_TTL, 3);
  control.PutValue(SOL_IP, IP_PKTINFO, in_pktinfo{});
  ControlWriter control6(256);
  control6.PutValue(SOL_IPV6, IPV6_PKTINFO, in6_pktinfo{});
  control6.PutValue(SOL_IPV6, IPV6_HOPLIMIT, 3);
  sockaddr_ll ll{};
  ll.sll_family = AF_PACKET;
  ll.sll_halen = 6;
  packet_mreq mreq{};
  mreq.mr_alen = 6;
  const uint64_t words[] = {2, 0, 0x0000000000000030, 0x0000ffff00000006,
                            0, 0};  // ldb [0]; ret #65535
  for (int choice = 0; choice < 256; choice += 7) {
    const auto c = static_cast<uint8_t>(choice);
    seeds.push_back(FuzzSeed(0, c, BytesOf(in)));
    seeds.push_back(FuzzSeed(0, c, BytesOf(in6)));
    seeds.push_back(FuzzSeed(1, c, control.bytes()));
    seeds.push_back(FuzzSeed(1, c, control6.bytes()));
    seeds.push_back(FuzzSeed(2, c, control.bytes()));
    seeds.push_back(FuzzSeed(3, c, BytesOf(msghdr{})));
    seeds.push_back(FuzzSeed(4, c, control.bytes()));
    seeds.push_back(FuzzSeed(5, c, BytesOf(ll)));
    seeds.push_back(FuzzSeed(6, c, BytesOf(mreq)));
    seeds.push_back(FuzzSeed(7, c, BytesOf(words)));
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace moat::sentry;  // NOLINT: the entry point's name is fixed
  if (size < 2) return 0;
  const std::span<const uint8_t> bytes(data + 2, size - 2);
  switch (data[0] % 8) {
    case 0: FuzzSockaddr(data[1], bytes); break;
    case 1: FuzzControl(data[1], bytes); break;
    case 2: FuzzWriter(data[1], bytes); break;
    case 3: {
      const auto header = DecodeMsghdr(bytes);
      if (header.ok()) Require(header->iov_count <= kMaxIoVectors && header->name_length <= 128);
      break;
    }
    case 5: FuzzLinkName(data[1], bytes); break;
    case 6: FuzzMembership(data[1], bytes); break;
    case 7: FuzzFilter(bytes); break;
    default: {
      const auto vectors = DecodeIoVectors(bytes);
      if (vectors.ok()) Require(vectors->total <= kMaxTransfer);
    }
  }
  return 0;
}
