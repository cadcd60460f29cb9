#include "netstack/transport/tcp/testing/packet.h"

#include "absl/strings/str_cat.h"

namespace moat::netstack::tcp {
namespace {

std::string FlagNames(uint8_t flags) {
  constexpr std::pair<uint8_t, const char*> kNames[] = {
      {tcp_flag::kSyn, "SYN"}, {tcp_flag::kFin, "FIN"}, {tcp_flag::kRst, "RST"},
      {tcp_flag::kAck, "ACK"}, {tcp_flag::kUrg, "URG"}, {tcp_flag::kEce, "ECE"},
      {tcp_flag::kCwr, "CWR"}};
  std::string text;
  for (const auto& [flag, name] : kNames) {
    if ((flags & flag) != 0) absl::StrAppend(&text, text.empty() ? "" : ",", name);
  }
  return text;
}

template <typename T>
bool Differs(const char* name, const std::optional<T>& got, const std::optional<T>& want,
             std::string* why) {
  if (!want.has_value() || got == want) return false;
  *why = absl::StrCat("whose ", name, " differs");
  return true;
}

}  // namespace

std::string Describe(const Packet& packet) {
  if (packet.flags == 0 && !packet.seq.has_value()) return "nothing";
  std::string text = absl::StrCat("<", FlagNames(packet.flags));
  if (packet.seq) absl::StrAppend(&text, " seq ", *packet.seq);
  if (packet.ack) absl::StrAppend(&text, " ack ", *packet.ack);
  if (packet.wnd) absl::StrAppend(&text, " wnd ", *packet.wnd);
  if (packet.urgent) absl::StrAppend(&text, " urgent ", *packet.urgent);
  if (packet.data) {
    const std::string& data = *packet.data;
    absl::StrAppend(&text, " size ", data.size());
    if (data.size() < 32) absl::StrAppend(&text, " '", data, "'");
  }
  if (packet.size) absl::StrAppend(&text, " size ", *packet.size);
  if (packet.mss) absl::StrAppend(&text, " mss ", *packet.mss);
  if (packet.shift) absl::StrAppend(&text, " shift ", static_cast<int>(*packet.shift));
  if (packet.sack_ok.value_or(false)) absl::StrAppend(&text, " sackOK");
  if (packet.timestamps) {
    absl::StrAppend(&text, " ts ", packet.timestamps->first, " ", packet.timestamps->second);
  }
  if (packet.sack) {
    for (const auto& [start, end] : *packet.sack) absl::StrAppend(&text, " sack ", start, ":", end);
  }
  if (packet.ecn) absl::StrAppend(&text, " ecn ", static_cast<int>(*packet.ecn));
  if (packet.ace) absl::StrAppend(&text, " ace ", static_cast<int>(*packet.ace));
  if (packet.accecn && packet.accecn->first != 0) {
    absl::StrAppend(&text, " accecn", packet.accecn->first == tcp_option::kAccEcn0 ? "0" : "1");
    for (const uint32_t field : packet.accecn->second) absl::StrAppend(&text, " ", field);
  }
  if (packet.user_timeout.value_or(0) != 0) {
    absl::StrAppend(&text, " user timeout ", *packet.user_timeout);
  }
  if (packet.gso_size) absl::StrAppend(&text, " gso ", *packet.gso_size);
  return text + ">";
}

bool Matches(const Packet& got, const Packet& want, std::string* why) {
  const uint8_t kIgnored =
      tcp_flag::kPsh | (want.ace || want.accecn ? tcp_flag::kEce | tcp_flag::kCwr : 0);
  // Data, an ACK that is not compared, may be asked for without saying ACK.
  uint8_t want_flags = want.flags;
  if ((want.data || want.size) && (want_flags & tcp_flag::kRst) == 0) want_flags |= tcp_flag::kAck;
  if ((want_flags & tcp_flag::kFin) != 0) want_flags |= tcp_flag::kAck;
  if ((got.flags & ~kIgnored) != (want_flags & ~kIgnored)) {
    *why = "whose flags differ";
    return false;
  }
  const size_t got_size = got.data.value_or("").size();
  if (want.size && *want.size != got_size) {
    *why = "whose size differs";
    return false;
  }
  if (!want.size && !want.data && got_size != 0) {
    *why = "which has data";
    return false;
  }
  return !Differs("seq", got.seq, want.seq, why) && !Differs("ack", got.ack, want.ack, why) &&
         !Differs("wnd", got.wnd, want.wnd, why) && !Differs("data", got.data, want.data, why) &&
         !Differs("urgent", got.urgent, want.urgent, why) &&
         !Differs("mss", got.mss, want.mss, why) && !Differs("shift", got.shift, want.shift, why) &&
         !Differs("sackOK", got.sack_ok, want.sack_ok, why) &&
         !Differs("timestamps", got.timestamps, want.timestamps, why) &&
         !Differs("ecn", got.ecn, want.ecn, why) && !Differs("ace", got.ace, want.ace, why) &&
         !Differs("AccECN option", got.accecn, want.accecn, why) &&
         !Differs("sack", got.sack, want.sack, why) &&
         !Differs("user timeout", got.user_timeout, want.user_timeout, why) &&
         !Differs("gso", got.gso_size, want.gso_size, why);
}

}  // namespace moat::netstack::tcp
