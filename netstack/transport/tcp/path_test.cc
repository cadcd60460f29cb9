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

// --- RFC 4821 7.7 -----------------------------------------------------------------------------------

TEST(Rfc4821, S7_7_ABlackHoleIsFoundWhenAskedTo) {
  PipeOptions options;
  options.delay = milliseconds(10);
  options.keep_gso = false;
  Pipe pipe(options);
  for (Host* host : {&pipe.a(), &pipe.b()}) host->Sysctl("ipv4.tcp_mtu_probing", "1");
  pipe.filter = [](const FakeIp::Sent& sent) { return sent.bytes.size() <= 1200; };
  EXPECT_EQ(Transfer(pipe, 100'000, 1000, minutes(5)), "");
  EXPECT_GE(pipe.a().Counter("TcpExt.TCPMtuBlackHoles"), 1u);
}

TEST(Rfc4821, S7_7_ANarrowerOneToo) {
  PipeOptions options;
  options.delay = milliseconds(10);
  options.keep_gso = false;
  Pipe pipe(options);
  for (Host* host : {&pipe.a(), &pipe.b()}) host->Sysctl("ipv4.tcp_mtu_probing", "1");
  pipe.filter = [](const FakeIp::Sent& sent) { return sent.bytes.size() <= 560; };
  EXPECT_EQ(Transfer(pipe, 20'000, 1000, minutes(5)), "");
  EXPECT_GE(pipe.a().Counter("TcpExt.TCPMtuBlackHoles"), 2u);
}

TEST(Rfc4821, S7_7_NotByDefault) {
  PipeOptions options;
  options.delay = milliseconds(10);
  options.keep_gso = false;
  Pipe pipe(options);
  pipe.filter = [](const FakeIp::Sent& sent) { return sent.bytes.size() <= 1200; };
  EXPECT_NE(Transfer(pipe, 100'000, 1000, minutes(2)), "");
}

// --- RFC 5482, RFC 9293 3.8.3 -----------------------------------------------------------------------

TEST_F(Story, Rfc5482_TheUserTimeoutEndsTheConnectionOnTime) {
  Establish();
  TcpOptions options = socket->tcp_options();
  options.user_timeout = milliseconds(5000);
  socket->SetTcpOptions(options);
  ASSERT_EQ(WriteBytes(kMss), Error::kOk);
  Advance(milliseconds(4900));
  EXPECT_EQ(state(), TcpState::kEstablished);
  Advance(milliseconds(200));
  EXPECT_EQ(state(), TcpState::kClosed);
  EXPECT_EQ(socket->TakeError(), Error::kTimedOut);
}

TEST_F(Story, Rfc5482_AnAckStartsTheUsersPatienceAnew) {
  Establish();
  TcpOptions options = socket->tcp_options();
  options.user_timeout = milliseconds(5000);
  socket->SetTcpOptions(options);
  ASSERT_EQ(WriteBytes(2 * kMss), Error::kOk);
  Advance(milliseconds(4000));
  Send(Ack(1 + kMss).Seq(1));
  Advance(milliseconds(4000));
  EXPECT_EQ(state(), TcpState::kEstablished);
}

}  // namespace
}  // namespace moat::netstack::tcp
