// A stack with one Ethernet interface in memory, its control server, and a client of it.
#ifndef MOAT_SENTRY_CONTROL_TESTING_H_
#define MOAT_SENTRY_CONTROL_TESTING_H_

#include <gtest/gtest.h>

#include <memory>

#include "absl/synchronization/mutex.h"
#include "moat/v1/sandbox.grpc.pb.h"
#include "netstack/stack/stack.h"
#include "netstack/testing/channel_link.h"
#include "netstack/testing/fake_clock.h"
#include "netstack/testing/seeded_random.h"
#include "sentry/control/control_server.h"
#include "sentry/control/stack_access.h"

namespace moat::sentry {

// A stack behind a plain mutex.
class LockedStack final : public StackAccess {
 public:
  explicit LockedStack(netstack::Stack* stack) : stack_(stack) {}

  void Read(absl::FunctionRef<void(netstack::Stack&)> body) override {
    absl::MutexLock lock(&mutex_);
    body(*stack_);
  }
  void Change(absl::FunctionRef<void(netstack::Stack&)> body) override {
    absl::MutexLock lock(&mutex_);
    body(*stack_);
    stack_->Flush();
  }

 private:
  absl::Mutex mutex_;
  netstack::Stack* stack_;
};

class ControlTest : public ::testing::Test {
 protected:
  explicit ControlTest(absl::Duration idle = absl::Minutes(1));

  // A client on a connection of its own.
  std::unique_ptr<v1::Sandbox::Stub> NewClient();

  // The one connection of most tests.
  v1::Sandbox::Stub& client();

  // One call with a deadline far away, so that a hang fails instead of hanging the tests.
  template <typename Request, typename Response>
  grpc::Status Call(grpc::Status (v1::Sandbox::Stub::*method)(grpc::ClientContext*, const Request&,
                                                              Response*),
                    const Request& request, Response* response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    return (client().*method)(&context, request, response);
  }

  grpc::Status AddRoute(const v1::Route& route, bool replace = false);
  grpc::Status RemoveRoute(const v1::Route& route);

  netstack::FakeClock clock_;
  netstack::SeededRandom random_{1};
  netstack::ChannelLink link_;
  netstack::Stack stack_;
  LockedStack access_;
  ControlServer server_;

 private:
  std::unique_ptr<v1::Sandbox::Stub> client_;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_CONTROL_TESTING_H_
