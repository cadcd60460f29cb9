#include "sentry/socket/tcp_pump.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "base/owned_fd.h"
#include "gtest/gtest.h"
#include "sentry/testing/fake_sockets.h"

namespace moat::sentry {
namespace {

using netstack::Error;
using netstack::Slice;

// A connection whose two streams are strings.
class StringTcp final : public FakeTcpSocket {
 public:
  StringTcp() : FakeTcpSocket(netstack::Family::kIpv4) {}

  uint32_t Ready() const override { return room >= 16 * 1024 ? netstack::ready::kWritable : 0; }
  size_t WriteSpace() const override { return room; }
  Error Write(Slice data, bool) override {
    if (write_error != Error::kOk) return write_error;
    EXPECT_LE(data.size(), room);
    room -= data.size();
    written.append(reinterpret_cast<const char*>(data.data()), data.size());
    ++writes;
    return Error::kOk;
  }
  size_t Peek(std::span<std::span<const uint8_t>> pieces) const override {
    size_t count = 0;
    for (size_t at = 0; at < received.size() && count < pieces.size(); at += piece) {
      const size_t size = std::min(piece, received.size() - at);
      pieces[count++] = {reinterpret_cast<const uint8_t*>(received.data()) + at, size};
    }
    return count;
  }
  void Consume(size_t n) override { received.erase(0, n); }
  bool AtEndOfStream() const override { return ended && received.empty(); }

  size_t room = 1 << 20;
  std::string written;
  int writes = 0;
  Error write_error = Error::kOk;
  std::string received;
  size_t piece = 1448;
  bool ended = false;
};

class TcpPumpTest : public testing::Test {
 protected:
  TcpPumpTest() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    ours.reset(ends[0]);
    theirs.reset(ends[1]);
  }
  void ContainerWrites(const std::string& text) {
    ASSERT_EQ(write(theirs.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  std::string ContainerReads() {
    std::string text(1 << 20, '\0');
    const ssize_t size = read(theirs.get(), text.data(), text.size());
    text.resize(size > 0 ? static_cast<size_t>(size) : 0);
    return text;
  }

  OwnedFd ours, theirs;
  StringTcp tcp;
  ReadBlock block;
};

TEST_F(TcpPumpTest, MovesWhatTheContainerWrote) {
  ContainerWrites("hello ");
  ContainerWrites("world");
  const PumpResult result = PumpToStack(ours.get(), tcp, block);
  EXPECT_EQ(result.stop, PumpStop::kEmpty);
  EXPECT_EQ(result.moved, 11u);
  EXPECT_EQ(tcp.written, "hello world");
}

TEST_F(TcpPumpTest, LargeWritesStayWhole) {
  const std::string text(128 * 1024, 'x');
  ContainerWrites(text);
  EXPECT_EQ(PumpToStack(ours.get(), tcp, block).stop, PumpStop::kEmpty);
  EXPECT_EQ(tcp.written, text);
  EXPECT_EQ(tcp.writes, 2);
}

TEST_F(TcpPumpTest, SmallSlicesDoNotShareTheirBlock) {
  ContainerWrites("first");
  PumpToStack(ours.get(), tcp, block);
  ContainerWrites("second");
  PumpToStack(ours.get(), tcp, block);
  EXPECT_EQ(tcp.written, "firstsecond");
}

TEST_F(TcpPumpTest, StopsWhenTheStackIsFull) {
  tcp.room = 0;
  ContainerWrites("x");
  EXPECT_EQ(PumpToStack(ours.get(), tcp, block).stop, PumpStop::kFull);
  tcp.room = 10;  // crumbs: not before the stack says that it has room again
  EXPECT_EQ(PumpToStack(ours.get(), tcp, block).stop, PumpStop::kFull);
  EXPECT_EQ(tcp.written, "");
}

TEST_F(TcpPumpTest, EndAfterTheLastByte) {
  ContainerWrites("bye");
  theirs.reset();
  EXPECT_EQ(PumpToStack(ours.get(), tcp, block).stop, PumpStop::kEmpty);
  EXPECT_EQ(PumpToStack(ours.get(), tcp, block).stop, PumpStop::kEnd);
  EXPECT_EQ(tcp.written, "bye");
}

TEST_F(TcpPumpTest, CloseWithUnreadDataIsAReset) {
  tcp.received = "unread";
  EXPECT_EQ(PumpToContainer(tcp, ours.get()).stop, PumpStop::kEmpty);
  ContainerWrites("last words");
  theirs.reset();
  EXPECT_EQ(PumpToStack(ours.get(), tcp, block).stop, PumpStop::kEmpty);
  EXPECT_EQ(PumpToStack(ours.get(), tcp, block).stop, PumpStop::kReset);
  EXPECT_EQ(tcp.written, "last words");
}

TEST_F(TcpPumpTest, DataForADeadConnectionIsDropped) {
  tcp.write_error = Error::kBrokenPipe;
  ContainerWrites("x");
  EXPECT_EQ(PumpToStack(ours.get(), tcp, block).stop, PumpStop::kGone);
}

TEST_F(TcpPumpTest, DeliversInOrderAndEnds) {
  for (int i = 0; i < 40'000; ++i) tcp.received.push_back(static_cast<char>('a' + i % 26));
  const std::string text = tcp.received;
  tcp.ended = true;
  EXPECT_EQ(PumpToContainer(tcp, ours.get()).stop, PumpStop::kEnd);
  EXPECT_EQ(ContainerReads(), text);
}

TEST_F(TcpPumpTest, WhatDoesNotFitStaysInTheStack) {
  tcp.received = std::string(4 << 20, 'y');
  const PumpResult result = PumpToContainer(tcp, ours.get());
  EXPECT_EQ(result.stop, PumpStop::kFull);
  EXPECT_EQ(tcp.received.size() + result.moved, size_t{4 << 20});
  EXPECT_EQ(ContainerReads().size(), std::min<size_t>(result.moved, 1 << 20));
}

TEST_F(TcpPumpTest, NobodyReads) {
  tcp.received = "x";
  shutdown(theirs.get(), SHUT_RD);
  EXPECT_EQ(PumpToContainer(tcp, ours.get()).stop, PumpStop::kGone);
}

TEST_F(TcpPumpTest, DropBytesLeavesTheRest) {
  ContainerWrites(std::string(50'000, '-') + "data");
  EXPECT_EQ(DropBytes(ours.get(), 50'000), 50'000u);
  PumpToStack(ours.get(), tcp, block);
  EXPECT_EQ(tcp.written, "data");
  EXPECT_EQ(DropBytes(ours.get(), 5), 0u);
}

}  // namespace
}  // namespace moat::sentry
