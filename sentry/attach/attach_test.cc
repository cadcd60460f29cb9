// The kernel's silence, in namespaces of the test's own: a veth pair, our side in one, the peer in
// another.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "base/owned_fd.h"
#include "sentry/attach/packet_attacher.h"
#include "sentry/attach/silencer.h"
#include "sentry/testing/network_namespace.h"

namespace moat::sentry {
namespace {

using netstack::AfPacketLink;
using netstack::InterfaceIndex;

constexpr uint8_t kOurMac[6] = {2, 0, 0, 0, 0, 2};
constexpr uint8_t kPeerMac[6] = {2, 0, 0, 0, 0, 1};

class PacketSocket {
 public:
  explicit PacketSocket(int index)
      : fd_(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL))) {
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = index;
    bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address));
    const int on = 1;
    setsockopt(fd_.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
  }
  void Send(const std::vector<uint8_t>& frame) {
    ASSERT_EQ(send(fd_.get(), frame.data(), frame.size(), 0), static_cast<ssize_t>(frame.size()));
  }
  // Whether a frame that `matches` arrives within `milliseconds`.
  template <typename Predicate>
  bool Receives(int milliseconds, Predicate matches) {
    while (true) {
      pollfd ready = {.fd = fd_.get(), .events = POLLIN, .revents = 0};
      if (poll(&ready, 1, milliseconds) != 1) return false;
      std::vector<uint8_t> frame(2048);
      const ssize_t size = recv(fd_.get(), frame.data(), frame.size(), 0);
      if (size <= 0) return false;
      frame.resize(static_cast<size_t>(size));
      if (matches(frame)) return true;
    }
  }

 private:
  OwnedFd fd_;
};

// For 192.0.2.2, asked by 192.0.2.`asker`.
std::vector<uint8_t> ArpRequest(uint8_t asker = 1) {
  std::vector<uint8_t> frame = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  frame.insert(frame.end(), kPeerMac, kPeerMac + 6);
  for (uint8_t byte : {0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1}) frame.push_back(byte);
  frame.insert(frame.end(), kPeerMac, kPeerMac + 6);
  for (uint8_t byte : {192, 0, 2, int{asker}, 0, 0, 0, 0, 0, 0, 192, 0, 2, 2}) {
    frame.push_back(byte);
  }
  frame.resize(60);
  return frame;
}

bool IsArpReply(const std::vector<uint8_t>& frame) {
  return frame.size() >= 42 && frame[12] == 0x08 && frame[13] == 0x06 && frame[21] == 2;
}

uint16_t Checksum(std::span<const uint8_t> bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i + 1 < bytes.size(); i += 2)
    sum += static_cast<uint32_t>(bytes[i] << 8 | bytes[i + 1]);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

// An IPv4 packet from 192.0.2.1 to 192.0.2.2.
std::vector<uint8_t> Ipv4(uint8_t protocol, std::vector<uint8_t> payload) {
  std::vector<uint8_t> frame(kOurMac, kOurMac + 6);
  frame.insert(frame.end(), kPeerMac, kPeerMac + 6);
  frame.push_back(0x08);
  frame.push_back(0x00);
  std::vector<uint8_t> header = {0x45, 0, 0, static_cast<uint8_t>(20 + payload.size()), 0, 1, 0, 0,
                                 64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2};
  const uint16_t sum = Checksum(header);
  header[10] = static_cast<uint8_t>(sum >> 8);
  header[11] = static_cast<uint8_t>(sum);
  frame.insert(frame.end(), header.begin(), header.end());
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}

std::vector<uint8_t> EchoRequest() {
  std::vector<uint8_t> icmp = {8, 0, 0, 0, 0, 1, 0, 1};
  const uint16_t sum = Checksum(icmp);
  icmp[2] = static_cast<uint8_t>(sum >> 8);
  icmp[3] = static_cast<uint8_t>(sum);
  return Ipv4(1, icmp);
}

// To a closed port: a kernel that sees it answers RST.
std::vector<uint8_t> Syn() {
  std::vector<uint8_t> tcp = {0x30, 0x39, 0,    7, 0,    0, 0, 1, 0, 0,
                              0,    0,    0x50, 2, 0x20, 0, 0, 0, 0, 0};
  std::vector<uint8_t> pseudo = {192, 0, 2, 1, 192, 0, 2, 2, 0, 6, 0, 20};
  pseudo.insert(pseudo.end(), tcp.begin(), tcp.end());
  const uint16_t sum = Checksum(pseudo);
  tcp[16] = static_cast<uint8_t>(sum >> 8);
  tcp[17] = static_cast<uint8_t>(sum);
  return Ipv4(6, tcp);
}

bool IsFromUs(const std::vector<uint8_t>& frame) {
  return frame.size() >= 14 && std::memcmp(frame.data() + 6, kOurMac, 6) == 0;
}

class AttachTest : public testing::Test, public PacketAttacher::Observer {
 protected:
  void SetUp() override {
    peer_ = NetworkNamespace::MakeAndEnter();
    ours_ = NetworkNamespace::MakeAndEnter();
    if (peer_ == nullptr || ours_ == nullptr) {
      GTEST_SKIP() << "no network namespace can be made here; run as root";
    }
    const std::string target = NamespacePath(peer_->fd());
    ASSERT_TRUE(Ip("link add eth0 address 02:00:00:00:00:02 type veth peer name eth1 "
                   "address 02:00:00:00:00:01"));
    ASSERT_TRUE(Ip("link set eth1 netns " + target));
    ASSERT_TRUE(Ip("addr add 192.0.2.2/24 dev eth0"));
    ours_index_ = static_cast<int>(if_nametoindex("eth0"));
    peer_->Enter();
    ASSERT_TRUE(Ip("link set eth1 up"));
    peer_socket_ = std::make_unique<PacketSocket>(static_cast<int>(if_nametoindex("eth1")));
    ours_->Enter();
  }

  static std::string NamespacePath(int fd) {
    return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(fd);
  }

  void OnAttached(InterfaceIndex, AfPacketLink& link) override { link_ = &link; }
  void OnDetaching(InterfaceIndex, AfPacketLink&) override { link_ = nullptr; }

  // Asks again and again: the kernel drops what is sent while it still switches a link that came
  // up. Each time as another host: late answers to earlier questions do not count.
  bool KernelAnswersArp(int milliseconds) {
    constexpr int kInterval = 100;
    const uint8_t asker = ++last_asker_;
    const auto to_asker = [asker](const std::vector<uint8_t>& frame) {
      return IsArpReply(frame) && frame[41] == asker;
    };
    for (int waited = 0; waited < milliseconds; waited += kInterval) {
      peer_socket_->Send(ArpRequest(asker));
      if (peer_socket_->Receives(kInterval, to_asker)) return true;
    }
    return false;
  }
  // Whether the attached link gets one of the peer's requests, which is repeated for the same
  // reason.
  bool LinkSeesArpRequest(int milliseconds) {
    constexpr int kInterval = 100;
    for (int waited = 0; waited < milliseconds; waited += kInterval) {
      peer_socket_->Send(ArpRequest());
      pollfd ready = {.fd = link_->fd(), .events = POLLIN, .revents = 0};
      poll(&ready, 1, kInterval);
      std::vector<netstack::RxFrame> frames;
      link_->ReceiveBatch(frames, 64);
      for (const netstack::RxFrame& frame : frames) {
        if (frame.bytes.size() >= 42 && frame.bytes.data()[12] == 0x08 &&
            frame.bytes.data()[13] == 0x06 && frame.bytes.data()[21] == 1) {
          return true;
        }
      }
    }
    return false;
  }

  static constexpr int kLong = 30000;  // for what must come
  static constexpr int kShort = 200;  // for what must not
  std::unique_ptr<NetworkNamespace> peer_, ours_;
  std::unique_ptr<PacketSocket> peer_socket_;
  int ours_index_ = 0;
  AfPacketLink* link_ = nullptr;
  uint8_t last_asker_ = 10;
};

TEST_F(AttachTest, KernelIsSilencedAndRestored) {
  ASSERT_TRUE(Ip("link set eth0 up"));
  EXPECT_TRUE(KernelAnswersArp(kLong));
  auto silencer = Silencer::Create();
  ASSERT_TRUE(silencer.ok());
  ASSERT_TRUE(silencer->Silence(ours_index_).ok());
  EXPECT_FALSE(KernelAnswersArp(kShort));
  peer_socket_->Send(EchoRequest());
  peer_socket_->Send(Syn());
  EXPECT_FALSE(peer_socket_->Receives(kShort, IsFromUs));
  ASSERT_TRUE(silencer->Restore(ours_index_).ok());
  EXPECT_TRUE(KernelAnswersArp(kLong));
}

TEST_F(AttachTest, KernelEmitsNothingWhenTheLinkComesUp) {
  auto silencer = Silencer::Create();
  ASSERT_TRUE(silencer.ok());
  const absl::Status status = silencer->Silence(ours_index_);
  ASSERT_TRUE(status.ok()) << status;
  // Duplicate address detection, MLD reports and router solicitations of the kernel.
  ASSERT_TRUE(Ip("link set eth0 up"));
  EXPECT_FALSE(peer_socket_->Receives(1200, IsFromUs));
}

TEST_F(AttachTest, LeftoversOfAPredecessorAreTakenOver) {
  ASSERT_TRUE(Ip("link set eth0 up"));
  auto predecessor = Silencer::Create();
  ASSERT_TRUE(predecessor->Silence(ours_index_).ok());
  auto silencer = Silencer::Create();
  ASSERT_TRUE(silencer->Silence(ours_index_).ok());
  EXPECT_FALSE(KernelAnswersArp(kShort));
  ASSERT_TRUE(silencer->Restore(ours_index_).ok());
  EXPECT_TRUE(KernelAnswersArp(kLong));
  // Nothing is left: the discipline can be made anew.
  EXPECT_TRUE(RunCommand("tc qdisc add dev eth0 clsact"));
}

TEST_F(AttachTest, SomebodyElsesDisciplineStays) {
  ASSERT_TRUE(Ip("link set eth0 up"));
  ASSERT_TRUE(RunCommand("tc qdisc add dev eth0 clsact"));
  auto silencer = Silencer::Create();
  ASSERT_TRUE(silencer->Silence(ours_index_).ok());
  EXPECT_FALSE(KernelAnswersArp(kShort));
  ASSERT_TRUE(silencer->Restore(ours_index_).ok());
  EXPECT_TRUE(KernelAnswersArp(kLong));
  EXPECT_TRUE(RunCommand("tc qdisc del dev eth0 clsact"));
}

TEST_F(AttachTest, UnknownInterface) {
  auto silencer = Silencer::Create();
  EXPECT_TRUE(absl::IsNotFound(silencer->Silence(9999)) ||
              absl::IsInvalidArgument(silencer->Silence(9999)));
}

TEST_F(AttachTest, AttachedLinkSeesWhatTheKernelDoesNot) {
  ASSERT_TRUE(Ip("link set eth0 up"));
  auto attacher = PacketAttacher::Create(this);
  ASSERT_TRUE(attacher.ok());
  ASSERT_TRUE((*attacher)->Attach(ours_index_, "eth0").ok());
  ASSERT_NE(link_, nullptr);
  EXPECT_TRUE(LinkSeesArpRequest(kLong));
  EXPECT_FALSE(KernelAnswersArp(kShort));
  // What netstack sends does leave.
  std::vector<uint8_t> reply = ArpRequest();
  std::memcpy(reply.data() + 6, kOurMac, 6);
  reply[21] = 2;
  EXPECT_TRUE(link_->Transmit({.headers = reply, .payload = {}, .offload = {}}));
  link_->Flush();
  EXPECT_TRUE(peer_socket_->Receives(kLong, IsArpReply));
  (*attacher)->Detach(ours_index_);
  EXPECT_EQ(link_, nullptr);
  EXPECT_TRUE(KernelAnswersArp(kLong));
}

}  // namespace
}  // namespace moat::sentry
