#include "sentry/abi/packet_structs.h"

#include <linux/filter.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "sentry/abi/bytes.h"

namespace moat::sentry {
namespace {

using netstack::BpfInstruction;
using netstack::CapturedFrame;
using netstack::ClassicBpf;
using netstack::LinkName;
using netstack::PacketMembership;

static_assert(sizeof(sockaddr_ll) == kSockaddrLlSize);
static_assert(offsetof(sockaddr_ll, sll_addr) == kSockaddrLlHeader);
static_assert(sizeof(packet_mreq) == kPacketMreqSize);
static_assert(sizeof(sock_fprog) == kSockFprogSize);
static_assert(sizeof(sock_filter) == kSockFilterSize);
static_assert(sizeof(tpacket_auxdata) == kAuxiliarySize);

constexpr uint32_t kStatusTcpSegments = 1
                                        << 8;  // TP_STATUS_GSO_TCP, newer than Debian 12's headers

uint16_t Swap(uint16_t value) { return static_cast<uint16_t>(value << 8 | value >> 8); }

}  // namespace

ErrnoOr<LinkName> DecodeSockaddrLl(std::span<const uint8_t> bytes, LinkAddressUse use) {
  if (bytes.size() < kSockaddrLlSize) return Errno{EINVAL};
  const auto raw = LoadAt<sockaddr_ll>(bytes, 0);
  if (use == LinkAddressUse::kBind && raw.sll_family != AF_PACKET) return Errno{EINVAL};
  if (use == LinkAddressUse::kSend && bytes.size() < kSockaddrLlHeader + raw.sll_halen) {
    return Errno{EINVAL};
  }
  LinkName name;
  name.protocol = Swap(raw.sll_protocol);
  name.interface = raw.sll_ifindex;
  name.size = std::min<uint8_t>(raw.sll_halen, LinkName::kMostBytes);
  std::copy_n(std::begin(raw.sll_addr), name.address.size(), name.address.begin());
  return name;
}

std::array<uint8_t, kSockaddrLlSize> EncodeSockaddrLl(const LinkName& name) {
  sockaddr_ll raw{};
  raw.sll_family = AF_PACKET;
  raw.sll_protocol = Swap(name.protocol);
  raw.sll_ifindex = name.interface;
  raw.sll_hatype = name.link_type;
  raw.sll_pkttype = static_cast<uint8_t>(name.type);
  raw.sll_halen = name.size;
  std::copy(name.address.begin(), name.address.end(), std::begin(raw.sll_addr));
  std::array<uint8_t, kSockaddrLlSize> bytes;
  StoreAt(bytes, 0, raw);
  return bytes;
}

ErrnoOr<PacketMembership> DecodePacketMreq(int32_t length, std::span<const uint8_t> bytes) {
  if (length < static_cast<int32_t>(kPacketMreqSize)) return Errno{EINVAL};
  if (bytes.size() < kPacketMreqSize) return Errno{EFAULT};
  const auto raw = LoadAt<packet_mreq>(bytes, 0);
  if (static_cast<size_t>(length) < offsetof(packet_mreq, mr_address) + raw.mr_alen) {
    return Errno{EINVAL};
  }
  // Longer ones fit no interface of ours; none is that large.
  if (raw.mr_alen > LinkName::kMostBytes) return Errno{EINVAL};
  PacketMembership membership;
  membership.interface = raw.mr_ifindex;
  membership.kind = static_cast<PacketMembership::Kind>(raw.mr_type);
  membership.size = static_cast<uint8_t>(raw.mr_alen);
  std::copy_n(std::begin(raw.mr_address), raw.mr_alen, membership.address.begin());
  return membership;
}

ErrnoOr<FilterReference> DecodeFilterReference(int32_t length, std::span<const uint8_t> bytes) {
  if (length != static_cast<int32_t>(kSockFprogSize)) return Errno{EINVAL};
  if (bytes.size() < kSockFprogSize) return Errno{EFAULT};
  return FilterReference{LoadAt<uint16_t>(bytes, 0), LoadAt<uint64_t>(bytes, 8)};
}

std::vector<BpfInstruction> DecodeFilter(std::span<const uint8_t> bytes) {
  std::vector<BpfInstruction> program(bytes.size() / kSockFilterSize);
  for (size_t i = 0; i < program.size(); ++i) {
    const auto raw = LoadAt<sock_filter>(bytes, i * kSockFilterSize);
    program[i] = {raw.code, raw.jt, raw.jf, raw.k};
  }
  return program;
}

std::array<uint8_t, kAuxiliarySize> EncodeAuxiliary(const CapturedFrame& frame, size_t captured) {
  tpacket_auxdata raw{};
  raw.tp_status = TP_STATUS_USER;
  if (frame.checksum_missing) raw.tp_status |= TP_STATUS_CSUMNOTREADY;
  if (frame.checksum_valid) raw.tp_status |= TP_STATUS_CSUM_VALID;
  if (frame.tcp_segments) raw.tp_status |= kStatusTcpSegments;
  raw.tp_len = frame.original_size;
  raw.tp_snaplen = static_cast<uint32_t>(captured);
  raw.tp_net = frame.network_offset;
  std::array<uint8_t, kAuxiliarySize> bytes;
  StoreAt(bytes, 0, raw);
  return bytes;
}

}  // namespace moat::sentry
