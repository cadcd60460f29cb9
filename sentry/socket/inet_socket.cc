#include "sentry/socket/inet_socket.h"

#include <errno.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <vector>

#include "sentry/abi/bytes.h"
#include "sentry/memory/credentials.h"
#include "sentry/memory/remote_transfer.h"
#include "sentry/options/options.h"
#include "sentry/options/stack_option_host.h"
#include "sentry/sandbox.h"

namespace moat::sentry {
namespace {

constexpr int kDefaultUnprivilegedPort = 1024;

OptionTarget TargetOf(const InetSocketView& view, SocketSettings& settings, OptionHost& host) {
  return {view.kind,  view.family, view.socket.tcp(), view.socket.datagram(),
          settings,   view.socket.pending_error(),    host,
          {},         view.socket.packet()};
}

timeval ToTimeval(netstack::Duration duration) {
  const int64_t microseconds = duration.count() / 1000;
  return {microseconds / 1'000'000, microseconds % 1'000'000};
}

}  // namespace

int SysctlInt(Sandbox& sandbox, std::string_view name, int fallback) {
  StackOptionHost host(sandbox.stack(), [](int) { return false; });
  return static_cast<int>(host.Sysctl(name, 0, fallback));
}

bool MayBind(Sandbox& sandbox, pid_t tid, uint16_t port) {
  if (port == 0 || port >= kDefaultUnprivilegedPort) return true;
  const int first =
      SysctlInt(sandbox, "ipv4.ip_unprivileged_port_start", kDefaultUnprivilegedPort);
  return port >= first || HasCapability(tid, CAP_NET_BIND_SERVICE);
}

bool MayPing(Sandbox& sandbox, pid_t tid) {
  constexpr char kRange[] = "ipv4.ping_group_range";
  StackOptionHost host(sandbox.stack(), [](int) { return false; });
  const int64_t low = host.Sysctl(kRange, 0, 1), high = host.Sysctl(kRange, 1, 0);
  return low <= high && sandbox.processes().HasGroupWithin(tid, low, high);
}

int64_t RealtimeOf(netstack::Time arrival, netstack::Time now) {
  timespec realtime{};
  clock_gettime(CLOCK_REALTIME, &realtime);
  const int64_t age = arrival == netstack::kTimeZero ? 0 : (now - arrival).count();
  return realtime.tv_sec * 1'000'000'000 + realtime.tv_nsec - age;
}

int WriteAcceptAddress(Call& call, const netstack::Endpoint& remote, netstack::Family family) {
  const uint64_t address = call.argument(1);
  const uint64_t length_address = call.argument(2);
  if (address == 0) return 0;
  int32_t length = 0;
  if (!call.memory().ReadValue(length_address, &length)) return EFAULT;
  if (!call.Valid()) return ENOENT;
  if (length < 0) return EINVAL;
  const EncodedAddress encoded = EncodeSockaddr(remote, family);
  const int32_t full = static_cast<int32_t>(encoded.size);
  RemoteTransfer transfer(call.memory(), RemoteTransfer::Direction::kWrite);
  transfer.Write(address, encoded.Truncated(static_cast<size_t>(length)));
  transfer.Write(length_address, BytesOf(full));
  return transfer.Commit() ? 0 : EFAULT;
}

Reply GetInetOption(const InetSocketView& view, Call& call, int level, int name, uint64_t value,
                    uint64_t length_address) {
  int32_t length = 0;
  if (!call.memory().ReadValue(length_address, &length)) return Reply::Fail(EFAULT);
  if (!call.Valid()) return Reply::Nobody();
  const auto capable = [&call](int capability) { return HasCapability(call.tid(), capability); };
  StackOptionHost host(view.socket.sandbox().stack(), capable);
  SocketSettings settings = view.socket.settings();
  OptionTarget target = TargetOf(view, settings, host);
  std::array<uint8_t, kGetInputSize> held;
  if (length > 0 && ReadsItsBuffer(level, name)) {
    const std::span<uint8_t> input =
        std::span(held).first(std::min(static_cast<size_t>(length), held.size()));
    if (!call.memory().Read(value, input)) return Reply::Fail(EFAULT);
    if (!call.Valid()) return Reply::Nobody();
    target.get_input = input;
  }
  auto bytes = GetSocketOption(target, level, name, length);
  if (!bytes.ok()) return Reply::Fail(bytes.error());
  std::vector<uint8_t> out(bytes->span().begin(), bytes->span().end());
  if (view.direct && level == SOL_TCP && name == TCP_INFO && !out.empty()) {
    out[0] = TCP_ESTABLISHED;  // the stack does not know of the connection
  }
  const int32_t size = static_cast<int32_t>(out.size());
  RemoteTransfer transfer(call.memory(), RemoteTransfer::Direction::kWrite);
  transfer.Write(value, out);
  transfer.Write(length_address, BytesOf(size));
  return transfer.Commit() ? Reply::Value(0) : Reply::Fail(EFAULT);
}

Reply SetInetOption(const InetSocketView& view, Call& call, int level, int name, int32_t length,
                    std::span<const uint8_t> value) {
  const auto capable = [&call](int capability) { return HasCapability(call.tid(), capability); };
  StackOptionHost host(view.socket.sandbox().stack(), capable);
  SocketSettings settings = view.socket.settings();
  const int error = SetSocketOption(TargetOf(view, settings, host), level, name, length, value);
  view.socket.SetSettings(settings);
  if (error == 0 && IsPairOption(level, name)) {
    setsockopt(call.file(), level, name, value.data(), static_cast<socklen_t>(value.size()));
  }
  return Reply::Value(-error);
}

bool IsErrorOption(int level, int name) { return level == SOL_SOCKET && name == SO_ERROR; }

int TakeNativeError(int file) {
  int error = 0;
  socklen_t size = sizeof(error);
  return getsockopt(file, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : 0;
}

void SetPairOptions(int file, const SocketSettings& settings) {
  if (settings.receive_timeout.count() != 0) {
    const timeval value = ToTimeval(settings.receive_timeout);
    setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &value, sizeof(value));
  }
  if (settings.send_timeout.count() != 0) {
    const timeval value = ToTimeval(settings.send_timeout);
    setsockopt(file, SOL_SOCKET, SO_SNDTIMEO, &value, sizeof(value));
  }
  if (settings.receive_low_water > 1) {
    setsockopt(file, SOL_SOCKET, SO_RCVLOWAT, &settings.receive_low_water, sizeof(int));
  }
}

}  // namespace moat::sentry
