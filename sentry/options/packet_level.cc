// SOL_PACKET (packet(7)). Memory-mapped rings and what goes with them are refused: a container's
// socket is not memory that the sentry shares with it.
#include <linux/if_packet.h>

#include <cerrno>

#include "sentry/abi/errno_map.h"
#include "sentry/abi/packet_structs.h"
#include "sentry/options/option_row.h"

namespace moat::sentry {
namespace {

constexpr uint8_t kPacket = option_kind::kPacket;

int Join(const OptionTarget& target, const OptionInput& input) {
  auto membership = DecodePacketMreq(input.length, input.value);
  if (!membership.ok()) return membership.error();
  return ToErrno(target.packet->Join(*membership));
}

int Leave(const OptionTarget& target, const OptionInput& input) {
  auto membership = DecodePacketMreq(input.length, input.value);
  if (!membership.ok()) return membership.error();
  target.packet->Leave(*membership);
  return 0;
}

ErrnoOr<OptionBytes> GetStatistics(const OptionTarget& target, size_t length) {
  const netstack::PacketStatistics since = target.packet->TakeStatistics();
  const tpacket_stats value = {.tp_packets = since.packets, .tp_drops = since.drops};
  return OptionBytes(BytesOf(value), length);
}

ErrnoOr<OptionBytes> GetIgnoreOutgoing(const OptionTarget& target, size_t length) {
  return IntLevel::Write(target.packet->ignore_outgoing() ? 1 : 0, length);
}

int SetIgnoreOutgoing(const OptionTarget& target, const OptionInput& input) {
  if (input.length != static_cast<int32_t>(sizeof(int))) return EINVAL;
  int value = 0;
  if (int error = IntLevel::Read(input, &value); error != 0) return error;
  if (value < 0 || value > 1) return EINVAL;
  target.packet->SetIgnoreOutgoing(value != 0);
  return 0;
}

// Rings: what takes one away finds none.
int SetRing(const OptionTarget&, const OptionInput& input) {
  if (int error = input.Need(sizeof(tpacket_req)); error != 0) return error;
  return input.As<tpacket_req>().tp_block_nr == 0 ? 0 : ENOPROTOOPT;
}

// The first version is what a socket without a ring has.
int SetVersion(const OptionTarget&, const OptionInput& input) {
  if (input.length != static_cast<int32_t>(sizeof(int))) return EINVAL;
  int value = 0;
  if (int error = IntLevel::Read(input, &value); error != 0) return error;
  return value == TPACKET_V1 ? 0 : EINVAL;
}

constexpr OptionRow kRows[] = {
    {PACKET_ADD_MEMBERSHIP, kPacket, nullptr, Join},
    {PACKET_DROP_MEMBERSHIP, kPacket, nullptr, Leave},
    {PACKET_STATISTICS, kPacket, GetStatistics, nullptr},
    {PACKET_AUXDATA, kPacket, GetControl<IntLevel, &ReceiveControlFlags::packet_auxiliary>,
     SetControl<IntLevel, &ReceiveControlFlags::packet_auxiliary>},
    {PACKET_IGNORE_OUTGOING, kPacket, GetIgnoreOutgoing, SetIgnoreOutgoing},
    // No bonds or bridges: the interface always is the one that the frame arrived on.
    {PACKET_ORIGDEV, kPacket, GetRemembered<IntLevel, Remembered::kOriginalDevice>,
     SetRemembered<IntLevel, Remembered::kOriginalDevice>},
    // There is no queueing discipline to go past.
    {PACKET_QDISC_BYPASS, kPacket, GetRemembered<IntLevel, Remembered::kQdiscBypass>,
     SetRemembered<IntLevel, Remembered::kQdiscBypass>},
    // Of rings only.
    {PACKET_VERSION, kPacket, GetConstant<IntLevel, TPACKET_V1>, SetVersion},
    {PACKET_RX_RING, kPacket, nullptr, SetRing},
    {PACKET_TX_RING, kPacket, nullptr, SetRing},
    {PACKET_COPY_THRESH, kPacket, GetConstant<IntLevel, 0>, SetIgnored<IntLevel>},
    {PACKET_TIMESTAMP, kPacket, GetConstant<IntLevel, 0>, SetIgnored<IntLevel>},
    // Also PACKET_HDRLEN, _RESERVE, _LOSS, _VNET_HDR, _FANOUT, _TX_HAS_OFF: ENOPROTOOPT, having no
    // row.
};

}  // namespace

std::span<const OptionRow> PacketLevelRows() { return kRows; }

}  // namespace moat::sentry
