#include "netstack/transport/tcp/accecn.h"

#include <algorithm>

namespace moat::netstack::tcp {
namespace {

constexpr uint32_t kFieldMask = 0xffffff;
constexpr uint32_t kRepeatEvery = 1 << 22;  // octets (3.2.3.3)
constexpr uint8_t kNoIndex = 3;

// 3.2.2.5.1: CE marks until an ACK: with text to acknowledge, and without.
constexpr uint8_t kMarksWithText = 2;
constexpr uint8_t kMarksWithout = 3;

// Marking without an end (3.2.2.3): so many rounds and packets, all marked.
constexpr uint8_t kMarkedRounds = 4;
constexpr uint32_t kMarkedPackets = 40;

// A.2.1: when ACKs cover so many packets on average, large ones do not mean that ACKs are missing.
constexpr uint32_t kLargeAcks = 4;

uint8_t IndexOf(uint8_t codepoint) {
  constexpr uint8_t kIndex[] = {kNoIndex, EcnOctets::kE1, EcnOctets::kE0, EcnOctets::kCe};
  return kIndex[codepoint & ip_ecn::kMask];
}

// Which counter is field `i` of an option.
size_t FieldIndex(uint8_t kind, size_t i) { return kind == tcp_option::kAccEcn0 ? i : 2 - i; }

uint32_t LoadField(const uint8_t* p) {
  return static_cast<uint32_t>(p[0]) << 16 | static_cast<uint32_t>(p[1]) << 8 | p[2];
}

void StoreField(uint8_t* p, uint32_t value) {
  p[0] = static_cast<uint8_t>(value >> 16);
  p[1] = static_cast<uint8_t>(value >> 8);
  p[2] = static_cast<uint8_t>(value);
}

}  // namespace

// --- Data Receiver -------------------------------------------------------------------------------

void AccEcnReceiver::CountOctets(uint8_t codepoint, uint32_t octets) {
  const uint8_t index = IndexOf(codepoint);
  if (octets == 0 || index == kNoIndex) return;
  now_.count[index] += octets;
  // A change is said in two options, so that it is clear which counter goes on.
  if (index != last_index_) repeat_ = 2;
  last_index_ = index;
}

void AccEcnReceiver::OnSynAck(uint8_t codepoint, uint32_t octets) {
  if (codepoint == ip_ecn::kCe && cep_ == kFirstCep) ++cep_;
  last_codepoint_ = codepoint;
  CountOctets(codepoint, octets);
}

bool AccEcnReceiver::OnPacket(uint8_t codepoint, uint32_t packets, uint32_t octets, bool owes_ack) {
  const bool change = octets > 0 && last_codepoint_ != ip_ecn::kCe;
  last_codepoint_ = codepoint;
  CountOctets(codepoint, octets);
  if (codepoint != ip_ecn::kCe) return false;
  cep_ += packets;
  unreported_ = static_cast<uint8_t>(std::min<uint32_t>(unreported_ + packets, 255));
  return change || unreported_ >= (owes_ack ? kMarksWithText : kMarksWithout);
}

bool AccEcnReceiver::OptionDue(Options mode) const {
  if (repeat_ > 0 || now_.count[EcnOctets::kCe] != told_.count[EcnOctets::kCe]) return true;
  const uint32_t step = mode == Options::kAlways ? 1 : kRepeatEvery;
  for (size_t i = 0; i < now_.count.size(); ++i) {
    if (now_.count[i] - told_.count[i] >= step) return true;
  }
  return false;
}

bool AccEcnReceiver::PutOption(Options mode, bool handshake, size_t room, TcpOptionSet& set) {
  if (mode == Options::kNever || (!handshake && !OptionDue(mode))) return false;
  const EcnOctets first;
  const auto ever = [&](size_t i) { return now_.count[i] != first.count[i]; };
  const uint8_t kind = ever(EcnOctets::kE1) && !ever(EcnOctets::kE0) ? tcp_option::kAccEcn1
                                                                     : tcp_option::kAccEcn0;
  size_t needed = 0, wanted = handshake ? kTcpMaxAccEcnFields : 1;
  for (size_t i = 0; i < kTcpMaxAccEcnFields; ++i) {
    const size_t index = FieldIndex(kind, i);
    if (ever(index)) wanted = std::max(wanted, i + 1);
    if (now_.count[index] != told_.count[index]) needed = i + 1;
  }
  while (wanted > needed && TcpAccEcnSize(wanted) > room) --wanted;
  if (TcpAccEcnSize(wanted) > room) return false;
  for (size_t i = 0; i < wanted; ++i) {
    StoreField(&wire_[3 * i], now_.count[FieldIndex(kind, i)]);
  }
  set.accecn_kind = kind;
  set.accecn_fields = static_cast<uint8_t>(wanted);
  set.accecn = wire_.data();
  told_ = now_;
  if (repeat_ > 0) --repeat_;
  return true;
}

// --- Data Sender ---------------------------------------------------------------------------------

void AccEcnSender::TestOption(const TcpOptionSet& options) {
  if (tested_) return;
  tested_ = true;
  available_ = options.accecn_kind != 0;
  for (size_t i = 0; i < options.accecn_fields; ++i) {
    const bool starts_at_zero = FieldIndex(options.accecn_kind, i) == EcnOctets::kCe;
    if (!starts_at_zero && LoadField(options.accecn + 3 * i) == 0) ignored_ = true;
  }
}

// False: there is none that can be believed. Fields that are left out have not changed.
bool AccEcnSender::TakeOption(const TcpOptionSet& options, uint32_t* ce_octets) {
  *ce_octets = 0;
  if (options.accecn_kind == 0 || ignored_) return false;
  available_ = true;
  for (size_t i = 0; i < options.accecn_fields; ++i) {
    const size_t index = FieldIndex(options.accecn_kind, i);
    const uint32_t step = (LoadField(options.accecn + 3 * i) - count_.count[index]) & kFieldMask;
    if (step > kFieldMask / 2) continue;  // backwards: older than what we have
    count_.count[index] += step;
    if (index == EcnOctets::kCe) *ce_octets = step;
  }
  return true;
}

uint32_t AccEcnSender::Resolve(uint32_t least, uint32_t packets, bool option, uint32_t ce_octets,
                               uint32_t mss) const {
  const uint32_t most = packets - ((packets - least) & 7);
  if (most <= least) return least;
  if (option) {
    const bool plausible = ce_octets <= uint64_t{mss} * least && ce_octets / most < mss / 2;
    return plausible ? least : most;
  }
  if (least == 0 && (available_ || !marking_)) return 0;
  if (!available_ && packets_per_ack_ >= 8 * kLargeAcks) return least;
  return most;
}

uint32_t AccEcnSender::OnAck(uint8_t ace, const TcpOptionSet& options, const Delivered& delivered,
                             uint32_t mss) {
  const uint32_t packets = delivered.packets;
  const uint32_t least = (ace - cep_) & 7;
  uint32_t ce_octets = 0;
  const bool option = TakeOption(options, &ce_octets);
  const uint32_t marked = packets <= 7 ? least : Resolve(least, packets, option, ce_octets, mss);
  if (option) {
    if (ce_octets > 0 && packets <= 7 && since_option_ + marked == 0) mangled_ = true;
    since_option_ = 0;
  } else {
    since_option_ += marked;
  }
  cep_ += marked;
  marked_octets_ = option ? ce_octets : std::min(marked * mss, delivered.octets);
  if (packets > 0) {
    marking_ = marked > 0;
    if (marked < packets) unmarked_ = true;
    packets_per_ack_ += packets - packets_per_ack_ / 8;
  }
  return marked;
}

void AccEcnSender::OnRound() {
  if (unmarked_) return;
  if (rounds_ < kMarkedRounds) ++rounds_;
  if (rounds_ == kMarkedRounds && marked() >= kMarkedPackets) always_marked_ = true;
}

}  // namespace moat::netstack::tcp
