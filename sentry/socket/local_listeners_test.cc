#include "sentry/socket/local_listeners.h"

#include <set>

#include "gtest/gtest.h"

namespace moat::sentry {
namespace {

using netstack::Endpoint;
using netstack::Family;
using netstack::IpAddress;

// The registry never looks into a socket.
TcpContainerSocket* Socket(uintptr_t number) {
  return reinterpret_cast<TcpContainerSocket*>(number * 64);
}

Endpoint At(const char* address, uint16_t port) { return {*IpAddress::Parse(address), port, 0}; }

TEST(LocalListeners, NobodyListens) {
  LocalListeners listeners;
  EXPECT_EQ(listeners.Find(At("127.0.0.1", 80)), nullptr);
  listeners.Add({At("127.0.0.1", 80), Family::kIpv4, false, Socket(1)});
  EXPECT_EQ(listeners.Find(At("127.0.0.1", 81)), nullptr);
  EXPECT_EQ(listeners.Find(At("127.0.0.2", 80)), nullptr);
  EXPECT_EQ(listeners.Find(At("::1", 80)), nullptr);
}

TEST(LocalListeners, ExactBeforeWildcard) {
  LocalListeners listeners;
  listeners.Add({At("0.0.0.0", 80), Family::kIpv4, false, Socket(1)});
  listeners.Add({At("127.0.0.1", 80), Family::kIpv4, false, Socket(2)});
  EXPECT_EQ(listeners.Find(At("127.0.0.1", 80)), Socket(2));
  EXPECT_EQ(listeners.Find(At("192.0.2.1", 80)), Socket(1));
}

TEST(LocalListeners, DualStack) {
  LocalListeners listeners;
  listeners.Add({At("::", 80), Family::kIpv6, false, Socket(1)});
  EXPECT_EQ(listeners.Find(At("::1", 80)), Socket(1));
  EXPECT_EQ(listeners.Find(At("127.0.0.1", 80)), Socket(1));
  listeners.Add({At("0.0.0.0", 80), Family::kIpv4, false, Socket(2)});
  EXPECT_EQ(listeners.Find(At("127.0.0.1", 80)), Socket(2));
  EXPECT_EQ(listeners.Find(At("::1", 80)), Socket(1));
}

TEST(LocalListeners, V6OnlyTakesNoIpv4) {
  LocalListeners listeners;
  listeners.Add({At("::", 80), Family::kIpv6, true, Socket(1)});
  EXPECT_EQ(listeners.Find(At("127.0.0.1", 80)), nullptr);
}

TEST(LocalListeners, SharedPortTakesTurns) {
  LocalListeners listeners;
  listeners.Add({At("0.0.0.0", 80), Family::kIpv4, false, Socket(1)});
  listeners.Add({At("0.0.0.0", 80), Family::kIpv4, false, Socket(2)});
  std::set<TcpContainerSocket*> found;
  for (int i = 0; i < 4; ++i) found.insert(listeners.Find(At("127.0.0.1", 80)));
  EXPECT_EQ(found.size(), 2u);
}

TEST(LocalListeners, Remove) {
  LocalListeners listeners;
  listeners.Add({At("0.0.0.0", 80), Family::kIpv4, false, Socket(1)});
  listeners.Add({At("0.0.0.0", 81), Family::kIpv4, false, Socket(2)});
  listeners.Remove(Socket(1));
  EXPECT_EQ(listeners.Find(At("127.0.0.1", 80)), nullptr);
  EXPECT_EQ(listeners.Find(At("127.0.0.1", 81)), Socket(2));
}

}  // namespace
}  // namespace moat::sentry
