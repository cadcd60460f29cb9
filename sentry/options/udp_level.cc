// SOL_UDP.
#include <netinet/in.h>
#include <netinet/udp.h>

#include "sentry/options/option_row.h"

namespace moat::sentry {
namespace {

constexpr int kUdpLiteSendCoverage = 10;
constexpr int kUdpLiteReceiveCoverage = 11;
constexpr uint8_t kUdp = option_kind::kUdp;

// Joining several writes into one datagram is not supported.
int SetCork(const OptionTarget&, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  return input.As<int>() == 0 ? 0 : EOPNOTSUPP;
}

// Decapsulation (IPsec, L2TP) is not supported.
int SetEncapsulation(const OptionTarget&, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  return input.As<int>() == 0 ? 0 : ENOPROTOOPT;
}

int SetSegment(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  const int value = input.As<int>();
  if (value < 0 || value > UINT16_MAX) return EINVAL;
  target.settings.gso_segment = static_cast<uint16_t>(value);
  return 0;
}

int SetGro(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  const bool on = input.As<int>() != 0;
  target.settings.receive_control.udp_gro = on;
  target.datagram->SetReceiveOffload(on);
  return 0;
}

template <auto kMember>
constexpr OptionRow Flag(int name) {
  return {name, kUdp, GetDatagramFlag<IntLevel, kMember>, SetDatagramFlag<IntLevel, kMember>};
}

constexpr OptionRow kRows[] = {
    {UDP_SEGMENT, kUdp, GetSetting<IntLevel, &SocketSettings::gso_segment>, SetSegment},
    {UDP_GRO, kUdp, GetControl<IntLevel, &ReceiveControlFlags::udp_gro>, SetGro},
    {UDP_CORK, kUdp, GetConstant<IntLevel, 0>, SetCork},
    {UDP_ENCAP, kUdp, GetConstant<IntLevel, 0>, SetEncapsulation},
    {kUdpLiteSendCoverage, kUdp, GetConstant<IntLevel, 0>, nullptr},
    {kUdpLiteReceiveCoverage, kUdp, GetConstant<IntLevel, 0>, nullptr},
    Flag<&netstack::DatagramOptions::no_checksum6_sent>(UDP_NO_CHECK6_TX),
    Flag<&netstack::DatagramOptions::no_checksum6_received>(UDP_NO_CHECK6_RX),
};

}  // namespace

std::span<const OptionRow> UdpLevelRows() { return kRows; }

}  // namespace moat::sentry
