// Plays dockerd with kernel sockets in a network namespace, and the container with sockets of the
// stack.
#include "sentry/resolver/docker_resolver.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <functional>
#include <string>
#include <vector>

#include "sentry/resolver/kernel_detour.h"
#include "sentry/testing/network_namespace.h"

namespace moat::sentry {
namespace {

using netstack::Family;
using netstack::IpAddress;
using StackSocket = std::unique_ptr<netstack::DatagramSocket>;
using Bytes = std::vector<uint8_t>;

constexpr char kResolverName[] = "127.0.0.11";
constexpr char kServerName[] = "198.51.100.53";  // RFC 5737
constexpr netstack::InterfaceIndex kLoopback = 1;

sockaddr_in Address(const char* name, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  inet_pton(AF_INET, name, &address.sin_addr);
  return address;
}

// A message as long as a header, with that id.
Bytes Message(uint8_t id, uint8_t rest) {
  Bytes message(12, rest);
  message[0] = 0;
  message[1] = id;
  return message;
}

// A socket of the kernel's.
class KernelSocket {
 public:
  KernelSocket() : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {}

  uint16_t Bind(const char* name) {
    sockaddr_in address = Address(name, 0);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    return ntohs(address.sin_port);
  }
  int Connect(const char* name, uint16_t port) {
    const sockaddr_in address = Address(name, port);
    return connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }
  bool Send(const Bytes& message) {
    return send(fd_.get(), message.data(), message.size(), 0) ==
           static_cast<ssize_t>(message.size());
  }
  // Empty when there is nothing; then `answer` goes back to its sender.
  Bytes Receive(const std::function<Bytes(Bytes)>& answer = nullptr) {
    Bytes message(512);
    sockaddr_in peer{};
    socklen_t size = sizeof(peer);
    const ssize_t count = recvfrom(fd_.get(), message.data(), message.size(), 0,
                                   reinterpret_cast<sockaddr*>(&peer), &size);
    message.resize(count > 0 ? static_cast<size_t>(count) : 0);
    if (message.empty() || answer == nullptr) return message;
    const Bytes reply = answer(message);
    EXPECT_EQ(sendto(fd_.get(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&peer),
                     size),
              static_cast<ssize_t>(reply.size()));
    return message;
  }

 private:
  OwnedFd fd_;
};

class DockerResolverTest : public testing::Test {
 protected:
  void SetUp() override {
    namespace_ = NetworkNamespace::MakeAndEnter();
    if (namespace_ == nullptr) GTEST_SKIP() << "no network namespace can be made here; run as root";
    ASSERT_TRUE(Ip("link set lo up"));
    sandbox_ = std::make_unique<Sandbox>(
        Sandbox::Options{.id = "test", .max_sockets = 64, .direct_loopback = true});
    SandboxEntry entry(*sandbox_);
    resolver_ = std::make_unique<DockerResolver>(*sandbox_);
  }
  void TearDown() override {
    if (sandbox_ == nullptr) return;
    SandboxEntry entry(*sandbox_);
    resolver_.reset();
  }

  uint16_t Port() {
    SandboxEntry entry(*sandbox_);
    return resolver_->Port();
  }
  StackSocket NewSocket() {
    SandboxEntry entry(*sandbox_);
    return sandbox_->stack().NewUdpSocket(Family::kIpv4);
  }
  void Send(netstack::DatagramSocket& socket, const netstack::Endpoint& to, const Bytes& message) {
    SandboxEntry entry(*sandbox_);
    const std::span<const uint8_t> part = message;
    netstack::SendControl control;
    control.destination = to;
    EXPECT_EQ(socket.Send({&part, 1}, control), netstack::Error::kOk);
  }
  // What arrives at a socket of the stack within so many turns of the event loop; empty: nothing.
  netstack::Datagram Receive(netstack::DatagramSocket& socket, int turns = kManyTurns) {
    for (int i = 0; i < turns; ++i) {
      {
        SandboxEntry entry(*sandbox_);
        auto datagram = socket.Receive();
        if (datagram.ok()) return *datagram;
      }
      Turn();
    }
    return {};
  }
  Bytes ReceiveBytes(netstack::DatagramSocket& socket, int turns = kManyTurns) {
    const netstack::Datagram datagram = Receive(socket, turns);
    return Bytes(datagram.payload.span().begin(), datagram.payload.span().end());
  }
  // The same for one of the kernel's.
  Bytes Receive(KernelSocket& socket, const std::function<Bytes(Bytes)>& answer = nullptr) {
    for (int i = 0; i < kManyTurns; ++i) {
      Bytes message = socket.Receive(answer);
      if (!message.empty()) return message;
      Turn();
    }
    return {};
  }

  static constexpr int kManyTurns = 1000, kFewTurns = 8;

  std::unique_ptr<NetworkNamespace> namespace_;
  std::unique_ptr<Sandbox> sandbox_;
  std::unique_ptr<DockerResolver> resolver_;

 private:
  // One turn of the event loop, which waits a moment for something to happen.
  void Turn() {
    epoll_event events[8];
    const int count = sandbox_->loop().Wait(events, 50);
    if (count <= 0) return;
    SandboxEntry entry(*sandbox_);
    sandbox_->loop().Dispatch(std::span(events).first(static_cast<size_t>(count)));
  }
};

TEST_F(DockerResolverTest, WithoutDockerdThereIsNoPort) { EXPECT_EQ(Port(), 0); }

TEST_F(DockerResolverTest, QuestionsAndAnswersAreCarried) {
  KernelSocket dockerd;
  dockerd.Bind(kResolverName);
  const uint16_t port = Port();
  ASSERT_NE(port, 0);
  const StackSocket client = NewSocket();
  Send(*client, {kResolverAddress, port}, Message(7, 'q'));
  EXPECT_EQ(Receive(dockerd, [](Bytes) { return Message(7, 'a'); }), Message(7, 'q'));
  const netstack::Datagram answer = Receive(*client);
  EXPECT_EQ(Bytes(answer.payload.span().begin(), answer.payload.span().end()), Message(7, 'a'));
  EXPECT_EQ(answer.source, (netstack::Endpoint{kResolverAddress, port}));
}

TEST_F(DockerResolverTest, WhoAskedWithTheSameIdGetsTheOwnAnswer) {
  KernelSocket dockerd;
  dockerd.Bind(kResolverName);
  const netstack::Endpoint there = {kResolverAddress, Port()};
  const StackSocket first = NewSocket(), second = NewSocket();
  Send(*first, there, Message(7, '1'));
  Send(*second, there, Message(7, '2'));
  const auto echo = [](Bytes message) { return message; };
  const Bytes one = Receive(dockerd, echo), two = Receive(dockerd, echo);
  ASSERT_EQ(one.size(), 12u);
  ASSERT_EQ(two.size(), 12u);
  EXPECT_FALSE(one[0] == two[0] && one[1] == two[1]);
  EXPECT_EQ(ReceiveBytes(*first), Message(7, '1'));
  EXPECT_EQ(ReceiveBytes(*second), Message(7, '2'));
}

TEST_F(DockerResolverTest, WhatNobodyAskedForGoesNowhere) {
  KernelSocket dockerd;
  dockerd.Bind(kResolverName);
  const netstack::Endpoint there = {kResolverAddress, Port()};
  const StackSocket client = NewSocket();
  Send(*client, there, Bytes(11, 'x'));  // shorter than a header
  Send(*client, there, Message(7, 'q'));
  EXPECT_EQ(Receive(dockerd, [](Bytes) { return Message(8, 'a'); }), Message(7, 'q'));
  EXPECT_TRUE(ReceiveBytes(*client, kFewTurns).empty());
}

// dockerd's socket is connected to a server of the outside world, which is one of the stack's here.
TEST_F(DockerResolverTest, OutsideNamesAreAskedThroughTheStack) {
  StackSocket server = NewSocket();
  const auto address = netstack::Prefix::Parse(kServerName);
  {
    SandboxEntry entry(*sandbox_);
    ASSERT_TRUE(sandbox_->stack().AddAddress(kLoopback, *address, {}).ok());
    ASSERT_EQ(server->Bind({address->address, 53}), netstack::Error::kOk);
  }
  KernelSocket dockerd, asking, other;
  dockerd.Bind(kResolverName);
  EXPECT_EQ(asking.Connect(kServerName, 53), -1);  // the namespace has no route
  ASSERT_NE(Port(), 0);
  ASSERT_EQ(asking.Connect(kServerName, 53), 0);
  EXPECT_EQ(other.Connect(kServerName, 54), -1);
  EXPECT_EQ(errno, ENETUNREACH);
  ASSERT_TRUE(asking.Send(Message(9, 'q')));
  const netstack::Datagram question = Receive(*server);
  EXPECT_EQ(Bytes(question.payload.span().begin(), question.payload.span().end()),
            Message(9, 'q'));
  Send(*server, question.source, Message(9, 'a'));
  EXPECT_EQ(Receive(asking), Message(9, 'a'));
}

TEST_F(DockerResolverTest, TheNamespaceIsLeftAsItWas) {
  KernelSocket dockerd, asking;
  dockerd.Bind(kResolverName);
  ASSERT_NE(Port(), 0);
  ASSERT_EQ(asking.Connect(kServerName, 53), 0);
  EXPECT_TRUE(LayDetour().ok());  // as over a predecessor's
  {
    SandboxEntry entry(*sandbox_);
    resolver_->Stop();
  }
  KernelSocket late;
  EXPECT_EQ(late.Connect(kServerName, 53), -1);
  EXPECT_EQ(errno, ENETUNREACH);
  EXPECT_TRUE(TakeUpDetour().ok());  // nothing is there
}

}  // namespace
}  // namespace moat::sentry
