#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netstack/testing/fake_clock.h"
#include "netstack/testing/fake_ip.h"
#include "netstack/testing/seeded_random.h"
#include "netstack/transport/icmp/ping_protocol.h"
#include "netstack/wire/bytes.h"
#include "netstack/wire/checksum.h"
#include "netstack/wire/icmpv4.h"
#include "netstack/wire/icmpv6.h"

namespace moat::netstack {
namespace {

IpAddress Ip(std::string_view text) { return *IpAddress::Parse(text); }

class PingTest : public testing::TestWithParam<Family> {
 protected:
  PingTest() {
    ip_.AddLocalAddress(Ip("192.0.2.1"));
    ip_.AddLocalAddress(Ip("2001:db8::1"));
  }
  bool v4() const { return GetParam() == Family::kIpv4; }
  IpAddress own() const { return Ip(v4() ? "192.0.2.1" : "2001:db8::1"); }
  IpAddress peer() const { return Ip(v4() ? "192.0.2.9" : "2001:db8::9"); }
  uint8_t request_type() const { return v4() ? 8 : 128; }
  uint8_t reply_type() const { return v4() ? 0 : 129; }

  static std::vector<uint8_t> Message(uint8_t type, uint16_t identifier, uint16_t sequence) {
    std::vector<uint8_t> message(kIcmpHeaderSize);
    EmitIcmp(message.data(), type, 0, static_cast<uint32_t>(identifier) << 16 | sequence);
    message.insert(message.end(), {'p', 'i', 'n', 'g', '!'});
    return message;
  }
  Error Send(DatagramSocket& socket, const std::vector<uint8_t>& message,
             std::optional<Endpoint> to = {}) {
    // Cut in the middle of the header, as a caller's iovec may be.
    const std::span<const uint8_t> all = message;
    const std::array<std::span<const uint8_t>, 2> pieces = {all.first(3), all.subspan(3)};
    return socket.Send(pieces, {.destination = to});
  }
  TransportProtocol::Disposition Reply(uint16_t identifier, uint16_t sequence) {
    return ping_.Receive({.source = peer(),
                          .destination = own(),
                          .interface = 2,
                          .protocol = static_cast<uint8_t>(v4() ? 1 : 58),
                          .hop_limit = 61,
                          .payload = Slice::Copy(Message(reply_type(), identifier, sequence))});
  }

  FakeClock clock_;
  SeededRandom random_{1};
  TimerQueue timers_{clock_.Now()};
  FakeIp ip_;
  SysctlTable sysctls_;
  CounterTable counters_;
  MemoryBudget memory_;
  PortAllocator ports_{random_, sysctls_};
  PingProtocol ping_{{.clock = &clock_,
                      .random = &random_,
                      .timers = &timers_,
                      .ip = &ip_,
                      .groups = &ip_,
                      .ports = &ports_,
                      .sysctls = &sysctls_,
                      .counters = &counters_,
                      .memory = &memory_}};
};
INSTANTIATE_TEST_SUITE_P(Families, PingTest, testing::Values(Family::kIpv4, Family::kIpv6));

TEST_P(PingTest, RequestGetsIdentifierAndChecksum) {
  auto socket = ping_.NewSocket(GetParam());
  EXPECT_EQ(Send(*socket, Message(request_type(), 0xdead, 7), Endpoint{.address = peer()}),
            Error::kOk);
  const FakeIp::Sent sent = ip_.Take();
  EXPECT_EQ(sent.protocol, v4() ? 1 : 58);
  EXPECT_EQ(sent.destination, peer());
  const auto view = IcmpView::Parse(sent.bytes);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->type(), request_type());
  EXPECT_EQ(view->identifier(), socket->Local().port);
  EXPECT_EQ(view->sequence(), 7);
  EXPECT_EQ(std::string(view->body().begin(), view->body().end()), "ping!");
  if (v4()) {
    EXPECT_EQ(ChecksumOf(sent.bytes), 0);
  } else {
    EXPECT_TRUE(TransportChecksumValid(sent.source, sent.destination, 58, sent.bytes));
  }
  EXPECT_EQ(counters_.Value(v4() ? "Icmp.OutEchos" : "Icmp6.OutEchos"), 1u);
}

TEST_P(PingTest, ReplyFindsItsSocketByIdentifier) {
  auto one = ping_.NewSocket(GetParam());
  auto two = ping_.NewSocket(GetParam());
  EXPECT_EQ(one->Bind({.address = IpAddress::Any(GetParam()), .port = 100}), Error::kOk);
  EXPECT_EQ(two->Bind({.address = IpAddress::Any(GetParam()), .port = 200}), Error::kOk);
  Reply(200, 5);
  Reply(300, 6);
  EXPECT_EQ(one->Receive().error(), Error::kWouldBlock);
  const Result<Datagram> datagram = two->Receive();
  ASSERT_TRUE(datagram.ok());
  EXPECT_EQ(datagram->source.address, peer());
  EXPECT_EQ(datagram->source.port, 0);
  EXPECT_EQ(datagram->hop_limit, 61);
  EXPECT_EQ(datagram->payload.size(), 13u) << "the ICMP header is part of what is read";
  EXPECT_EQ(two->Receive().error(), Error::kWouldBlock);
}

TEST_P(PingTest, OnlyEchoRequestsMayBeSent) {
  auto socket = ping_.NewSocket(GetParam());
  const Endpoint to{.address = peer()};
  EXPECT_EQ(Send(*socket, Message(reply_type(), 1, 1), to), Error::kInvalid);
  EXPECT_EQ(Send(*socket, Message(v4() ? 5 : 137, 1, 1), to), Error::kInvalid);
  std::vector<uint8_t> code = Message(request_type(), 1, 1);
  code[1] = 1;
  EXPECT_EQ(Send(*socket, code, to), Error::kInvalid);
  EXPECT_EQ(Send(*socket, {request_type(), 0, 0, 0, 0, 0, 0}, to), Error::kInvalid);
  EXPECT_EQ(Send(*socket, Message(request_type(), 1, 1)), Error::kDestinationRequired);
  EXPECT_EQ(Send(*socket, Message(request_type(), 1, 1),
                 Endpoint{.address = Ip(v4() ? "2001:db8::9" : "192.0.2.9")}),
            Error::kAddressFamily);
  EXPECT_TRUE(ip_.sent().empty());
}

TEST_P(PingTest, OtherMessagesAreNotDelivered) {
  auto socket = ping_.NewSocket(GetParam());
  EXPECT_EQ(socket->Bind({.address = own(), .port = 100}), Error::kOk);
  for (const uint8_t type : {request_type(), uint8_t{3}, uint8_t{13}}) {
    ping_.Receive({.source = peer(),
                   .destination = own(),
                   .payload = Slice::Copy(Message(type, 100, 1))});
  }
  ping_.Receive({.source = peer(), .destination = own(), .payload = Slice::Allocate(7)});
  EXPECT_EQ(socket->Receive().error(), Error::kWouldBlock);
}

TEST_P(PingTest, IdentifierConflictsAndAddresses) {
  auto one = ping_.NewSocket(GetParam());
  auto two = ping_.NewSocket(GetParam());
  EXPECT_EQ(one->Bind({.address = own(), .port = 100}), Error::kOk);
  EXPECT_EQ(two->Bind({.address = own(), .port = 100}), Error::kAddressInUse);
  EXPECT_EQ(two->Bind({.address = peer(), .port = 101}), Error::kAddressNotAvailable);
}

TEST_P(PingTest, ErrorsReachTheSocketThatAsked) {
  auto socket = ping_.NewSocket(GetParam());
  socket->SetQueueErrors(true);
  EXPECT_EQ(socket->Connect({.address = peer()}), Error::kOk);
  EXPECT_EQ(Send(*socket, Message(request_type(), 0, 1)), Error::kOk);
  const FakeIp::Sent sent = ip_.Take();
  IcmpErrorIn error{.kind = IcmpErrorIn::Kind::kHostUnreachable,
                    .error = Error::kHostUnreachable,
                    .hard = false,
                    .source = sent.source,
                    .destination = sent.destination,
                    .quoted_transport = sent.bytes};
  ping_.ReceiveError(error);
  const std::optional<QueuedError> queued = socket->TakeQueuedError();
  ASSERT_TRUE(queued);
  EXPECT_EQ(queued->destination.address, peer());
  EXPECT_EQ(queued->payload.size(), sent.bytes.size());
  error.quoted_transport = std::span(sent.bytes).first(7);
  ping_.ReceiveError(error);
  EXPECT_FALSE(socket->TakeQueuedError());
}

TEST_P(PingTest, WhatAFullQueueLosesIsCounted) {
  auto socket = ping_.NewSocket(GetParam());
  EXPECT_EQ(socket->Bind({.address = IpAddress::Any(GetParam()), .port = 100}), Error::kOk);
  SocketOptions options = socket->options();
  options.receive_buffer = 4096;
  socket->SetOptions(options);
  constexpr uint64_t kSent = 200;
  for (uint16_t i = 0; i < kSent; ++i) Reply(100, i);
  uint64_t read = 0;
  while (socket->Receive().ok()) ++read;
  EXPECT_LT(read, kSent);
  EXPECT_EQ(counters_.Value("Ping.RcvbufErrors"), kSent - read);
  EXPECT_EQ(counters_.Value("Ping.MemErrors"), 0u);
}

TEST_P(PingTest, WhatTheBudgetRefusesIsCounted) {
  auto socket = ping_.NewSocket(GetParam());
  EXPECT_EQ(socket->Bind({.address = IpAddress::Any(GetParam()), .port = 100}), Error::kOk);
  memory_.Charge(MemoryBudget::kDefaultLimit);
  Reply(100, 1);
  EXPECT_EQ(counters_.Value("Ping.MemErrors"), 1u);
  EXPECT_EQ(counters_.Value("Ping.RcvbufErrors"), 0u);
  memory_.Release(MemoryBudget::kDefaultLimit);
}

TEST_P(PingTest, ErrorsThatFindTheirQueueFullAreCounted) {
  auto socket = ping_.NewSocket(GetParam());
  socket->SetQueueErrors(true);
  EXPECT_EQ(Send(*socket, Message(request_type(), 1, 1), Endpoint{.address = peer()}), Error::kOk);
  const FakeIp::Sent sent = ip_.Take();
  constexpr uint64_t kErrors = 100;
  for (uint64_t i = 0; i < kErrors; ++i) {
    ping_.ReceiveError({.kind = IcmpErrorIn::Kind::kHostUnreachable,
                        .error = Error::kHostUnreachable,
                        .hard = false,
                        .source = sent.source,
                        .destination = sent.destination,
                        .quoted_transport = sent.bytes});
  }
  uint64_t taken = 0;
  while (socket->TakeQueuedError()) ++taken;
  EXPECT_LT(taken, kErrors);
  EXPECT_EQ(counters_.Value("Memory.FullErrorQueues"), kErrors - taken);
}

TEST_P(PingTest, SeededGarbageIsHarmless) {
  std::mt19937 random(1);
  auto socket = ping_.NewSocket(GetParam());
  EXPECT_EQ(socket->Bind({.address = IpAddress::Any(GetParam()), .port = 100}), Error::kOk);
  for (int i = 0; i < 5000; ++i) {
    std::vector<uint8_t> bytes = Message(reply_type(), 100, 1);
    bytes.resize(random() % 20);
    for (uint8_t& byte : bytes) {
      if (random() % 4 == 0) byte = static_cast<uint8_t>(random());
    }
    ping_.Receive({.source = peer(), .destination = own(), .payload = Slice::Copy(bytes)});
    ping_.ReceiveError({.kind = IcmpErrorIn::Kind::kTimeExceeded,
                        .error = Error::kHostUnreachable,
                        .hard = false,
                        .source = own(),
                        .destination = peer(),
                        .quoted_transport = bytes});
    const Result<Datagram> datagram = socket->Receive();
    if (datagram.ok()) {
      EXPECT_EQ(datagram->payload.size(), bytes.size());
    }
  }
}

}  // namespace
}  // namespace moat::netstack
