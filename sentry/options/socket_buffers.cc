#include "sentry/options/socket_buffers.h"

#include <linux/capability.h>

namespace moat::sentry {
namespace {

using netstack::SocketOptions;

// SOCK_MIN_SNDBUF and SOCK_MIN_RCVBUF: one or two packets of 2 KiB with their bookkeeping (x86-64).
constexpr int64_t kMinSendBuffer = 4608;
constexpr int64_t kMinReceiveBuffer = 2304;
constexpr int64_t kDefaultLimit = 212992;  // net.core.[rw]mem_max and _default

struct Buffer {
  uint32_t SocketOptions::* member;
  const char* limit;
  const char* datagram_default;
  const char* tcp_default;  // second of three
  int64_t tcp_fallback;
  int64_t minimum;
};

constexpr Buffer kSend = {&SocketOptions::send_buffer, "core.wmem_max", "core.wmem_default",
                          "ipv4.tcp_wmem", 16384, kMinSendBuffer};
constexpr Buffer kReceive = {&SocketOptions::receive_buffer, "core.rmem_max", "core.rmem_default",
                             "ipv4.tcp_rmem", 131072, kMinReceiveBuffer};

int64_t Size(const OptionTarget& target, const Buffer& buffer) {
  const uint32_t set = Options(target).*buffer.member;
  if (set != 0) return std::max<int64_t>(int64_t{set} * 2, buffer.minimum);
  if (target.kind == SocketKind::kTcp) {
    return target.host.Sysctl(buffer.tcp_default, 1, buffer.tcp_fallback);
  }
  return target.host.Sysctl(buffer.datagram_default, 0, kDefaultLimit);
}

void Store(const OptionTarget& target, const Buffer& buffer, int64_t value) {
  value = std::min<int64_t>(value, kAnyMax / 2);
  value = std::max(value, buffer.minimum / 2);  // netstack takes 0 for "not set"
  ChangeOptions(target, [&](SocketOptions& options) {
    options.*buffer.member = static_cast<uint32_t>(value);
  });
}

int Set(const OptionTarget& target, const OptionInput& input, const Buffer& buffer) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  // Unsigned on purpose: a negative size is a huge one.
  const int64_t limit = target.host.Sysctl(buffer.limit, 0, kDefaultLimit);
  Store(target, buffer, std::min<int64_t>(input.As<uint32_t>(), limit));
  return 0;
}

int Force(const OptionTarget& target, const OptionInput& input, const Buffer& buffer) {
  if (int error = input.Need(sizeof(int)); error != 0) return error;
  if (!target.host.HasCapability(CAP_NET_ADMIN)) return EPERM;
  Store(target, buffer, std::max(input.As<int>(), 0));
  return 0;
}

}  // namespace

int64_t SendBufferSize(const OptionTarget& target) { return Size(target, kSend); }
int64_t ReceiveBufferSize(const OptionTarget& target) { return Size(target, kReceive); }

ErrnoOr<OptionBytes> GetSendBuffer(const OptionTarget& target, size_t length) {
  return IntLevel::Write(static_cast<int>(Size(target, kSend)), length);
}
ErrnoOr<OptionBytes> GetReceiveBuffer(const OptionTarget& target, size_t length) {
  return IntLevel::Write(static_cast<int>(Size(target, kReceive)), length);
}
int SetSendBuffer(const OptionTarget& target, const OptionInput& input) {
  return Set(target, input, kSend);
}
int SetReceiveBuffer(const OptionTarget& target, const OptionInput& input) {
  return Set(target, input, kReceive);
}
int ForceSendBuffer(const OptionTarget& target, const OptionInput& input) {
  return Force(target, input, kSend);
}
int ForceReceiveBuffer(const OptionTarget& target, const OptionInput& input) {
  return Force(target, input, kReceive);
}

}  // namespace moat::sentry
