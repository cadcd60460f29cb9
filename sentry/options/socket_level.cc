// SOL_SOCKET.
#include <linux/capability.h>
#include <linux/net_tstamp.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <string>

#include "sentry/abi/errno_map.h"
#include "netstack/socket/raw_controls.h"
#include "sentry/options/option_row.h"
#include "sentry/options/socket_buffers.h"
#include "sentry/options/socket_timestamps.h"

namespace moat::sentry {
namespace {

using netstack::Duration;
using netstack::SocketOptions;

// Newer than Debian 12's headers.
constexpr int kSoPassPidfd = 76;
constexpr int kSoPeerPidfd = 77;
constexpr int kSoReceivePriority = 82;
constexpr int kSoPassRights = 83;

constexpr uint8_t kAll = option_kind::kAll;
constexpr uint8_t kWithPort = option_kind::kTcp | option_kind::kUdp;

ErrnoOr<OptionBytes> Int(int value, size_t length) { return IntLevel::Write(value, length); }

// --- What the socket is --------------------------------------------------------------------------

ErrnoOr<OptionBytes> GetType(const OptionTarget& target, size_t length) {
  if (target.kind == SocketKind::kTcp) return Int(SOCK_STREAM, length);
  if (target.packet != nullptr) return Int(target.packet->raw() ? SOCK_RAW : SOCK_DGRAM, length);
  return Int(target.kind == SocketKind::kRaw ? SOCK_RAW : SOCK_DGRAM, length);
}

ErrnoOr<OptionBytes> GetDomain(const OptionTarget& target, size_t length) {
  if (target.packet != nullptr) return Int(AF_PACKET, length);
  return Int(target.family == netstack::Family::kIpv4 ? AF_INET : AF_INET6, length);
}

ErrnoOr<OptionBytes> GetProtocol(const OptionTarget& target, size_t length) {
  switch (target.kind) {
    case SocketKind::kTcp: return Int(IPPROTO_TCP, length);
    case SocketKind::kUdp: return Int(IPPROTO_UDP, length);
    case SocketKind::kRaw: return Int(target.datagram->raw()->protocol(), length);
    case SocketKind::kPacket: return Int(0, length);  // as Linux has it
    case SocketKind::kPing: break;
  }
  return Int(target.family == netstack::Family::kIpv4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6},
             length);
}

ErrnoOr<OptionBytes> GetAcceptConnection(const OptionTarget& target, size_t length) {
  const bool listening =
      target.tcp != nullptr && target.tcp->state() == netstack::TcpState::kListen;
  return Int(listening ? 1 : 0, length);
}

ErrnoOr<OptionBytes> GetError(const OptionTarget& target, size_t length) {
  int error = std::exchange(target.pending_error, 0);
  if (error == 0) {
    error = ToErrno(target.packet != nullptr ? target.packet->TakeError()
                    : target.tcp != nullptr  ? target.tcp->TakeError()
                                             : target.datagram->TakeError());
  }
  return Int(error, length);
}

uint64_t IdOf(const OptionTarget& target) {
  if (target.packet != nullptr) return target.packet->id();
  return target.tcp != nullptr ? target.tcp->id() : target.datagram->id();
}

ErrnoOr<OptionBytes> GetCookie(const OptionTarget& target, size_t length) {
  if (length < sizeof(uint64_t)) return Errno{EINVAL};
  return OptionBytes(BytesOf(IdOf(target)), length);
}

ErrnoOr<OptionBytes> GetNamespaceCookie(const OptionTarget& target, size_t length) {
  if (length != sizeof(uint64_t)) return Errno{EINVAL};
  return OptionBytes(BytesOf(target.host.NamespaceCookie()), length);
}

ErrnoOr<OptionBytes> GetPeerName(const OptionTarget& target, size_t length) {
  if (target.packet != nullptr) return Errno{ENOTCONN};
  const auto remote =
      target.tcp != nullptr ? target.tcp->Remote() : target.datagram->Remote();
  if (!remote.ok()) return Errno{ToErrno(remote.error())};
  const EncodedAddress name = EncodeSockaddr(*remote, target.family);
  if (length > name.size) return Errno{EINVAL};
  return OptionBytes(name.span(), length);
}

// inet sockets have no peer credentials: nobody.
ErrnoOr<OptionBytes> GetPeerCredentials(const OptionTarget&, size_t length) {
  constexpr ucred kNobody = {.pid = 0, .uid = ~0u, .gid = ~0u};
  return OptionBytes(BytesOf(kNobody), length);
}

ErrnoOr<OptionBytes> GetMemoryInfo(const OptionTarget& target, size_t length) {
  uint32_t info[SK_MEMINFO_VARS] = {};
  info[SK_MEMINFO_RCVBUF] = static_cast<uint32_t>(ReceiveBufferSize(target));
  info[SK_MEMINFO_SNDBUF] = static_cast<uint32_t>(SendBufferSize(target));
  if (target.tcp != nullptr) {
    info[SK_MEMINFO_RMEM_ALLOC] = static_cast<uint32_t>(target.tcp->ReadableBytes());
    info[SK_MEMINFO_WMEM_QUEUED] = static_cast<uint32_t>(target.tcp->UnackedBytes());
  } else if (target.packet != nullptr) {
    info[SK_MEMINFO_RMEM_ALLOC] = static_cast<uint32_t>(target.packet->ReadableBytes());
  } else {
    info[SK_MEMINFO_RMEM_ALLOC] = static_cast<uint32_t>(target.datagram->ReadableBytes());
  }
  return OptionBytes(BytesOf(info), length);
}

// --- Linger and timeouts -------------------------------------------------------------------------

int SetLinger(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(linger)); error != 0) return error;
  const auto value = input.As<linger>();
  target.settings.linger = value.l_onoff != 0;
  if (target.settings.linger) {
    // The kernel's tick is 64-bit here, so that nothing below it is clamped; negative means for
    // ever.
    constexpr int64_t kForever = std::numeric_limits<int64_t>::max() / 1'000'000'000;
    target.settings.linger_seconds = value.l_linger < 0 ? kForever : value.l_linger;
  }
  return 0;
}

ErrnoOr<OptionBytes> GetLinger(const OptionTarget& target, size_t length) {
  const linger value = {.l_onoff = target.settings.linger ? 1 : 0,
                        .l_linger = static_cast<int>(target.settings.linger_seconds)};
  return OptionBytes(BytesOf(value), length);
}

// struct timeval of a 64-bit program and __kernel_sock_timeval are the same two words, so the old
// and the new option differ in their number only.
struct KernelTimeval {
  int64_t seconds;
  int64_t microseconds;
};

template <Duration SocketSettings::* kMember>
int SetTimeout(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(KernelTimeval)); error != 0) return error;
  const auto value = input.As<KernelTimeval>();
  if (value.microseconds < 0 || value.microseconds >= 1'000'000) return EDOM;
  // Beyond 292 years is for ever. Linux makes a negative timeout expire at once.
  constexpr int64_t kMaxSeconds = std::numeric_limits<int64_t>::max() / 1'000'000'000 - 1;
  Duration timeout{0};
  if (value.seconds < 0) {
    timeout = Duration(1);
  } else if (value.seconds <= kMaxSeconds) {
    timeout = std::chrono::seconds(value.seconds) + std::chrono::microseconds(value.microseconds);
  }
  target.settings.*kMember = timeout;
  return 0;
}

template <Duration SocketSettings::* kMember>
ErrnoOr<OptionBytes> GetTimeout(const OptionTarget& target, size_t length) {
  // Linux keeps ticks; a value that is not a multiple of its tick comes back rounded up. Its tick
  // is configuration (1 to 10 ms), ours is the microsecond.
  const auto timeout =
      std::chrono::duration_cast<std::chrono::microseconds>(target.settings.*kMember);
  const KernelTimeval value = {.seconds = timeout.count() / 1'000'000,
                               .microseconds = timeout.count() % 1'000'000};
  return OptionBytes(BytesOf(value), length);
}

// --- Privileged or bounded -----------------------------------------------------------------------

bool MayAdminister(const OptionTarget& target) {
  return target.host.HasCapability(CAP_NET_RAW) || target.host.HasCapability(CAP_NET_ADMIN);
}

int SetMark(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(uint32_t)); error != 0) return error;
  if (!MayAdminister(target)) return EPERM;
  ChangeOptions(target, [&](SocketOptions& options) { options.mark = input.As<uint32_t>(); });
  return 0;
}

int SetPriority(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  const int value = input.As<int>();
  if ((value < 0 || value > 6) && !MayAdminister(target)) return EPERM;
  ChangeOptions(target, [&](SocketOptions& options) { options.priority = value; });
  return 0;
}

int SetDebug(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  const bool on = input.As<int>() != 0;
  if (on && !target.host.HasCapability(CAP_NET_ADMIN)) return EACCES;
  target.settings.at(Remembered::kDebug) = on ? 1 : 0;
  return 0;
}

int SetReceiveLowWater(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  int value = input.As<int>();
  if (value < 0) value = kAnyMax;
  if (target.kind == SocketKind::kTcp) {  // never more than half of what can be buffered
    const int64_t buffer = Options(target).receive_buffer != 0
                               ? ReceiveBufferSize(target)
                               : target.host.Sysctl("ipv4.tcp_rmem", 2, 6291456);
    value = static_cast<int>(std::min<int64_t>(value, buffer / 2));
  }
  target.settings.receive_low_water = value == 0 ? 1 : value;
  return 0;
}

int SetBusyPoll(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  const int value = input.As<int>();
  if (value < 0) return EINVAL;
  target.settings.busy_poll = value;
  return 0;
}

int SetPreferBusyPoll(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  const bool on = input.As<int>() != 0;
  if (on && !target.host.HasCapability(CAP_NET_ADMIN)) return EPERM;
  target.settings.at(Remembered::kPreferBusyPoll) = on ? 1 : 0;
  return 0;
}

int SetBusyPollBudget(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  const int value = input.As<int>();
  if (value > target.settings.busy_poll_budget && !target.host.HasCapability(CAP_NET_ADMIN)) {
    return EPERM;
  }
  if (value < 0 || value > UINT16_MAX) return EINVAL;
  target.settings.busy_poll_budget = value;
  return 0;
}

int SetPacingRate(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(uint32_t)); error != 0) return error;
  if (input.length >= static_cast<int32_t>(sizeof(uint64_t))) {
    if (int error = input.Need(sizeof(uint64_t)); error != 0) return error;
    target.settings.max_pacing_rate = input.As<uint64_t>();
  } else {
    const auto value = input.As<uint32_t>();
    target.settings.max_pacing_rate = value == ~0u ? ~uint64_t{0} : value;
  }
  if (target.tcp != nullptr) {
    ChangeTcpOptions(target, [&](netstack::TcpOptions& options) {
      options.max_pacing_rate = target.settings.max_pacing_rate;
    });
  }
  return 0;
}

ErrnoOr<OptionBytes> GetPacingRate(const OptionTarget& target, size_t length) {
  const uint64_t rate = target.settings.max_pacing_rate;
  if (length >= sizeof(uint64_t)) return OptionBytes(BytesOf(rate), length);
  const auto narrow = static_cast<uint32_t>(std::min<uint64_t>(rate, ~0u));
  return OptionBytes(BytesOf(narrow), length);
}

int SetBufferLock(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  constexpr int kBoth = SOCK_SNDBUF_LOCK | SOCK_RCVBUF_LOCK;
  const int value = input.As<int>();
  if ((value & ~kBoth) != 0) return EINVAL;
  target.settings.at(Remembered::kBufferLock) = static_cast<int8_t>(value);
  return 0;
}

int SetTxRehash(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  const int value = input.As<int>();
  if (target.kind != SocketKind::kTcp) return EOPNOTSUPP;
  if (value < -1 || value > 1) return EINVAL;
  target.settings.at(Remembered::kTxRehash) = static_cast<int8_t>(value == -1 ? 1 : value);
  return 0;
}

// --- Interface -----------------------------------------------------------------------------------

int BindToIndex(const OptionTarget& target, netstack::InterfaceIndex index) {
  // Anybody may bind a socket that is not bound; changing it takes a privilege.
  if (Options(target).bound_device != 0 && !target.host.HasCapability(CAP_NET_RAW)) return EPERM;
  ChangeOptions(target, [&](SocketOptions& options) { options.bound_device = index; });
  return 0;
}

int SetBindToDevice(const OptionTarget& target, const OptionInput& input) {
  const size_t used = std::min<size_t>(static_cast<size_t>(input.length), IFNAMSIZ - 1);
  if (input.value.size() < used) return EFAULT;
  const auto* text = reinterpret_cast<const char*>(input.value.data());
  const std::string name(text, strnlen(text, used));
  netstack::InterfaceIndex index = 0;
  if (!name.empty()) {
    index = target.host.InterfaceByName(name);
    if (index == 0) return ENODEV;
  }
  return BindToIndex(target, index);
}

ErrnoOr<OptionBytes> GetBindToDevice(const OptionTarget& target, size_t length) {
  const netstack::InterfaceIndex index = Options(target).bound_device;
  if (index == 0) return OptionBytes();
  if (length < IFNAMSIZ) return Errno{EINVAL};
  const std::string name = target.host.InterfaceName(index);
  if (name.empty()) return Errno{ENODEV};
  const auto* bytes = reinterpret_cast<const uint8_t*>(name.c_str());
  return OptionBytes({bytes, name.size() + 1}, length);
}

int SetBindToIndex(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  const int index = input.As<int>();
  if (index < 0) return EINVAL;
  return BindToIndex(target, index);
}

// --- Not supported -------------------------------------------------------------------------------

// MSG_ZEROCOPY promises a completion on the error queue; data goes through a Unix socket, whose
// sender is never told. Programs fall back when the option is refused.
int SetZeroCopy(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  if (target.kind != SocketKind::kTcp && target.kind != SocketKind::kUdp) return EOPNOTSUPP;
  const int value = input.As<int>();
  if (value < 0 || value > 1) return EINVAL;
  return value == 0 ? 0 : EOPNOTSUPP;
}

int SetReservedMemory(const OptionTarget&, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  return input.As<int>() < 0 ? EINVAL : EOPNOTSUPP;
}

// Socket filters would have to run on packets that never reach the kernel; those of packet sockets
// are run by the stack (socket/packet_container_socket.cc).
int SetFilter(const OptionTarget&, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  return ENOPROTOOPT;
}

int DetachReuseportFilter(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  return Options(target).reuse_port ? ENOENT : EINVAL;
}

ErrnoOr<OptionBytes> GetTxRehash(const OptionTarget& target, size_t length) {
  if (target.kind != SocketKind::kTcp) return Errno{EOPNOTSUPP};
  return Int(target.settings.at(Remembered::kTxRehash), length);
}

ErrnoOr<OptionBytes> GetTxTime(const OptionTarget&, size_t length) {
  return OptionBytes(BytesOf(uint64_t{0}), length);  // struct sock_txtime: clock 0, no flags
}

int SetLockFilter(const OptionTarget& target, const OptionInput& input) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  bool& locked = target.settings.filter_locked;
  const bool on = input.As<int>() != 0;
  if (locked && !on) return EPERM;
  locked = on;
  return 0;
}

template <Remembered kOption>
constexpr OptionRow Flag(int name, uint8_t kinds = kAll) {
  return {name, kinds, GetRemembered<IntLevel, kOption>, SetRemembered<IntLevel, kOption>};
}

template <auto kMember>
constexpr OptionRow SocketFlag(int name) {
  return {name, kAll, GetSocket<IntLevel, kMember>, SetSocketFlag<IntLevel, kMember>};
}

constexpr OptionRow kRows[] = {
    SocketFlag<&SocketOptions::reuse_address>(SO_REUSEADDR),
    SocketFlag<&SocketOptions::reuse_port>(SO_REUSEPORT),
    SocketFlag<&SocketOptions::broadcast>(SO_BROADCAST),
    SocketFlag<&SocketOptions::keepalive>(SO_KEEPALIVE),
    SocketFlag<&SocketOptions::dont_route>(SO_DONTROUTE),
    {SO_TYPE, kAll, GetType, nullptr},
    {SO_ERROR, kAll, GetError, nullptr},
    {SO_DOMAIN, kAll, GetDomain, nullptr},
    {SO_PROTOCOL, kAll, GetProtocol, nullptr},
    {SO_ACCEPTCONN, kAll, GetAcceptConnection, nullptr},
    {SO_SNDBUF, kAll, GetSendBuffer, SetSendBuffer},
    {SO_RCVBUF, kAll, GetReceiveBuffer, SetReceiveBuffer},
    {SO_SNDBUFFORCE, kAll, nullptr, ForceSendBuffer},
    {SO_RCVBUFFORCE, kAll, nullptr, ForceReceiveBuffer},
    {SO_LINGER, kAll, GetLinger, SetLinger},
    {SO_RCVTIMEO_OLD, kAll, GetTimeout<&SocketSettings::receive_timeout>,
     SetTimeout<&SocketSettings::receive_timeout>},
    {SO_SNDTIMEO_OLD, kAll, GetTimeout<&SocketSettings::send_timeout>,
     SetTimeout<&SocketSettings::send_timeout>},
    {SO_RCVTIMEO_NEW, kAll, GetTimeout<&SocketSettings::receive_timeout>,
     SetTimeout<&SocketSettings::receive_timeout>},
    {SO_SNDTIMEO_NEW, kAll, GetTimeout<&SocketSettings::send_timeout>,
     SetTimeout<&SocketSettings::send_timeout>},
    {SO_OOBINLINE, kAll, GetSetting<IntLevel, &SocketSettings::out_of_band_inline>,
     SetSetting<IntLevel, &SocketSettings::out_of_band_inline, kAnyMin, kAnyMax>},
    {SO_RCVLOWAT, kAll, GetSetting<IntLevel, &SocketSettings::receive_low_water>,
     SetReceiveLowWater},
    {SO_SNDLOWAT, kAll, GetConstant<IntLevel, 1>, nullptr},
    {SO_PEEK_OFF, kWithPort, GetSetting<IntLevel, &SocketSettings::peek_offset>,
     SetSetting<IntLevel, &SocketSettings::peek_offset, kAnyMin, kAnyMax>},
    {SO_PEEK_OFF, kAll, RefuseGet<EOPNOTSUPP>, RefuseInt<IntLevel, EOPNOTSUPP>},
    {SO_BINDTODEVICE, kAll, GetBindToDevice, SetBindToDevice},
    {SO_BINDTOIFINDEX, kAll, GetSocket<IntLevel, &SocketOptions::bound_device>, SetBindToIndex},
    {SO_MARK, kAll, GetSocket<IntLevel, &SocketOptions::mark>, SetMark},
    {SO_PRIORITY, kAll, GetSocket<IntLevel, &SocketOptions::priority>, SetPriority},
    {SO_TIMESTAMP_OLD, kAll, GetTimestamp<TimestampFormat::kMicroOld>,
     SetTimestamp<TimestampFormat::kMicroOld>},
    {SO_TIMESTAMP_NEW, kAll, GetTimestamp<TimestampFormat::kMicroNew>,
     SetTimestamp<TimestampFormat::kMicroNew>},
    {SO_TIMESTAMPNS_OLD, kAll, GetTimestamp<TimestampFormat::kNanoOld>,
     SetTimestamp<TimestampFormat::kNanoOld>},
    {SO_TIMESTAMPNS_NEW, kAll, GetTimestamp<TimestampFormat::kNanoNew>,
     SetTimestamp<TimestampFormat::kNanoNew>},
    {SO_TIMESTAMPING_OLD, kAll, GetTimestamping, SetTimestamping},
    {SO_TIMESTAMPING_NEW, kAll, GetTimestamping, SetTimestamping},
    {SO_RXQ_OVFL, kAll, GetControl<IntLevel, &ReceiveControlFlags::overflow>,
     SetControl<IntLevel, &ReceiveControlFlags::overflow>},
    {SO_COOKIE, kAll, GetCookie, nullptr},
    {SO_NETNS_COOKIE, kAll, GetNamespaceCookie, nullptr},
    {SO_MEMINFO, kAll, GetMemoryInfo, nullptr},
    {SO_PEERNAME, kAll, GetPeerName, nullptr},
    {SO_PEERCRED, kAll, GetPeerCredentials, nullptr},
    {SO_PEERGROUPS, kAll, RefuseGet<ENODATA>, nullptr},
    {SO_PEERSEC, kAll, RefuseGet<ENOPROTOOPT>, nullptr},
    {SO_PASSCRED, kAll, RefuseGet<EOPNOTSUPP>, RefuseInt<IntLevel, EOPNOTSUPP>},
    {SO_PASSSEC, kAll, RefuseGet<EOPNOTSUPP>, RefuseInt<IntLevel, EOPNOTSUPP>},
    {kSoPassPidfd, kAll, RefuseGet<EOPNOTSUPP>, RefuseInt<IntLevel, EOPNOTSUPP>},
    {kSoPassRights, kAll, RefuseGet<EOPNOTSUPP>, RefuseInt<IntLevel, EOPNOTSUPP>},
    {kSoPeerPidfd, kAll, RefuseGet<ENODATA>, nullptr},
    {SO_INCOMING_CPU, kAll, GetSetting<IntLevel, &SocketSettings::incoming_cpu>,
     SetSetting<IntLevel, &SocketSettings::incoming_cpu, kAnyMin, kAnyMax>},
    {SO_INCOMING_NAPI_ID, kAll, GetConstant<IntLevel, 0>, nullptr},
    {SO_BUSY_POLL, kAll, GetSetting<IntLevel, &SocketSettings::busy_poll>, SetBusyPoll},
    {SO_PREFER_BUSY_POLL, kAll, GetRemembered<IntLevel, Remembered::kPreferBusyPoll>,
     SetPreferBusyPoll},
    {SO_BUSY_POLL_BUDGET, kAll, nullptr, SetBusyPollBudget},
    {SO_MAX_PACING_RATE, kAll, GetPacingRate, SetPacingRate},
    {SO_ZEROCOPY, kAll, GetConstant<IntLevel, 0>, SetZeroCopy},
    {SO_RESERVE_MEM, kAll, GetConstant<IntLevel, 0>, SetReservedMemory},
    {SO_BUF_LOCK, kAll, GetRemembered<IntLevel, Remembered::kBufferLock>, SetBufferLock},
    {SO_TXREHASH, kAll, GetTxRehash, SetTxRehash},
    {SO_TXTIME, kAll, GetTxTime, RefuseInt<IntLevel, EOPNOTSUPP>},
    {SO_ATTACH_FILTER, kAll, GetEmpty, SetFilter},
    {SO_ATTACH_BPF, kAll, nullptr, SetFilter},
    {SO_ATTACH_REUSEPORT_CBPF, kAll, nullptr, SetFilter},
    {SO_ATTACH_REUSEPORT_EBPF, kAll, nullptr, SetFilter},
    {SO_DETACH_FILTER, kAll, nullptr, RefuseInt<IntLevel, ENOENT>},
    {SO_DETACH_REUSEPORT_BPF, kAll, nullptr, DetachReuseportFilter},
    {SO_LOCK_FILTER, kAll, GetSetting<IntLevel, &SocketSettings::filter_locked>, SetLockFilter},
    {SO_BPF_EXTENSIONS, kAll, GetConstant<IntLevel, 64>, nullptr},
    {SO_CNX_ADVICE, kAll, nullptr, SetIgnored<IntLevel>},
    {SO_BSDCOMPAT, kAll, GetConstant<IntLevel, 0>, SetIgnored<IntLevel>},
    {SO_DEBUG, kAll, GetRemembered<IntLevel, Remembered::kDebug>, SetDebug},
    {SO_NO_CHECK, kAll, GetSetting<IntLevel, &SocketSettings::no_checksum>,
     SetSharedFlag<IntLevel, &netstack::DatagramOptions::no_checksum,
                   &SocketSettings::no_checksum>},
    Flag<Remembered::kSelectErrorQueue>(SO_SELECT_ERR_QUEUE),
    Flag<Remembered::kReceiveMark>(SO_RCVMARK),
    Flag<Remembered::kReceivePriority>(kSoReceivePriority),
    Flag<Remembered::kWifiStatus>(SO_WIFI_STATUS),
    Flag<Remembered::kNoFcs>(SO_NOFCS),
};

}  // namespace

std::span<const OptionRow> SocketLevelRows() { return kRows; }

}  // namespace moat::sentry
