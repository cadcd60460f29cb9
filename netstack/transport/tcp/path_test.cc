// A path that swallows big segments (RFC 4821), and a user who does not wait for ever (RFC 5482).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "netstack/transport/tcp/testing/pipe.h"
#include "netstack/transport/tcp/testing/story.h"

namespace moat::netstack::tcp {
namespace {

using std::chrono::minutes;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint32_t kMss = 1460;

// --- RFC 4821 7.7 --------------------------------------------------------------------------------

TEST(Rfc4821, S7_7_ABlackHoleIsFoundWhenAskedTo) {
  PipeOptions options;
  options.delay = milliseconds(10);
  options.keep_gso = false;
  Pipe pipe(options);
  for (Host* host : {&pipe.a(), &pipe.b()}) host->Sysctl("ipv4.tcp_mtu_probing", "1");
  pipe.filter = [](const FakeIp::Sent& sent) { return sent.bytes.size() <= 1200; };
  EXPECT_EQ(Transfer(pipe, 100'000, 1000, minutes(5)), "");
  EXPECT_GE(pipe.a().Counter("TcpMoat.MtuBlackHoles"), 1u);
}

TEST(Rfc4821, S7_7_ANarrowerOneToo) {
  PipeOptions options;
  options.delay = milliseconds(10);
  options.keep_gso = false;
  Pipe pipe(options);
  for (Host* host : {&pipe.a(), &pipe.b()}) host->Sysctl("ipv4.tcp_mtu_probing", "1");
  pipe.filter = [](const FakeIp::Sent& sent) { return sent.bytes.size() <= 560; };
  EXPECT_EQ(Transfer(pipe, 20'000, 1000, minutes(5)), "");
  EXPECT_GE(pipe.a().Counter("TcpMoat.MtuBlackHoles"), 2u);
}

TEST(Rfc4821, S7_7_NotByDefault) {
  PipeOptions options;
  options.delay = milliseconds(10);
  options.keep_gso = false;
  Pipe pipe(options);
  pipe.filter = [](const FakeIp::Sent& sent) { return sent.bytes.size() <= 1200; };
  EXPECT_NE(Transfer(pipe, 100'000, 1000, minutes(2)), "");
}

// --- RFC 4821 7.3 --------------------------------------------------------------------------------

// A connection over a path that lets TCP segments (header included) of up to `limit` octets
// through.
class Search : public testing::Test {
 protected:
  static PipeOptions Options() {
    PipeOptions options;
    options.delay = milliseconds(10);
    options.keep_gso = false;
    return options;
  }
  explicit Search(const char* probing = "1") : pipe(Options()) {
    for (Host* host : {&pipe.a(), &pipe.b()}) host->Sysctl("ipv4.tcp_mtu_probing", probing);
    pipe.filter = [this](const FakeIp::Sent& sent) {
      biggest = std::max(biggest, sent.bytes.size());
      return sent.bytes.size() <= limit;
    };
    listener = pipe.b().tcp->NewSocket(Family::kIpv4);
    EXPECT_EQ(listener->Bind({pipe.b().address, 80}), Error::kOk);
    EXPECT_EQ(listener->Listen(1), Error::kOk);
    client = pipe.a().tcp->NewSocket(Family::kIpv4);
    EXPECT_EQ(client->Connect({pipe.b().address, 80}), Error::kInProgress);
    EXPECT_TRUE(
        pipe.RunUntil([&] { return (client->Ready() & ready::kConnected) != 0; }, seconds(5)));
    pipe.Run(seconds(1));
    auto accepted = listener->Accept();
    EXPECT_TRUE(accepted.ok());
    server = std::move(*accepted);
  }
  // Sends so many octets and has them read; false when that takes longer than `time`.
  bool Carry(size_t size, Duration time) {
    size_t written = 0, read = 0;
    return pipe.RunUntil([&] { return read >= size; }, time, [&] {
      while (written < size && client->WriteSpace() > 0) {
        const size_t part = std::min({client->WriteSpace(), size - written, size_t{65536}});
        if (client->Write(Pattern(written, part), false) != Error::kOk) return;
        written += part;
      }
      read += ReadAll(*server).size();
    });
  }
  uint32_t segment() {
    return client->Info().send_mss + 20 + 12;
  }  // with the header and timestamps
  uint64_t Counter(std::string_view name) { return pipe.a().Counter(name); }

  Pipe pipe;
  size_t limit = 1 << 16;
  size_t biggest = 0;
  std::unique_ptr<TcpSocket> listener, client, server;
};

TEST_F(Search, Rfc4821_S7_3_LargerSizesAreSearchedFor) {
  limit = 1300;
  ASSERT_TRUE(Carry(3'000'000, minutes(5)));
  EXPECT_GE(Counter("TcpMoat.MtuBlackHoles"), 1u);
  EXPECT_GE(Counter("TcpExt.TCPMTUPSuccess"), 1u);
  EXPECT_GE(Counter("TcpExt.TCPMTUPFail"), 1u);
  EXPECT_LE(segment(), limit);
  EXPECT_GT(segment() + 9, limit);  // as near as tcp_probe_threshold
}

TEST_F(Search, Rfc4821_S7_6_2_ALostProbeIsNoCongestion) {
  limit = 1200;
  ASSERT_TRUE(Carry(20'000, minutes(5)));
  const uint64_t reductions = Counter("TcpExt.TCPSackRecovery") + Counter("TcpExt.TCPTimeouts");
  const uint64_t failed = Counter("TcpExt.TCPMTUPFail");
  ASSERT_TRUE(Carry(5'000'000, minutes(5)));
  EXPECT_GT(Counter("TcpExt.TCPMTUPFail"), failed);
  EXPECT_EQ(Counter("TcpExt.TCPSackRecovery") + Counter("TcpExt.TCPTimeouts"), reductions);
}

TEST_F(Search, TheSearchEndsAndBeginsAnewAfterItsInterval) {
  limit = 1200;
  ASSERT_TRUE(Carry(5'000'000, minutes(5)));
  const uint64_t failed = Counter("TcpExt.TCPMTUPFail");
  EXPECT_LE(failed, 10u);
  ASSERT_TRUE(Carry(5'000'000, minutes(5)));
  EXPECT_EQ(Counter("TcpExt.TCPMTUPFail"), failed);
  limit = 1 << 16;
  ASSERT_TRUE(Carry(1'000'000, minutes(1)));
  EXPECT_LE(segment(), 1200u);
  pipe.Run(seconds(600));
  ASSERT_TRUE(Carry(5'000'000, minutes(5)));
  EXPECT_EQ(segment(), kMss + 20);
}

TEST_F(Search, NothingIsProbedWithoutABlackHole) {
  ASSERT_TRUE(Carry(3'000'000, minutes(5)));
  EXPECT_EQ(Counter("TcpExt.TCPMTUPSuccess") + Counter("TcpExt.TCPMTUPFail"), 0u);
  EXPECT_EQ(biggest, kMss + 20);
}

struct SearchAlways : Search {
  SearchAlways() : Search("2") {}
};

TEST_F(SearchAlways, Rfc4821_S7_2_TheFirstSegmentsAreSmallAndNoTimeoutIsNeeded) {
  limit = 1300;
  EXPECT_EQ(client->Info().send_mss, 1024u - 12);  // tcp_base_mss counts the timestamps
  ASSERT_TRUE(Carry(3'000'000, minutes(5)));
  EXPECT_EQ(Counter("TcpExt.TCPTimeouts"), 0u);
  EXPECT_GE(Counter("TcpExt.TCPMTUPSuccess"), 1u);
  EXPECT_LE(segment(), limit);
  EXPECT_GT(segment() + 9, limit);
}

TEST_F(SearchAlways, Rfc4821_S7_3_AllThatThePathCarriesIsFound) {
  ASSERT_TRUE(Carry(5'000'000, minutes(5)));
  EXPECT_EQ(Counter("TcpExt.TCPTimeouts") + Counter("TcpExt.TCPMTUPFail"), 0u);
  EXPECT_EQ(segment(), kMss + 20);
}

TEST_F(Search, WithoutSackToo) {
  Pipe other(Options());
  for (Host* host : {&other.a(), &other.b()}) {
    host->Sysctl("ipv4.tcp_mtu_probing", "1");
    host->Sysctl("ipv4.tcp_sack", "0");
  }
  other.filter = [](const FakeIp::Sent& sent) { return sent.bytes.size() <= 1300; };
  EXPECT_EQ(Transfer(other, 3'000'000, 1000, minutes(10)), "");
  EXPECT_GE(other.a().Counter("TcpExt.TCPMTUPSuccess"), 1u);
}

// --- RFC 5482, RFC 9293 3.8.3 --------------------------------------------------------------------

TEST_F(Story, Rfc5482_TheUserTimeoutEndsTheConnectionOnTime) {
  Establish();
  SetTcp([](TcpOptions& o) { o.user_timeout = milliseconds(5000); });
  ASSERT_EQ(WriteBytes(kMss), Error::kOk);
  Advance(milliseconds(4900));
  EXPECT_EQ(state(), TcpState::kEstablished);
  Advance(milliseconds(200));
  EXPECT_EQ(state(), TcpState::kClosed);
  EXPECT_EQ(socket->TakeError(), Error::kTimedOut);
}

TEST_F(Story, Rfc5482_AnAckStartsTheUsersPatienceAnew) {
  Establish();
  SetTcp([](TcpOptions& o) { o.user_timeout = milliseconds(5000); });
  ASSERT_EQ(WriteBytes(2 * kMss), Error::kOk);
  Advance(milliseconds(4000));
  Send(Ack(1 + kMss).Seq(1));
  Advance(milliseconds(4000));
  EXPECT_EQ(state(), TcpState::kEstablished);
}

}  // namespace
}  // namespace moat::netstack::tcp
