// Linux is the oracle: every option number of every level is read and written, with many lengths
// and values, on a kernel socket and on ours, and both must answer alike. The kernel sockets live
// in a network namespace of their own, without privileges.
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "sentry/options/options.h"
#include "sentry/testing/fake_sockets.h"

namespace moat::sentry {
namespace {

using netstack::Family;
using netstack::InterfaceIndex;
using netstack::IpAddress;

struct Kind {
  const char* name;
  SocketKind kind;
  Family family;
  int domain, type, protocol;
};

constexpr Kind kKinds[] = {
    {"tcp4", SocketKind::kTcp, Family::kIpv4, AF_INET, SOCK_STREAM, IPPROTO_TCP},
    {"tcp6", SocketKind::kTcp, Family::kIpv6, AF_INET6, SOCK_STREAM, IPPROTO_TCP},
    {"udp4", SocketKind::kUdp, Family::kIpv4, AF_INET, SOCK_DGRAM, IPPROTO_UDP},
    {"udp6", SocketKind::kUdp, Family::kIpv6, AF_INET6, SOCK_DGRAM, IPPROTO_UDP},
    {"ping4", SocketKind::kPing, Family::kIpv4, AF_INET, SOCK_DGRAM, IPPROTO_ICMP},
    {"ping6", SocketKind::kPing, Family::kIpv6, AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6},
};

// Options where the answers differ on purpose; README.md gives the reasons.
struct Deviation {
  int level;
  int name;
  bool get;  // reading differs too
};
constexpr bool kGetToo = true, kSetOnly = false;
constexpr Deviation kDeviations[] = {
    {SOL_SOCKET, SO_COOKIE, kGetToo},  // other numbers
    {SOL_SOCKET, SO_NETNS_COOKIE, kGetToo},
    {SOL_SOCKET, SO_TIMESTAMPING_OLD, kSetOnly},
    {SOL_SOCKET, SO_TIMESTAMPING_NEW, kSetOnly},
    {SOL_SOCKET, SO_TXTIME, kSetOnly},
    {SOL_SOCKET, SO_ZEROCOPY, kSetOnly},
    {SOL_SOCKET, SO_RESERVE_MEM, kSetOnly},
    {SOL_SOCKET, SO_ATTACH_FILTER, kSetOnly},
    {SOL_SOCKET, SO_ATTACH_BPF, kSetOnly},
    {SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, kSetOnly},
    {SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, kSetOnly},
    {SOL_SOCKET, 80, kSetOnly},              // SO_DEVMEM_DONTNEED
    {SOL_SOCKET, SO_RCVTIMEO_OLD, kSetOnly}, // Linux rounds to its tick
    {SOL_SOCKET, SO_SNDTIMEO_OLD, kSetOnly},
    {SOL_SOCKET, SO_RCVTIMEO_NEW, kSetOnly},
    {SOL_SOCKET, SO_SNDTIMEO_NEW, kSetOnly},
    {SOL_IP, 83, kGetToo},                   // netfilter's
    {SOL_TCP, TCP_CONGESTION, kGetToo},      // the host's default
    {SOL_TCP, TCP_CC_INFO, kGetToo},
    {SOL_TCP, TCP_MD5SIG, kSetOnly},
    {SOL_TCP, TCP_MD5SIG_EXT, kSetOnly},
    {SOL_TCP, TCP_TIMESTAMP, kGetToo},
    {SOL_TCP, TCP_FASTOPEN_CONNECT, kSetOnly},
    {SOL_TCP, TCP_FASTOPEN_KEY, kSetOnly},
    {SOL_TCP, TCP_SAVE_SYN, kSetOnly},
    {SOL_UDP, UDP_CORK, kSetOnly},
    {SOL_TCP, TCP_INQ, kSetOnly},
    {SOL_TCP, TCP_TX_DELAY, kSetOnly},
    {SOL_TCP, TCP_ZEROCOPY_RECEIVE, kGetToo},
    {SOL_TCP, 38, kGetToo}, {SOL_TCP, 39, kGetToo}, {SOL_TCP, 40, kGetToo},  // TCP_AO_*
    {SOL_TCP, 41, kGetToo}, {SOL_TCP, 42, kGetToo},
    {SOL_TCP, 44, kGetToo},                  // TCP_RTO_MAX_MS and others newer than Linux 6.6
    {SOL_TCP, 45, kGetToo}, {SOL_TCP, 46, kGetToo},
    {SOL_IPV6, MCAST_MSFILTER, kGetToo},     // a negative length
    {SOL_IPV6, 80, kGetToo},                 // the same
    {SOL_IPV6, IPV6_2292PKTOPTIONS, kSetOnly},
    {SOL_IPV6, 32, kGetToo},                 // IPV6_FLOWLABEL_MGR
};

class TestHost final : public OptionHost {
 public:
  explicit TestHost(std::map<std::string, std::string>& sysctls) : sysctls_(sysctls) {}
  bool HasCapability(int) override { return false; }
  InterfaceIndex InterfaceByName(std::string_view name) override { return name == "lo" ? 1 : 0; }
  std::string InterfaceName(InterfaceIndex index) override { return index == 1 ? "lo" : ""; }
  InterfaceIndex InterfaceByAddress(const IpAddress& address) override {
    return address.IsLoopback() ? 1 : 0;
  }
  std::optional<uint32_t> PathMtu(const IpAddress&) override { return 65536; }
  int64_t Sysctl(std::string_view name, size_t i, int64_t fallback) override {
    const auto found = sysctls_.find(std::string(name));
    if (found == sysctls_.end()) return fallback;
    std::istringstream words(found->second);
    int64_t value = fallback;
    for (size_t n = 0; n <= i; ++n) words >> value;
    return value;
  }
  uint64_t NamespaceCookie() override { return 1; }

 private:
  std::map<std::string, std::string>& sysctls_;
};

std::map<std::string, std::string> ReadSysctls() {
  std::map<std::string, std::string> values;
  for (const char* name :
       {"core.rmem_max", "core.wmem_max", "core.rmem_default", "core.wmem_default",
        "ipv4.tcp_rmem", "ipv4.tcp_wmem", "core.somaxconn", "ipv4.tcp_fin_timeout"}) {
    std::ifstream file(absl::StrCat("/proc/sys/net/", absl::StrReplaceAll(name, {{".", "/"}})));
    std::string line;
    if (std::getline(file, line)) values[name] = line;
  }
  return values;
}

// A socket of one of the two worlds.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual int Set(int level, int name, int32_t length, std::span<const uint8_t> value) = 0;
  // The bytes, or an errno.
  virtual ErrnoOr<std::vector<uint8_t>> Get(int level, int name, int32_t length) = 0;
};

class KernelSubject final : public Subject {
 public:
  explicit KernelSubject(const Kind& kind) : fd_(socket(kind.domain, kind.type, kind.protocol)) {}
  ~KernelSubject() override { close(fd_); }
  bool ok() const { return fd_ >= 0; }
  int Set(int level, int name, int32_t length, std::span<const uint8_t> value) override {
    const int result =
        setsockopt(fd_, level, name, value.data(), static_cast<socklen_t>(length));
    return result == 0 ? 0 : errno;
  }
  ErrnoOr<std::vector<uint8_t>> Get(int level, int name, int32_t length) override {
    std::vector<uint8_t> buffer(1024);
    auto size = static_cast<socklen_t>(length);
    if (getsockopt(fd_, level, name, buffer.data(), &size) != 0) return Errno{errno};
    buffer.resize(size);
    return buffer;
  }

 private:
  int fd_;
};

class OurSubject final : public Subject {
 public:
  OurSubject(const Kind& kind, OptionHost& host)
      : tcp_(kind.family), datagram_(kind.family),
        target_{.kind = kind.kind,
                .family = kind.family,
                .tcp = kind.kind == SocketKind::kTcp ? &tcp_ : nullptr,
                .datagram = kind.kind == SocketKind::kTcp ? nullptr : &datagram_,
                .settings = settings_,
                .pending_error = pending_error_,
                .host = host} {
    ApplyOptionDefaults(target_);
  }
  int Set(int level, int name, int32_t length, std::span<const uint8_t> value) override {
    return SetSocketOption(target_, level, name, length, value);
  }
  ErrnoOr<std::vector<uint8_t>> Get(int level, int name, int32_t length) override {
    const std::vector<uint8_t> zeros(static_cast<size_t>(std::max(length, 0)));
    target_.get_input = zeros;
    const auto got = GetSocketOption(target_, level, name, length);
    target_.get_input = {};
    if (!got.ok()) return Errno{got.error()};
    return std::vector<uint8_t>(got->span().begin(), got->span().end());
  }

 private:
  FakeTcpSocket tcp_;
  FakeDatagramSocket datagram_;
  SocketSettings settings_;
  int pending_error_ = 0;
  OptionTarget target_;
};

std::string Show(const ErrnoOr<std::vector<uint8_t>>& got) {
  if (!got.ok()) return strerrorname_np(got.error());
  std::string text = absl::StrCat(got->size(), ":");
  for (size_t i = 0; i < got->size() && i < 40; ++i)
    absl::StrAppend(&text, absl::Hex((*got)[i], absl::kZeroPad2));
  return text;
}

std::string ShowErrno(int error) { return error == 0 ? "ok" : strerrorname_np(error); }

const Deviation* FindDeviation(int level, int name) {
  for (const Deviation& deviation : kDeviations) {
    if (deviation.level == level && deviation.name == name) return &deviation;
  }
  return nullptr;
}

// TCP_INFO of a fresh socket has values that only a real one has; its length is what is compared,
// up to what every kernel's holds.
bool SameGet(int level, int name, const ErrnoOr<std::vector<uint8_t>>& linux_answer,
             const ErrnoOr<std::vector<uint8_t>>& ours) {
  if (!linux_answer.ok() || !ours.ok()) return linux_answer.error() == ours.error();
  if (level == SOL_TCP && name == TCP_INFO) {
    constexpr size_t kOldest = 232;  // Linux 5.4
    return std::min(linux_answer->size(), kOldest) == std::min(ours->size(), kOldest);
  }
  if (level == SOL_SOCKET && name == SO_MEMINFO) return linux_answer->size() == ours->size();
  return *linux_answer == *ours;
}

class Comparison {
 public:
  explicit Comparison(TestHost& host) : host_(host) {}

  void Gets(const Kind& kind, int level, int name) {
    for (int32_t length : {-1, 0, 1, 2, 3, 4, 5, 8, 12, 16, 20, 32, 64, 300}) {
      KernelSubject kernel(kind);
      OurSubject ours(kind, host_);
      const auto expected = kernel.Get(level, name, length);
      const auto actual = ours.Get(level, name, length);
      if (!SameGet(level, name, expected, actual)) {
        Report(kind, level, name,
               absl::StrCat("get length ", length, ": linux ", Show(expected), ", ours ",
                            Show(actual)));
        return;
      }
    }
  }

  void Sets(const Kind& kind, int level, int name) {
    for (int32_t length : {-1, 0, 1, 3, 4, 8, 12, 16, 20, 24, 128, 136, 264}) {
      for (int value :
           {0,     1,     -1,    2,     3,      5,          6,     7,         10,
            64,    100,   127,   128,   255,    256,        1000,  1280,      32767,
            32768, 65535, 65536, 70000, 300000, 0x12345678, -1000, INT32_MIN, INT32_MAX}) {
        if (!Set(kind, level, name, length, value)) return;
      }
    }
  }

  int mismatches() const { return mismatches_; }

 private:
  bool Set(const Kind& kind, int level, int name, int32_t length, int value) {
    std::vector<uint8_t> bytes(512);
    std::memcpy(bytes.data(), &value, sizeof(value));
    KernelSubject kernel(kind);
    OurSubject ours(kind, host_);
    const int expected = kernel.Set(level, name, length, bytes);
    const int actual = ours.Set(
        level, name, length,
        std::span<const uint8_t>(bytes).first(static_cast<size_t>(std::max(length, 0))));
    const auto expected_after = kernel.Get(level, name, 64);
    const auto actual_after = ours.Get(level, name, 64);
    if (expected == actual && SameGet(level, name, expected_after, actual_after)) return true;
    Report(kind, level, name,
           absl::StrCat("set ", value, " length ", length, ": linux ", ShowErrno(expected),
                        " then ", Show(expected_after), ", ours ", ShowErrno(actual), " then ",
                        Show(actual_after)));
    return false;
  }

  void Report(const Kind& kind, int level, int name, const std::string& what) {
    ++mismatches_;
    std::fprintf(stderr, "MISMATCH %s level %d option %d %s\n", kind.name, level, name,
                 what.c_str());
  }

  TestHost& host_;
  int mismatches_ = 0;
};

bool BringLoopbackUp() {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  const bool ok = ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  close(fd);
  // Ping sockets are open to nobody by default.
  std::ofstream("/proc/sys/net/ipv4/ping_group_range") << "0 2147483647";
  return ok;
}

bool DropCapabilities() {
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[2] = {};
  return syscall(SYS_capset, &header, data) == 0;
}

enum Outcome { kSame = 0, kDifferent = 1, kNoNamespace = 2 };

Outcome CompareInNamespace() {
  auto sysctls = ReadSysctls();
  if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return kNoNamespace;
  if (!BringLoopbackUp() || !DropCapabilities()) return kNoNamespace;
  TestHost host(sysctls);
  Comparison comparison(host);
  constexpr int kUnknownLevel = 255;
  for (const Kind& kind : kKinds) {
    if (!KernelSubject(kind).ok()) {
      std::fprintf(stderr, "%s: the kernel gives no such socket here, not compared\n", kind.name);
      continue;
    }
    for (int level : {SOL_SOCKET, int{SOL_IP}, int{SOL_IPV6}, SOL_TCP, SOL_UDP, kUnknownLevel}) {
      for (int name = 0; name <= 90; ++name) {
        const Deviation* deviation = FindDeviation(level, name);
        if (deviation == nullptr || !deviation->get) comparison.Gets(kind, level, name);
        if (deviation == nullptr) comparison.Sets(kind, level, name);
      }
    }
  }
  return comparison.mismatches() == 0 ? kSame : kDifferent;
}

TEST(OptionsOracle, AnswersAsLinuxDoes) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(CompareInNamespace());
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << "status " << status;
  if (WEXITSTATUS(status) == kNoNamespace) {
    GTEST_SKIP() << "no network namespace can be made here; run as root to compare with the kernel";
  }
  EXPECT_EQ(WEXITSTATUS(status), kSame) << "see the MISMATCH lines above";
}

}  // namespace
}  // namespace moat::sentry
