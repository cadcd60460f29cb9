#include "sentry/control/watch.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "sentry/control/sandbox_service.h"
#include "sentry/control/testing.h"

namespace moat::sentry {
namespace {

using netstack::Prefix;

class WatchTest : public ControlTest {
 protected:
  // A running Watch call, past its snapshot.
  struct Running {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<v1::Event>> reader;
    std::vector<v1::Event> initial;
    bool started = false;
  };

  std::unique_ptr<Running> Start(const v1::WatchRequest& request) {
    auto running = std::make_unique<Running>();
    running->context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    running->reader = client().Watch(&running->context, request);
    v1::Event event;
    while (running->reader->Read(&event)) {
      if (event.kind() == v1::Event::KIND_SNAPSHOT_END) {
        running->started = true;
        break;
      }
      running->initial.push_back(event);
    }
    return running;
  }

  static grpc::Status Cancel(Running& running) {
    running.context.TryCancel();
    v1::Event event;
    while (running.reader->Read(&event)) {
    }
    return running.reader->Finish();
  }
};

TEST_F(WatchTest, InitialContentsThenChanges) {
  v1::WatchRequest request;
  request.set_initial(true);
  request.add_objects(v1::WatchRequest::OBJECT_ADDRESS);
  const auto running = Start(request);
  ASSERT_TRUE(running->started);
  bool found = false;
  for (const v1::Event& event : running->initial) {
    EXPECT_TRUE(event.has_address());
    EXPECT_EQ(event.kind(), v1::Event::KIND_UPDATED);
    found |= event.address().prefix() == "192.0.2.2/24" && event.address().interface() == "eth0";
  }
  EXPECT_TRUE(found);

  access_.Change([](netstack::Stack& stack) {
    EXPECT_TRUE(stack.AddAddress(2, *Prefix::Parse("198.51.100.1/24"), {}).ok());
    EXPECT_TRUE(stack.RemoveAddress(2, *Prefix::Parse("198.51.100.1/24")).ok());
  });
  v1::Event event;
  ASSERT_TRUE(running->reader->Read(&event));
  EXPECT_EQ(event.kind(), v1::Event::KIND_UPDATED);
  EXPECT_EQ(event.address().prefix(), "198.51.100.1/24");
  EXPECT_GT(event.unix_time_ms(), 0u);
  ASSERT_TRUE(running->reader->Read(&event));
  EXPECT_EQ(event.kind(), v1::Event::KIND_REMOVED);
  EXPECT_EQ(event.address().prefix(), "198.51.100.1/24");
  EXPECT_EQ(Cancel(*running).error_code(), grpc::CANCELLED);
}

TEST_F(WatchTest, OnlyWhatWasAskedFor) {
  v1::WatchRequest request;
  request.add_objects(v1::WatchRequest::OBJECT_NEIGHBOR);
  const auto running = Start(request);
  ASSERT_TRUE(running->started);
  EXPECT_TRUE(running->initial.empty());
  access_.Change([](netstack::Stack& stack) {
    EXPECT_TRUE(stack.AddAddress(2, *Prefix::Parse("198.51.100.1/24"), {}).ok());
    EXPECT_TRUE(stack
                    .AddNeighbor({.interface = 2,
                                  .address = netstack::IpAddress::V4(192, 0, 2, 9),
                                  .mac = {{2, 0, 0, 0, 0, 9}},
                                  .state = netstack::NeighborState::kPermanent})
                    .ok());
  });
  v1::Event event;
  ASSERT_TRUE(running->reader->Read(&event));
  EXPECT_EQ(event.neighbor().address(), "192.0.2.9");
  Cancel(*running);
}

TEST_F(WatchTest, RulesAdvertisementsAndPolicies) {
  v1::WatchRequest request;
  request.set_initial(true);
  request.add_objects(v1::WatchRequest::OBJECT_RULE);
  request.add_objects(v1::WatchRequest::OBJECT_ROUTER_ADVERTISEMENT);
  request.add_objects(v1::WatchRequest::OBJECT_ADDRESS_POLICY);
  const auto running = Start(request);
  ASSERT_TRUE(running->started);
  bool main = false;
  size_t policies = 0;
  for (const v1::Event& event : running->initial) {
    EXPECT_EQ(event.kind(), v1::Event::KIND_UPDATED);
    main |= event.has_rule() && event.rule().priority() == 32766;
    policies += event.has_address_policy();
  }
  EXPECT_TRUE(main);
  EXPECT_GE(policies, 4u);

  access_.Change([](netstack::Stack& stack) {
    netstack::RuleInfo rule;
    rule.priority = 77;
    rule.table = 100;
    EXPECT_TRUE(stack.AddRule(rule).ok());
    EXPECT_TRUE(stack.RemoveRule(rule).ok());
    EXPECT_TRUE(stack.SetRouterAdvertisement(2, {}).ok());
    EXPECT_TRUE(stack.StopRouterAdvertisement(2).ok());
    auto rows = stack.AddressPolicies();
    rows.push_back({*Prefix::Parse("2001:db8::/32"), 45, 20});
    EXPECT_TRUE(stack.SetAddressPolicies(rows).ok());
  });
  const auto next = [&] {
    v1::Event event;
    EXPECT_TRUE(running->reader->Read(&event));
    return event;
  };
  for (const auto kind : {v1::Event::KIND_UPDATED, v1::Event::KIND_REMOVED}) {
    const v1::Event event = next();
    EXPECT_EQ(event.kind(), kind);
    EXPECT_EQ(event.rule().priority(), 77u);
    EXPECT_EQ(event.rule().table(), 100u);
  }
  for (const auto kind : {v1::Event::KIND_UPDATED, v1::Event::KIND_REMOVED}) {
    const v1::Event event = next();
    EXPECT_EQ(event.kind(), kind);
    EXPECT_EQ(event.router_advertisement().interface(), "eth0");
    EXPECT_EQ(event.router_advertisement().max_interval_s(), 600u);
  }
  const v1::Event event = next();
  EXPECT_EQ(event.address_policy().prefix(), "2001:db8::/32");
  EXPECT_EQ(event.address_policy().label(), 20u);
  Cancel(*running);
}

TEST_F(WatchTest, SocketsAreCompared) {
  v1::WatchRequest request;
  request.add_objects(v1::WatchRequest::OBJECT_SOCKET);
  request.set_interval_ms(50);
  const auto running = Start(request);
  ASSERT_TRUE(running->started);
  std::unique_ptr<netstack::DatagramSocket> socket;
  access_.Change([&](netstack::Stack& stack) {
    socket = stack.NewUdpSocket(netstack::Family::kIpv4);
    EXPECT_EQ(socket->Bind({netstack::IpAddress(), 5353, 0}), netstack::Error::kOk);
  });
  v1::Event event;
  ASSERT_TRUE(running->reader->Read(&event));
  EXPECT_EQ(event.kind(), v1::Event::KIND_UPDATED);
  EXPECT_EQ(event.socket().local_port(), 5353u);
  access_.Change([&](netstack::Stack&) { socket.reset(); });
  ASSERT_TRUE(running->reader->Read(&event));
  EXPECT_EQ(event.kind(), v1::Event::KIND_REMOVED);
  EXPECT_EQ(event.socket().local_port(), 5353u);
  Cancel(*running);
}

TEST_F(WatchTest, AnUnknownObjectIsRefused) {
  v1::WatchRequest request;
  request.add_objects(v1::WatchRequest::OBJECT_UNSPECIFIED);
  const auto running = Start(request);
  EXPECT_FALSE(running->started);
  EXPECT_EQ(running->reader->Finish().error_code(), grpc::INVALID_ARGUMENT);
}

TEST_F(WatchTest, OneWatcherTooManyIsRefused) {
  std::vector<std::unique_ptr<Running>> watchers;
  for (int i = 0; i < SandboxService::kMaxWatchers; ++i) {
    watchers.push_back(Start({}));
    ASSERT_TRUE(watchers.back()->started) << i;
  }
  const auto refused = Start({});
  EXPECT_FALSE(refused->started);
  EXPECT_EQ(refused->reader->Finish().error_code(), grpc::RESOURCE_EXHAUSTED);
  for (const auto& watcher : watchers) Cancel(*watcher);
}

TEST(ChangeNotesTest, OverflowIsReported) {
  ChangeNotes notes;
  for (size_t i = 0; i < ChangeNotes::kMaxNotes; ++i) notes.OnRouteChanged({}, false);
  std::deque<ChangeNotes::Note> taken;
  EXPECT_TRUE(notes.Take(absl::ZeroDuration(), &taken).ok());
  EXPECT_EQ(taken.size(), ChangeNotes::kMaxNotes);
  for (size_t i = 0; i <= ChangeNotes::kMaxNotes; ++i) notes.OnRouteChanged({}, false);
  EXPECT_EQ(notes.Take(absl::ZeroDuration(), &taken).code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace moat::sentry
