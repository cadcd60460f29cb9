// What packet sockets pass and are told.
#include "sentry/abi/packet_structs.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <sys/socket.h>

#include <cerrno>
#include <vector>

#include "sentry/abi/bytes.h"

namespace moat::sentry {
namespace {

using netstack::FrameType;

sockaddr_ll Name() {
  sockaddr_ll name{};
  name.sll_family = AF_PACKET;
  name.sll_protocol = htons(ETH_P_ARP);
  name.sll_ifindex = 7;
  name.sll_halen = 6;
  name.sll_addr[0] = 2;
  name.sll_addr[5] = 9;
  return name;
}

TEST(SockaddrLl, IsReadInHostOrder) {
  const auto name = DecodeSockaddrLl(BytesOf(Name()), LinkAddressUse::kSend);
  ASSERT_TRUE(name.ok());
  EXPECT_EQ(name->protocol, ETH_P_ARP);
  EXPECT_EQ(name->interface, 7);
  EXPECT_EQ(name->size, 6);
  EXPECT_EQ(name->address[0], 2);
  EXPECT_EQ(name->address[5], 9);
}

TEST(SockaddrLl, RefusesWhatLinuxRefuses) {
  sockaddr_ll name = Name();
  EXPECT_EQ(DecodeSockaddrLl(BytesOf(name).first(19), LinkAddressUse::kSend).error(), EINVAL);
  name.sll_family = AF_INET;
  EXPECT_EQ(DecodeSockaddrLl(BytesOf(name), LinkAddressUse::kBind).error(), EINVAL);
  EXPECT_TRUE(DecodeSockaddrLl(BytesOf(name), LinkAddressUse::kSend).ok()) << "sends do not look";
  name = Name();
  name.sll_halen = 9;  // more than was passed
  EXPECT_EQ(DecodeSockaddrLl(BytesOf(name), LinkAddressUse::kSend).error(), EINVAL);
  EXPECT_TRUE(DecodeSockaddrLl(BytesOf(name), LinkAddressUse::kBind).ok());
}

TEST(SockaddrLl, IsWrittenWhole) {
  netstack::LinkName name;
  name.protocol = ETH_P_IP;
  name.interface = 3;
  name.link_type = 772;
  name.type = FrameType::kOutgoing;
  name.size = 6;
  name.address[5] = 1;
  const auto bytes = EncodeSockaddrLl(name);
  const auto raw = LoadAt<sockaddr_ll>(bytes, 0);
  EXPECT_EQ(raw.sll_family, AF_PACKET);
  EXPECT_EQ(ntohs(raw.sll_protocol), ETH_P_IP);
  EXPECT_EQ(raw.sll_ifindex, 3);
  EXPECT_EQ(raw.sll_hatype, 772);
  EXPECT_EQ(raw.sll_pkttype, PACKET_OUTGOING);
  EXPECT_EQ(raw.sll_halen, 6);
  EXPECT_EQ(raw.sll_addr[5], 1);
}

TEST(SockaddrLl, TypesAreLinuxs) {
  EXPECT_EQ(static_cast<int>(FrameType::kHost), PACKET_HOST);
  EXPECT_EQ(static_cast<int>(FrameType::kBroadcast), PACKET_BROADCAST);
  EXPECT_EQ(static_cast<int>(FrameType::kMulticast), PACKET_MULTICAST);
  EXPECT_EQ(static_cast<int>(FrameType::kOtherHost), PACKET_OTHERHOST);
  EXPECT_EQ(static_cast<int>(netstack::PacketMembership::Kind::kPromiscuous), PACKET_MR_PROMISC);
  EXPECT_EQ(static_cast<int>(netstack::PacketMembership::Kind::kUnicast), PACKET_MR_UNICAST);
}

TEST(PacketMreq, LengthsAndAddresses) {
  packet_mreq request{};
  request.mr_ifindex = 2;
  request.mr_type = PACKET_MR_MULTICAST;
  request.mr_alen = 6;
  request.mr_address[5] = 4;
  const auto membership = DecodePacketMreq(sizeof(request), BytesOf(request));
  ASSERT_TRUE(membership.ok());
  EXPECT_EQ(membership->interface, 2);
  EXPECT_EQ(membership->size, 6);
  EXPECT_EQ(membership->address[5], 4);
  EXPECT_EQ(DecodePacketMreq(15, BytesOf(request)).error(), EINVAL);
  EXPECT_EQ(DecodePacketMreq(16, BytesOf(request).first(8)).error(), EFAULT);
  request.mr_alen = 9;
  EXPECT_EQ(DecodePacketMreq(sizeof(request), BytesOf(request)).error(), EINVAL);
}

TEST(SockFprog, PointsToAProgram) {
  sock_filter code[] = {{0x30, 1, 2, 3}, {6, 0, 0, 9}};
  sock_fprog program{2, code};
  const auto reference = DecodeFilterReference(sizeof(program), BytesOf(program));
  ASSERT_TRUE(reference.ok());
  EXPECT_EQ(reference->count, 2u);
  EXPECT_EQ(reference->address, reinterpret_cast<uint64_t>(code));
  const auto decoded = DecodeFilter(BytesOf(code));
  ASSERT_EQ(decoded.size(), 2u);
  EXPECT_EQ(decoded[0], (netstack::BpfInstruction{0x30, 1, 2, 3}));
  EXPECT_EQ(DecodeFilterReference(15, BytesOf(program)).error(), EINVAL);
  EXPECT_EQ(DecodeFilterReference(16, BytesOf(program).first(2)).error(), EFAULT);
  EXPECT_TRUE(reference->possible());
  for (const sock_fprog& wrong :
       {sock_fprog{0, code}, sock_fprog{4097, code}, sock_fprog{2, nullptr}}) {
    const auto decoded_wrong = DecodeFilterReference(16, BytesOf(wrong));
    ASSERT_TRUE(decoded_wrong.ok()) << "a locked filter is found before";
    EXPECT_FALSE(decoded_wrong->possible());
  }
}

TEST(Auxiliary, SaysWhatIsKnownOfTheChecksum) {
  netstack::CapturedFrame frame;
  frame.original_size = 1000;
  frame.network_offset = 14;
  frame.checksum_missing = true;
  auto raw = LoadAt<tpacket_auxdata>(EncodeAuxiliary(frame, 96), 0);
  EXPECT_EQ(raw.tp_status, TP_STATUS_USER | TP_STATUS_CSUMNOTREADY);
  EXPECT_EQ(raw.tp_len, 1000u);
  EXPECT_EQ(raw.tp_snaplen, 96u);
  EXPECT_EQ(raw.tp_net, 14);
  frame.checksum_missing = false;
  frame.checksum_valid = frame.tcp_segments = true;
  raw = LoadAt<tpacket_auxdata>(EncodeAuxiliary(frame, 96), 0);
  EXPECT_EQ(raw.tp_status, static_cast<uint32_t>(TP_STATUS_USER | TP_STATUS_CSUM_VALID | 1 << 8));
}

}  // namespace
}  // namespace moat::sentry
