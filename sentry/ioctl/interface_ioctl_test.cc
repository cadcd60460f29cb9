#include "sentry/ioctl/interface_ioctl.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/owned_fd.h"
#include "sentry/abi/bytes.h"
#include "sentry/netlink/fake_view.h"
#include "sentry/testing/network_namespace.h"

namespace moat::sentry {
namespace {

using netstack::Family;

// The container's memory is a vector that starts at kBase.
constexpr uint64_t kBase = 0x10000;

class FakeMemory final : public IoctlMemory {
 public:
  bool Read(uint64_t address, std::span<uint8_t> out) const override {
    if (!Holds(address, out.size())) return false;
    std::memcpy(out.data(), bytes.data() + (address - kBase), out.size());
    return true;
  }
  bool Write(uint64_t address, std::span<const uint8_t> data) const override {
    if (!Holds(address, data.size())) return false;
    std::memcpy(bytes.data() + (address - kBase), data.data(), data.size());
    return true;
  }
  mutable std::vector<uint8_t> bytes = std::vector<uint8_t>(4096);

 private:
  bool Holds(uint64_t address, size_t size) const {
    return address >= kBase && size <= bytes.size() && address - kBase <= bytes.size() - size;
  }
};

class InterfaceIoctlTest : public testing::Test {
 protected:
  InterfaceIoctlTest() {
    view_.AddLoopback();
    view_.AddEthernet(2, "eth0");
    view_.AddAddress(2, "172.17.0.2/16");
    view_.addresses.back().options.broadcast = netstack::IpAddress::V4(172, 17, 255, 255);
    view_.AddAddress(2, "10.0.0.2/8");
    view_.AddAddress(2, "2001:db8::2/64");
  }
  ifreq Named(const char* name) {
    ifreq request{};
    std::snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    return request;
  }
  int Call(uint32_t number, ifreq* request, Family family = Family::kIpv4) {
    StoreAt(memory_.bytes, 0, *request);
    const IoctlOutcome outcome = InterfaceIoctl(number, kBase, family, view_, memory_);
    *request = LoadAt<ifreq>(memory_.bytes, 0);
    return outcome.error;
  }
  static std::string AddressOf(const ifreq& request) {
    sockaddr_in in;
    std::memcpy(&in, &request.ifr_addr, sizeof(in));
    char text[INET_ADDRSTRLEN];
    return inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text));
  }

  FakeView view_;
  FakeMemory memory_;
};

TEST_F(InterfaceIoctlTest, Configuration) {
  ifconf configuration{};
  configuration.ifc_len = 0;
  StoreAt(memory_.bytes, 0, configuration);
  ASSERT_EQ(InterfaceIoctl(SIOCGIFCONF, kBase, Family::kIpv4, view_, memory_).error, 0);
  EXPECT_EQ(LoadAt<int>(memory_.bytes, 0), 3 * 40);  // how much room it takes

  configuration.ifc_len = 2 * 40 + 39;  // room for two
  configuration.ifc_buf = reinterpret_cast<char*>(kBase + 64);
  StoreAt(memory_.bytes, 0, configuration);
  ASSERT_EQ(InterfaceIoctl(SIOCGIFCONF, kBase, Family::kIpv6, view_, memory_).error, 0);
  EXPECT_EQ(LoadAt<int>(memory_.bytes, 0), 2 * 40);
  const auto first = LoadAt<ifreq>(memory_.bytes, 64);
  const auto second = LoadAt<ifreq>(memory_.bytes, 64 + 40);
  EXPECT_STREQ(first.ifr_name, "lo");
  EXPECT_STREQ(second.ifr_name, "eth0");
  EXPECT_EQ(AddressOf(second), "172.17.0.2");

  configuration.ifc_buf = reinterpret_cast<char*>(uint64_t{16});
  StoreAt(memory_.bytes, 0, configuration);
  EXPECT_EQ(InterfaceIoctl(SIOCGIFCONF, kBase, Family::kIpv4, view_, memory_).error, EFAULT);
}

TEST_F(InterfaceIoctlTest, OneOfSeveralAddresses) {
  ifreq request = Named("eth0");
  EXPECT_EQ(Call(SIOCGIFADDR, &request), 0);
  EXPECT_EQ(AddressOf(request), "172.17.0.2");
  request = Named("eth0");
  sockaddr_in wanted{};
  wanted.sin_family = AF_INET;
  wanted.sin_addr.s_addr = htonl(0x0a000002);
  std::memcpy(&request.ifr_addr, &wanted, sizeof(wanted));
  EXPECT_EQ(Call(SIOCGIFNETMASK, &request), 0);
  EXPECT_EQ(AddressOf(request), "255.0.0.0");
  request = Named("eth0");
  EXPECT_EQ(Call(SIOCGIFBRDADDR, &request), 0);
  EXPECT_EQ(AddressOf(request), "172.17.255.255");
}

TEST_F(InterfaceIoctlTest, Names) {
  ifreq request{};
  request.ifr_ifindex = 2;
  EXPECT_EQ(Call(SIOCGIFNAME, &request), 0);
  EXPECT_STREQ(request.ifr_name, "eth0");
  request.ifr_ifindex = 9;
  EXPECT_EQ(Call(SIOCGIFNAME, &request), ENODEV);
  request = Named("eth0:1");
  EXPECT_EQ(Call(SIOCGIFADDR, &request), EADDRNOTAVAIL);
}

TEST_F(InterfaceIoctlTest, ArpEntry) {
  view_.neighbors.push_back({.interface = 2,
                             .address = netstack::IpAddress::V4(172, 17, 0, 1),
                             .mac = {{2, 0, 0, 0, 0, 1}},
                             .state = netstack::NeighborState::kReachable});
  arpreq request{};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(0xac110001);
  std::memcpy(&request.arp_pa, &address, sizeof(address));
  std::strcpy(request.arp_dev, "eth0");
  StoreAt(memory_.bytes, 0, request);
  ASSERT_EQ(InterfaceIoctl(SIOCGARP, kBase, Family::kIpv4, view_, memory_).error, 0);
  EXPECT_EQ(LoadAt<arpreq>(memory_.bytes, 0).arp_ha.sa_data[5], 1);
  view_.neighbors.clear();
  EXPECT_EQ(InterfaceIoctl(SIOCGARP, kBase, Family::kIpv4, view_, memory_).error, ENXIO);
}

TEST_F(InterfaceIoctlTest, ChangesAreRefusedAndOwnersAreNative) {
  ifreq request = Named("eth0");
  EXPECT_EQ(Call(SIOCSIFADDR, &request), EPERM);
  EXPECT_EQ(Call(SIOCADDRT, &request), EPERM);
  EXPECT_TRUE(InterfaceIoctl(FIOSETOWN, kBase, Family::kIpv4, view_, memory_).native);
  EXPECT_EQ(InterfaceIoctl(SIOCGIFMTU, 8, Family::kIpv4, view_, memory_).error, EFAULT);
}

// --- Linux as the oracle -------------------------------------------------------------------------
// Every request number of sockios.h, with several names, without privileges. The wireless ones
// depend on how the kernel was built.

enum Outcome { kSame = 0, kDifferent = 1 };

// Sockets' own requests, and those that Linux carries out on something else.
bool IsCompared(uint32_t number) {
  switch (number) {
    case SIOCATMARK:
    case SIOCOUTQNSD:
    case SIOCGSTAMP_OLD:
    case SIOCGSTAMPNS_OLD:
    case SIOCGIFCONF:
    case 0x894c:  // SIOCGSKNS
    case 0x89b0:  // SIOCSHWTSTAMP, SIOCGHWTSTAMP: the driver's
    case 0x89b1: return false;
    default: return true;
  }
}

int CompareRequest(int fd, Family family, uint32_t number, const std::string& name,
                   const FakeView& view) {
  FakeMemory memory;
  std::vector<uint8_t> kernel(4096);
  std::memcpy(kernel.data(), name.c_str(), name.size());
  if (number == SIOCGIFNAME) StoreAt(kernel, IFNAMSIZ, 1);
  std::memcpy(memory.bytes.data(), kernel.data(), kernel.size());
  const int expected = ioctl(fd, number, kernel.data()) == 0 ? 0 : errno;
  const IoctlOutcome outcome = InterfaceIoctl(number, kBase, family, view, memory);
  if (outcome.native) return 0;
  // What the kernel leaves in a request that failed is its own.
  const bool same = expected == outcome.error && (expected != 0 || kernel == memory.bytes);
  if (same) return 0;
  std::fprintf(stderr, "MISMATCH %s request 0x%x name '%s': linux %d, ours %d\n",
               family == Family::kIpv4 ? "inet" : "inet6", number, name.c_str(), expected,
               outcome.error);
  return 1;
}

int CompareAll() {
  FakeView view;
  view.AddLoopback();
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct none[2] = {};
  if (syscall(SYS_capset, &header, none) != 0) return kDifferent;
  int mismatches = 0;
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    const OwnedFd fd(socket(family == Family::kIpv4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0));
    for (uint32_t number = 0x8900; number <= 0x89ff; ++number) {
      if (!IsCompared(number)) continue;
      for (const char* name : {"lo", "none0", "", "lo:1"}) {
        mismatches += CompareRequest(fd.get(), family, number, name, view);
      }
    }
  }
  return mismatches == 0 ? kSame : kDifferent;
}

TEST(InterfaceIoctlOracle, AnswersAsLinuxDoes) {
  const auto space = NetworkNamespace::MakeAndEnter();
  if (space == nullptr) GTEST_SKIP() << "no network namespace can be made here; run as root";
  ASSERT_TRUE(Ip("link set lo up"));
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(CompareAll());
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == kSame) << "see the MISMATCH lines above";
}

}  // namespace
}  // namespace moat::sentry
