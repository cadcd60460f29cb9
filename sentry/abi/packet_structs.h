// The structures of packet(7) and of socket filters as bytes in the container's memory:
// sockaddr_ll, packet_mreq, sock_filter, tpacket_auxdata. Lengths and errors are af_packet.c's, as
// behaviour.
#ifndef MOAT_SENTRY_ABI_PACKET_STRUCTS_H_
#define MOAT_SENTRY_ABI_PACKET_STRUCTS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "netstack/bpf/classic_bpf.h"
#include "netstack/socket/packet_socket.h"
#include "sentry/abi/errno_or.h"

namespace moat::sentry {

inline constexpr size_t kSockaddrLlSize = 20;
inline constexpr size_t kSockaddrLlHeader = 12;  // up to the link address
inline constexpr size_t kPacketMreqSize = 16;
inline constexpr size_t kSockFprogSize = 16;     // setsockopt's value for SO_ATTACH_FILTER
inline constexpr size_t kSockFilterSize = 8;

enum class LinkAddressUse : uint8_t { kBind, kSend };

// EINVAL: too short, for bind() another family, for a send an address longer than what was passed.
// The type of the frame and of the link are not read.
ErrnoOr<netstack::LinkName> DecodeSockaddrLl(std::span<const uint8_t> bytes, LinkAddressUse use);

// What recvfrom(2) reports: always the whole structure. getsockname(2) stops behind the address.
std::array<uint8_t, kSockaddrLlSize> EncodeSockaddrLl(const netstack::LinkName& name);

// `length` is setsockopt's; `bytes` its first bytes. EINVAL: too short; EFAULT: unreadable. Kinds
// that Linux does not know come through as they are.
ErrnoOr<netstack::PacketMembership> DecodePacketMreq(int32_t length,
                                                     std::span<const uint8_t> bytes);

// struct sock_fprog: where a program is.
struct FilterReference {
  size_t count = 0;      // of instructions
  uint64_t address = 0;  // the container's

  // Whether that can be a program: somewhere, and of 1 to ClassicBpf::kMostInstructions
  // instructions.
  bool possible() const {
    return address != 0 && count != 0 && count <= netstack::ClassicBpf::kMostInstructions;
  }
};
// EINVAL: another length; EFAULT: unreadable. What is referred to is judged later, as on Linux:
// SO_LOCK_FILTER comes between (copy_bpf_fprog_from_user(), __get_filter()).
ErrnoOr<FilterReference> DecodeFilterReference(int32_t length, std::span<const uint8_t> bytes);
// bytes.size() / kSockFilterSize instructions.
std::vector<netstack::BpfInstruction> DecodeFilter(std::span<const uint8_t> bytes);

// struct tpacket_auxdata.
inline constexpr size_t kAuxiliarySize = 20;
// `captured`: the size of what is there of the frame.
std::array<uint8_t, kAuxiliarySize> EncodeAuxiliary(const netstack::CapturedFrame& frame,
                                                    size_t captured);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_ABI_PACKET_STRUCTS_H_
