// SOL_TCP.
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string_view>

#include "sentry/abi/errno_map.h"
#include "sentry/options/option_row.h"
#include "sentry/options/tcp_info.h"

namespace moat::sentry {
namespace {

using netstack::Duration;
using netstack::TcpOptions;
using netstack::TcpState;

// From linux/tcp.h, which clashes with netinet/tcp.h.
constexpr int kTcpIsMptcp = 43;

constexpr uint8_t kTcp = option_kind::kTcp;
constexpr size_t kNameSize = 16;  // TCP_CA_NAME_MAX, TCP_ULP_NAME_MAX
constexpr int kMinMss = 88;
constexpr int kMaxWindow = 32767;
constexpr int kDefaultMss = 536;  // RFC 9293 3.7.1, before a connection
constexpr int kMinReceiveBuffer = 2304;

ErrnoOr<OptionBytes> Int(int64_t value, size_t length) {
  return IntLevel::Write(static_cast<int>(value), length);
}

bool Unconnected(const OptionTarget& target) {
  const TcpState state = target.tcp->state();
  return state == TcpState::kClosed || state == TcpState::kListen;
}

// --- Whole numbers of a time unit ----------------------------------------------------------------

template <typename Unit, Duration TcpOptions::* kMember>
ErrnoOr<OptionBytes> GetTime(const OptionTarget& target, size_t length) {
  return Int(std::chrono::duration_cast<Unit>(target.tcp->tcp_options().*kMember).count(), length);
}

template <typename Unit, Duration TcpOptions::* kMember, int kMin, int kMax>
int SetTime(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  const int value = input.As<int>();
  if (value < kMin || value > kMax) return EINVAL;
  ChangeTcpOptions(target, [&](TcpOptions& options) { options.*kMember = Unit(value); });
  return 0;
}

// TCP_LINGER2: 0 asks for the default, negative for none (kept as a negative duration), and Linux
// never keeps an orphan for more than two minutes.
int SetLinger2(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  const int value = input.As<int>();
  Duration linger = std::chrono::seconds(std::min(value, 120));
  if (value < 0) linger = std::chrono::seconds(-1);
  if (value == 0) {
    linger = std::chrono::seconds(target.host.Sysctl("ipv4.tcp_fin_timeout", 0, 60));
  }
  ChangeTcpOptions(target, [&](TcpOptions& options) { options.linger2 = linger; });
  return 0;
}

// --- Segment size and window ---------------------------------------------------------------------

ErrnoOr<OptionBytes> GetMaxSegment(const OptionTarget& target, size_t length) {
  const int set = target.tcp->tcp_options().max_segment;
  if (Unconnected(target)) return Int(set != 0 ? set : kDefaultMss, length);
  const uint32_t mss = target.tcp->Info().send_mss;
  return Int(mss != 0 ? mss : kDefaultMss, length);
}

int SetMaxSegment(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  const int value = input.As<int>();
  if (value != 0 && (value < kMinMss || value > kMaxWindow)) return EINVAL;
  ChangeTcpOptions(target, [&](TcpOptions& options) { options.max_segment = value; });
  return 0;
}

int SetWindowClamp(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  int value = input.As<int>();
  if (value == 0 && target.tcp->state() != TcpState::kClosed) return EINVAL;
  if (value != 0) value = std::max(value, kMinReceiveBuffer / 2);
  ChangeTcpOptions(target, [&](TcpOptions& options) { options.window_clamp = value; });
  return 0;
}

// --- TCP_DEFER_ACCEPT ----------------------------------------------------------------------------
// Linux counts SYN-ACK retransmissions: seconds are rounded up to 1, 3, 7, 15, 31, 63, then by 120.

int DeferSeconds(int seconds) {
  if (seconds <= 0) return 0;
  int64_t period = 1;
  int64_t timeout = 1;
  for (int retransmits = 1; seconds > period && retransmits < 255; ++retransmits) {
    timeout = std::min<int64_t>(timeout * 2, 120);
    period += timeout;
  }
  return static_cast<int>(period);
}

ErrnoOr<OptionBytes> GetDeferAccept(const OptionTarget& target, size_t length) {
  return Int(target.settings.defer_accept, length);
}

int SetDeferAccept(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  target.settings.defer_accept = DeferSeconds(input.As<int>());
  ChangeTcpOptions(target, [&](TcpOptions& options) {
    options.defer_accept = target.settings.defer_accept != 0;
  });
  return 0;
}

// --- Names ---------------------------------------------------------------------------------------

int ReadName(const OptionInput& input, std::string_view* name) {
  if (input.length < 1) return EINVAL;
  const size_t size = std::min<size_t>(static_cast<size_t>(input.length), kNameSize - 1);
  if (input.value.size() < size) return EFAULT;
  const auto* text = reinterpret_cast<const char*>(input.value.data());
  *name = std::string_view(text, strnlen(text, size));
  return 0;
}

int SetCongestion(const OptionTarget& target, const OptionInput& input) {
  std::string_view name;
  if (int error = ReadName(input, &name); error != 0) return error;
  return target.tcp->SetCongestionControl(name) == netstack::Error::kOk ? 0 : ENOENT;
}

ErrnoOr<OptionBytes> GetCongestion(const OptionTarget& target, size_t length) {
  std::array<uint8_t, kNameSize> name{};
  const std::string_view text = target.tcp->congestion_control();
  std::copy_n(text.begin(), std::min(text.size(), kNameSize - 1), name.begin());
  return OptionBytes(name, length);
}

int SetUpperProtocol(const OptionTarget&, const OptionInput& input) {
  std::string_view name;
  const int error = ReadName(input, &name);
  return error != 0 ? error : ENOENT;
}

// --- State ---------------------------------------------------------------------------------------

ErrnoOr<OptionBytes> GetInfo(const OptionTarget& target, size_t length) {
  return OptionBytes(EncodeTcpInfo(target.tcp->Info(), target.settings.max_pacing_rate), length);
}

ErrnoOr<OptionBytes> GetNotSentLowWater(const OptionTarget& target, size_t length) {
  return Int(target.settings.not_sent_low_water, length);
}

int SetNotSentLowWater(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  const auto value = input.As<uint32_t>();
  target.settings.not_sent_low_water = static_cast<int>(value);
  ChangeTcpOptions(target, [&](TcpOptions& options) {
    options.not_sent_low_water = value == 0 ? UINT32_MAX : value;  // 0: the default, no limit
  });
  return 0;
}

// Fast Open (RFC 7413), by tcp_fastopen.
int SetFastOpen(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  const int value = input.As<int>();
  if (value < 0 || !Unconnected(target)) return EINVAL;
  const auto limit = static_cast<int>(target.host.Sysctl("core.somaxconn", 0, 4096));
  target.settings.fast_open_queue = std::min(value, limit);
  ChangeTcpOptions(target, [&](TcpOptions& options) {
    options.fast_open_queue = static_cast<uint32_t>(target.settings.fast_open_queue);
  });
  return 0;
}

int SetFastOpenConnect(const OptionTarget& target, const OptionInput& input) {
  constexpr int64_t kClient = 1;  // of tcp_fastopen
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  const int value = input.As<int>();
  if (value < 0 || value > 1) return EINVAL;
  if ((target.host.Sysctl("ipv4.tcp_fastopen", 0, 1) & kClient) == 0) return EOPNOTSUPP;
  if (target.tcp->state() != TcpState::kClosed) return EINVAL;
  ChangeTcpOptions(target, [&](TcpOptions& options) { options.fast_open_connect = value != 0; });
  return 0;
}

int SetFastOpenKey(const OptionTarget& target, const OptionInput& input) {
  using netstack::FastOpenSecret;
  const auto length = static_cast<size_t>(input.length);
  if (length != FastOpenSecret::kKeySize && length != 2 * FastOpenSecret::kKeySize) return EINVAL;
  if (int error = input.Need(length); error != 0) return error;
  ChangeTcpOptions(target, [&](TcpOptions& options) {
    options.fast_open_secret.size = static_cast<uint8_t>(length);
    std::copy_n(input.value.begin(), length, options.fast_open_secret.bytes.begin());
  });
  return 0;
}

// Empty when the socket has none: the stack's own is nobody's to know.
ErrnoOr<OptionBytes> GetFastOpenKey(const OptionTarget& target, size_t length) {
  const netstack::FastOpenSecret secret = target.tcp->tcp_options().fast_open_secret;
  return OptionBytes(std::span(secret.bytes).first(secret.size), length);
}

// 2 would keep the link's header too, which TCP never sees here.
int SetSaveSyn(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  const int value = input.As<int>();
  if (value < 0 || value > 2) return EINVAL;
  if (value == 2) return EOPNOTSUPP;
  ChangeTcpOptions(target, [&](TcpOptions& options) { options.save_syn = value != 0; });
  return 0;
}

ErrnoOr<OptionBytes> GetSavedSyn(const OptionTarget& target, size_t length) {
  const auto headers = target.tcp->TakeSavedSyn(length);
  if (!headers.ok()) return Errno{EINVAL};
  return OptionBytes(*headers, length);
}

// Options that may be switched off, which they are.
template <int kMax>
int OnlyOff(const OptionTarget&, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  const int value = input.As<int>();
  if (value < 0 || value > kMax) return EINVAL;
  return value == 0 ? 0 : EOPNOTSUPP;
}

ErrnoOr<OptionBytes> GetRepairWindow(const OptionTarget&, size_t length) {
  constexpr size_t kRepairWindowSize = 20;
  return Errno{length == kRepairWindowSize ? EPERM : EINVAL};
}

int SetFastOpenNoCookie(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  const int value = input.As<int>();
  if (value < 0 || value > 1 || !Unconnected(target)) return EINVAL;
  ChangeTcpOptions(target, [&](TcpOptions& options) { options.fast_open_no_cookie = value != 0; });
  return 0;
}

// Signatures (RFC 2385) are not supported; an option that Linux may be built without.
constexpr OptionSetter kNotBuiltIn = RefuseInt<IntLevel, ENOPROTOOPT>;
constexpr OptionSetter kRepair = RefuseInt<IntLevel, EPERM>;  // checkpoint and restore

template <auto kMember>
constexpr OptionRow Flag(int name) {
  return {name, kTcp, GetTcp<kMember>, SetTcpFlag<kMember>};
}

template <Remembered kOption, int kMax>
constexpr OptionRow Small(int name) {
  return {name, kTcp, GetRemembered<IntLevel, kOption>,
          SetRememberedInt<IntLevel, kOption, 0, kMax>};
}

using std::chrono::milliseconds;
using std::chrono::seconds;
constexpr int kMaxKeepalive = 32767;

constexpr OptionRow kRows[] = {
    Flag<&TcpOptions::no_delay>(TCP_NODELAY),
    Flag<&TcpOptions::cork>(TCP_CORK),
    Flag<&TcpOptions::quick_ack>(TCP_QUICKACK),
    {TCP_MAXSEG, kTcp, GetMaxSegment, SetMaxSegment},
    {TCP_KEEPIDLE, kTcp, GetTime<seconds, &TcpOptions::keepalive_idle>,
     SetTime<seconds, &TcpOptions::keepalive_idle, 1, kMaxKeepalive>},
    {TCP_KEEPINTVL, kTcp, GetTime<seconds, &TcpOptions::keepalive_interval>,
     SetTime<seconds, &TcpOptions::keepalive_interval, 1, kMaxKeepalive>},
    {TCP_KEEPCNT, kTcp, GetTcp<&TcpOptions::keepalive_count>,
     SetTcpInt<&TcpOptions::keepalive_count, 1, 127>},
    {TCP_SYNCNT, kTcp, GetTcp<&TcpOptions::syn_count>, SetTcpInt<&TcpOptions::syn_count, 1, 127>},
    {TCP_LINGER2, kTcp, GetTime<seconds, &TcpOptions::linger2>, SetLinger2},
    {TCP_USER_TIMEOUT, kTcp, GetTime<milliseconds, &TcpOptions::user_timeout>,
     SetTime<milliseconds, &TcpOptions::user_timeout, 0, kAnyMax>},
    {TCP_DEFER_ACCEPT, kTcp, GetDeferAccept, SetDeferAccept},
    {TCP_WINDOW_CLAMP, kTcp, GetTcp<&TcpOptions::window_clamp>, SetWindowClamp},
    {TCP_NOTSENT_LOWAT, kTcp, GetNotSentLowWater, SetNotSentLowWater},
    {TCP_INFO, kTcp, GetInfo, nullptr},
    {TCP_CONGESTION, kTcp, GetCongestion, SetCongestion},
    {TCP_CC_INFO, kTcp, GetEmpty, nullptr},  // none is reported, as CUBIC and Reno have none
    {TCP_ULP, kTcp, GetEmpty, SetUpperProtocol},
    {TCP_SAVED_SYN, kTcp, GetSavedSyn, nullptr},
    {TCP_FASTOPEN, kTcp, GetSetting<IntLevel, &SocketSettings::fast_open_queue>, SetFastOpen},
    {TCP_FASTOPEN_CONNECT, kTcp, GetTcp<&TcpOptions::fast_open_connect>, SetFastOpenConnect},
    {TCP_FASTOPEN_NO_COOKIE, kTcp, GetTcp<&TcpOptions::fast_open_no_cookie>, SetFastOpenNoCookie},
    Small<Remembered::kThinLinear, 1>(TCP_THIN_LINEAR_TIMEOUTS),
    {TCP_THIN_DUPACK, kTcp, GetConstant<IntLevel, 0>,
     SetRememberedInt<IntLevel, Remembered::kThinDupack, 0, 1>},
    {TCP_SAVE_SYN, kTcp, GetTcp<&TcpOptions::save_syn>, SetSaveSyn},
    {TCP_FASTOPEN_KEY, kTcp, GetFastOpenKey, SetFastOpenKey},
    {TCP_INQ, kTcp, GetConstant<IntLevel, 0>, OnlyOff<1>},
    {TCP_TX_DELAY, kTcp, GetConstant<IntLevel, 0>, OnlyOff<kAnyMax>},
    {TCP_REPAIR, kTcp, GetConstant<IntLevel, 0>, kRepair},
    {TCP_REPAIR_QUEUE, kTcp, RefuseGet<EINVAL>, kRepair},
    {TCP_REPAIR_OPTIONS, kTcp, nullptr, RefuseInt<IntLevel, EINVAL>},
    {TCP_REPAIR_WINDOW, kTcp, GetRepairWindow, kRepair},
    {TCP_QUEUE_SEQ, kTcp, RefuseGet<EINVAL>, RefuseInt<IntLevel, EINVAL>},
    {TCP_TIMESTAMP, kTcp, GetConstant<IntLevel, 0>, kRepair},
    {TCP_MD5SIG, kTcp, nullptr, kNotBuiltIn},
    {TCP_MD5SIG_EXT, kTcp, nullptr, kNotBuiltIn},
    {TCP_ZEROCOPY_RECEIVE, kTcp, RefuseGet<ENOPROTOOPT>, nullptr},
    {kTcpIsMptcp, kTcp, GetConstant<IntLevel, 0>, nullptr},
};

}  // namespace

std::span<const OptionRow> TcpLevelRows() { return kRows; }

}  // namespace moat::sentry
