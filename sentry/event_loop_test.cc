#include "sentry/event_loop.h"

#include <unistd.h>

#include <array>
#include <functional>

#include "gtest/gtest.h"

namespace moat::sentry {
namespace {

class Handler final : public EventHandler {
 public:
  void OnEvents(uint32_t events) override {
    ++calls;
    last = events;
    if (action) action();
  }
  int calls = 0;
  uint32_t last = 0;
  std::function<void()> action;
};

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    reader.reset(ends[0]);
    writer.reset(ends[1]);
  }
  void Write() { EXPECT_EQ(write(writer.get(), "x", 1), 1); }
  OwnedFd reader, writer;
};

class EventLoopTest : public testing::Test {
 protected:
  void Turn() {
    std::array<epoll_event, 8> events;
    const int count = loop.Wait(events, 0);
    loop.Dispatch({events.data(), static_cast<size_t>(count)});
  }
  EventLoop loop;
  Pipe a, b;
  Handler first, second;
};

TEST_F(EventLoopTest, DeliversReadiness) {
  loop.Add(a.reader.get(), EPOLLIN, &first);
  Turn();
  EXPECT_EQ(first.calls, 0);
  a.Write();
  Turn();
  EXPECT_EQ(first.calls, 1);
  EXPECT_EQ(first.last, static_cast<uint32_t>(EPOLLIN));
}

TEST_F(EventLoopTest, RemovedHandlersAreNotCalled) {
  const EventLoop::Token token_a = loop.Add(a.reader.get(), EPOLLIN, &first);
  const EventLoop::Token token_b = loop.Add(b.reader.get(), EPOLLIN, &second);
  first.action = [&] { loop.Remove(token_b); };
  second.action = [&] { loop.Remove(token_a); };
  a.Write();
  b.Write();
  Turn();
  EXPECT_EQ(first.calls + second.calls, 1) << "whoever came first has removed the other";
  EXPECT_EQ(loop.size(), 1u);
}

TEST_F(EventLoopTest, AReusedPlaceIsAnotherRegistration) {
  const EventLoop::Token old = loop.Add(a.reader.get(), EPOLLIN, &first);
  loop.Remove(old);
  const EventLoop::Token renewed = loop.Add(a.reader.get(), EPOLLIN, &second);
  EXPECT_NE(old, renewed);
  EXPECT_FALSE(loop.Modify(old, EPOLLIN));
  loop.Remove(old);  // does nothing
  a.Write();
  Turn();
  EXPECT_EQ(second.calls, 1);
}

TEST_F(EventLoopTest, Modify) {
  const EventLoop::Token token = loop.Add(a.reader.get(), EPOLLIN, &first);
  a.Write();
  EXPECT_TRUE(loop.Modify(token, 0));
  Turn();
  EXPECT_EQ(first.calls, 0);
  EXPECT_TRUE(loop.Modify(token, EPOLLIN));
  Turn();
  EXPECT_EQ(first.calls, 1);
}

TEST_F(EventLoopTest, RefusesWhatCannotBePolled) {
  EXPECT_EQ(loop.Add(-1, EPOLLIN, &first), 0u);
  loop.Remove(0);
  EXPECT_EQ(loop.size(), 0u);
}

}  // namespace
}  // namespace moat::sentry
