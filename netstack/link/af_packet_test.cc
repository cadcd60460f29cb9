// Two AF_PACKET links at the ends of a veth pair, in a network namespace that the test makes for
// itself and that ends with it. Needs root (CAP_SYS_ADMIN for the namespace).
#include "netstack/link/af_packet.h"

#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netstack/wire/bytes.h"
#include "netstack/wire/checksum.h"

namespace moat::netstack {
namespace {

constexpr MacAddress kMacA{{2, 0, 0, 0, 0, 0xa}};
constexpr MacAddress kMacB{{2, 0, 0, 0, 0, 0xb}};
constexpr uint16_t kTestEthertype = 0x88b5;  // IEEE 802: local experimental

bool Shell(const std::string& command) {
  return std::system(("PATH=$PATH:/sbin:/usr/sbin; " + command).c_str()) == 0;
}

class AfPacketTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ASSERT_EQ(unshare(CLONE_NEWNET), 0) << "this test needs root: " << strerror(errno);
    // The kernel's own IPv6 would talk on the wire.
    ASSERT_TRUE(Shell("echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6 2>/dev/null || true"));
  }
  void SetUp() override {
    ASSERT_TRUE(Shell("ip link add va type veth peer name vb"));
    ASSERT_TRUE(Shell("ip link set va up && ip link set vb up"));
    a_ = Open("va");
    b_ = Open("vb");
    ASSERT_NE(a_, nullptr);
    ASSERT_NE(b_, nullptr);
  }
  void TearDown() override { Shell("ip link del va 2>/dev/null"); }

  static std::unique_ptr<AfPacketLink> Open(const std::string& name) {
    auto link = AfPacketLink::Open({.name = name});
    EXPECT_TRUE(link.ok()) << link.status();
    return link.ok() ? std::move(*link) : nullptr;
  }

  static std::vector<uint8_t> Headers(uint16_t ethertype, size_t more = 0) {
    std::vector<uint8_t> bytes(14 + more);
    std::memcpy(bytes.data(), kMacB.bytes.data(), 6);
    std::memcpy(bytes.data() + 6, kMacA.bytes.data(), 6);
    StoreBe16(bytes.data() + 12, ethertype);
    return bytes;
  }

  bool Send(std::span<const uint8_t> headers, std::span<const uint8_t> payload,
            const TxOffload& offload = {}) {
    const uint64_t errors = a_->Statistics().send_errors;
    const bool taken =
        a_->Transmit({.headers = headers, .payload = {&payload, 1}, .offload = offload});
    a_->Flush();
    return taken && a_->Statistics().send_errors == errors;
  }

  static constexpr int kLongMs = 30000;  // for what must come
  static constexpr int kShortMs = 300;   // for what must not

  // The test's own frames that arrive at b, up to `count` of them, until nothing comes for so long.
  std::vector<RxFrame> Receive(size_t count, int silence_ms = kLongMs) {
    return ReceiveFrom(*b_, count, silence_ms);
  }
  static std::vector<RxFrame> ReceiveFrom(AfPacketLink& link, size_t count, int silence_ms) {
    std::vector<RxFrame> own;
    while (own.size() < count) {
      pollfd waiting{link.fd(), POLLIN, 0};
      if (poll(&waiting, 1, silence_ms) <= 0) break;
      std::vector<RxFrame> frames;
      link.ReceiveBatch(frames, 64);
      for (RxFrame& frame : frames) {
        if (frame.bytes.size() > 12 &&
            std::memcmp(frame.bytes.data() + 6, kMacA.bytes.data(), 6) == 0) {
          own.push_back(std::move(frame));
        }
      }
    }
    return own;
  }

  static std::vector<uint8_t> Pattern(size_t size) {
    std::vector<uint8_t> bytes(size);
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 7 + i / 251);
    return bytes;
  }

  std::unique_ptr<AfPacketLink> a_;
  std::unique_ptr<AfPacketLink> b_;
};

TEST_F(AfPacketTest, SmallFramesArriveAsSent) {
  const std::vector<uint8_t> headers = Headers(kTestEthertype);
  for (const size_t size : {46u, 100u, 1500u}) {
    const std::vector<uint8_t> payload = Pattern(size);
    ASSERT_TRUE(Send(headers, payload));
    const std::vector<RxFrame> frames = Receive(1);
    ASSERT_EQ(frames.size(), 1u);
    ASSERT_EQ(frames[0].bytes.size(), size + 14);
    EXPECT_EQ(std::memcmp(frames[0].bytes.data() + 14, payload.data(), size), 0);
    EXPECT_EQ(frames[0].checksum, RxChecksum::kUnverified);
    EXPECT_LT(frames[0].bytes.footprint(), size + 100) << "right-sized";
  }
  EXPECT_EQ(b_->Statistics().truncated, 0u);
}

TEST_F(AfPacketTest, GatheredPayloadIsJoined) {
  const std::vector<uint8_t> headers = Headers(kTestEthertype);
  const std::vector<uint8_t> bytes = Pattern(90);
  const std::span<const uint8_t> all = bytes;
  const std::array<std::span<const uint8_t>, 3> pieces = {all.first(1), all.subspan(1, 50),
                                                          all.subspan(51)};
  ASSERT_TRUE(a_->Transmit({.headers = headers, .payload = pieces}));
  a_->Flush();
  const std::vector<RxFrame> frames = Receive(1);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(std::memcmp(frames[0].bytes.data() + 14, bytes.data(), bytes.size()), 0);
}

// An IPv4 TCP super-segment crosses whole, with its checksum pending and its segment size.
TEST_F(AfPacketTest, SuperSegmentsStayWhole) {
  const std::vector<uint8_t> payload = Pattern(60000);
  std::vector<uint8_t> headers = Headers(0x0800, 40);
  uint8_t* ip = headers.data() + 14;
  ip[0] = 0x45;
  StoreBe16(ip + 2, static_cast<uint16_t>(40 + payload.size()));
  ip[8] = 64;
  ip[9] = 6;
  ip[12] = 10;
  ip[16] = 10;
  ip[19] = 1;
  StoreBe16(ip + 10, ChecksumOf({ip, 20}));
  ip[20 + 12] = 0x50;
  const TxOffload offload{.needs_checksum = true,
                          .checksum_start = 34,
                          .checksum_offset = 16,
                          .gso = GsoType::kTcpV4,
                          .gso_size = 1448};
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(Send(headers, payload, offload));
    const std::vector<RxFrame> frames = Receive(1);
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(frames[0].bytes.size(), headers.size() + payload.size());
    EXPECT_EQ(std::memcmp(frames[0].bytes.data() + headers.size(), payload.data(), payload.size()),
              0);
    EXPECT_EQ(frames[0].gso, GsoType::kTcpV4);
    EXPECT_EQ(frames[0].gso_size, 1448);
    EXPECT_EQ(frames[0].checksum, RxChecksum::kVerified);
  }
}

TEST_F(AfPacketTest, UdpTrainCrossesWholeOrCut) {
  const std::vector<uint8_t> payload = Pattern(3000);
  std::vector<uint8_t> headers = Headers(0x0800, 28);
  uint8_t* ip = headers.data() + 14;
  ip[0] = 0x45;
  StoreBe16(ip + 2, static_cast<uint16_t>(28 + payload.size()));
  ip[8] = 64;
  ip[9] = 17;
  ip[12] = 10;
  ip[16] = 10;
  ip[19] = 1;
  StoreBe16(ip + 10, ChecksumOf({ip, 20}));
  StoreBe16(ip + 24, static_cast<uint16_t>(8 + payload.size()));
  ASSERT_TRUE(Send(headers, payload,
                   {.needs_checksum = true,
                    .checksum_start = 34,
                    .checksum_offset = 6,
                    .gso = GsoType::kUdp,
                    .gso_size = 1000}));
  const bool cut = a_->Statistics().software_gso != 0;
  const std::vector<RxFrame> frames = Receive(cut ? 3 : 1);
  ASSERT_EQ(frames.size(), cut ? 3u : 1u);
  if (!cut) {
    EXPECT_EQ(frames[0].gso, GsoType::kUdp);
    EXPECT_EQ(frames[0].gso_size, 1000);
  }
}

TEST_F(AfPacketTest, MixedSizesKeepTheirOrder) {
  const std::vector<uint8_t> headers = Headers(kTestEthertype);
  ASSERT_TRUE(Shell("ip link set va mtu 9000 && ip link set vb mtu 9000"));
  for (uint8_t i = 0; i < 100; ++i) {
    std::vector<uint8_t> payload(i % 3 == 0 ? 8000 : 60);
    payload[0] = i;
    ASSERT_TRUE(Send(headers, payload));
  }
  const std::vector<RxFrame> frames = Receive(100);
  ASSERT_EQ(frames.size(), 100u);
  for (uint8_t i = 0; i < 100; ++i) EXPECT_EQ(frames[i].bytes.data()[14], i);
}

TEST_F(AfPacketTest, BudgetLeavesTheRestReadable) {
  // What was sent may take a while to arrive. The kernel serves the link that was opened last
  // first, so what the other has, this one has.
  const std::unique_ptr<AfPacketLink> other = std::move(b_);
  b_ = Open("vb");
  const std::vector<uint8_t> headers = Headers(kTestEthertype);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Send(headers, Pattern(60)));
  ASSERT_EQ(ReceiveFrom(*other, 10, kLongMs).size(), 10u);
  std::vector<RxFrame> frames;
  EXPECT_EQ(b_->ReceiveBatch(frames, 4), 4u);
  pollfd waiting{b_->fd(), POLLIN, 0};
  EXPECT_EQ(poll(&waiting, 1, 0), 1);
  EXPECT_GE(b_->ReceiveBatch(frames, 100), 6u);
  EXPECT_EQ(poll(&waiting, 1, 0), 0);
}

TEST_F(AfPacketTest, FullRingDropsAndCounts) {
  const std::vector<uint8_t> headers = Headers(kTestEthertype);
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(Send(headers, Pattern(60)));
  uint64_t dropped = b_->Statistics().dropped;
  // On a busy machine some are lost before they reach the ring, or are late.
  for (int more = 0; more < 30000 && dropped < 2000u - 512; ++more) {
    usleep(1000);
    ASSERT_TRUE(Send(headers, Pattern(60)));
    dropped = b_->Statistics().dropped;
  }
  EXPECT_GE(dropped, 2000u - 512);
  EXPECT_GE(b_->Statistics().dropped, dropped) << "totals, not differences";
  std::vector<RxFrame> frames;
  EXPECT_GE(b_->ReceiveBatch(frames, 10000), 500u);
  ASSERT_TRUE(Send(headers, Pattern(60)));
  EXPECT_EQ(Receive(1).size(), 1u) << "and goes on";
}

TEST_F(AfPacketTest, VlanTagIsPutBack) {
  std::vector<uint8_t> headers = Headers(0x8100, 4);
  StoreBe16(headers.data() + 14, 0x2064);  // priority 1, VLAN 100
  StoreBe16(headers.data() + 16, kTestEthertype);
  const std::vector<uint8_t> payload = Pattern(60);
  ASSERT_TRUE(Send(headers, payload));
  const std::vector<RxFrame> frames = Receive(1);
  ASSERT_EQ(frames.size(), 1u);
  ASSERT_EQ(frames[0].bytes.size(), headers.size() + payload.size());
  EXPECT_EQ(std::memcmp(frames[0].bytes.data(), headers.data(), headers.size()), 0);
}

TEST_F(AfPacketTest, SmallFramesWaitForTheFlushAndKeepTheirOrder) {
  ASSERT_TRUE(Shell("ip link set va mtu 9000 && ip link set vb mtu 9000"));
  const std::vector<uint8_t> headers = Headers(kTestEthertype), small(60, 1), large(4000, 2);
  const std::array<std::span<const uint8_t>, 1> first = {small}, second = {large};
  ASSERT_TRUE(a_->Transmit({.headers = headers, .payload = first}));
  EXPECT_TRUE(Receive(1, kShortMs).empty());
  ASSERT_TRUE(a_->Transmit({.headers = headers, .payload = second}));  // pushes the small one out
  const auto arrived = Receive(2);
  ASSERT_EQ(arrived.size(), 2u);
  EXPECT_EQ(arrived[0].bytes.size(), headers.size() + small.size());
  EXPECT_EQ(arrived[1].bytes.size(), headers.size() + large.size());
}

TEST_F(AfPacketTest, OwnFramesDoNotComeBack) {
  ASSERT_TRUE(Send(Headers(kTestEthertype), Pattern(60)));
  EXPECT_EQ(Receive(1).size(), 1u);
  std::vector<RxFrame> frames;
  a_->ReceiveBatch(frames, 100);
  for (const RxFrame& frame : frames) {
    EXPECT_NE(std::memcmp(frame.bytes.data() + 6, kMacA.bytes.data(), 6), 0);
  }
}

TEST_F(AfPacketTest, EgressFiltersDoNotSilenceIt) {
  // One instruction of classic BPF: return TC_ACT_SHOT.
  ASSERT_TRUE(Shell("tc qdisc add dev va clsact"));
  ASSERT_TRUE(Shell("tc filter add dev va egress protocol all bpf da bytecode '1,6 0 0 2'"));
  ASSERT_TRUE(Send(Headers(kTestEthertype), Pattern(60)));
  EXPECT_EQ(Receive(1).size(), 1u);
}

TEST_F(AfPacketTest, DeviceDownAndUpAgain) {
  ASSERT_TRUE(Shell("ip link set va down"));
  EXPECT_FALSE(Send(Headers(kTestEthertype), Pattern(60)));
  EXPECT_EQ(a_->Statistics().send_errors, 1u);
  std::vector<RxFrame> frames;
  a_->ReceiveBatch(frames, 100);
  b_->ReceiveBatch(frames, 100);
  pollfd waiting{a_->fd(), POLLIN, 0};
  EXPECT_EQ(poll(&waiting, 1, 0), 0) << "the error was taken away";
  EXPECT_FALSE(a_->gone());
  ASSERT_TRUE(Shell("ip link set va up"));
  ASSERT_TRUE(Send(Headers(kTestEthertype), Pattern(60)));
  EXPECT_EQ(Receive(1).size(), 1u);
}

TEST_F(AfPacketTest, DeviceRemoved) {
  ASSERT_TRUE(Shell("ip link del va"));
  EXPECT_FALSE(Send(Headers(kTestEthertype), Pattern(60)));
  std::vector<RxFrame> frames;
  b_->ReceiveBatch(frames, 100);
  EXPECT_TRUE(b_->gone());
  a_->ReceiveBatch(frames, 100);
  b_->ReceiveBatch(frames, 100);
  pollfd waiting{b_->fd(), POLLIN, 0};
  EXPECT_EQ(poll(&waiting, 1, 0), 0);
}

TEST_F(AfPacketTest, OpenErrors) {
  EXPECT_EQ(AfPacketLink::Open({.name = "nothere"}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(AfPacketLink::Open({.index = 9999}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(AfPacketLink::Open({.name = "va", .ring_frames = 33}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(AfPacketTest, DeviceThatDoesNotCutSegmentsIsGivenNone) {
  EXPECT_EQ(a_->capabilities().max_gso_bytes, 65535u);
  ethtool_value off{ETHTOOL_STSO, 0};
  ifreq request{};
  std::strcpy(request.ifr_name, "va");
  request.ifr_data = reinterpret_cast<char*>(&off);
  ASSERT_EQ(ioctl(a_->fd(), SIOCETHTOOL, &request), 0);
  EXPECT_EQ(Open("va")->capabilities().max_gso_bytes, 0u);
}

}  // namespace
}  // namespace moat::netstack
