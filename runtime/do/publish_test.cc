#include "runtime/do/publish.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/do/relay.h"

namespace moat::runtime {
namespace {

TEST(ParsePublishedPort, Forms) {
  PublishedPort port = ParsePublishedPort("8080:80").value();
  EXPECT_EQ(port.host_port, 8080);
  EXPECT_EQ(port.container_port, 80);
  EXPECT_FALSE(port.udp);
  EXPECT_EQ(port.address, "");
  port = ParsePublishedPort("127.0.0.1:53:5353/udp").value();
  EXPECT_EQ(port.address, "127.0.0.1");
  EXPECT_TRUE(port.udp);
  EXPECT_EQ(ParsePublishedPort("[::1]:1:65535/tcp")->address, "::1");
  for (const char* bad : {"", "80", "80:", ":80", "0:80", "80:0", "80:65536", "80:80/sctp",
                          "x:80:80", "::1:80:80", "[1.2.3.4]:80:80", "[::1:80:80", "8O:80"}) {
    EXPECT_FALSE(ParsePublishedPort(bad).ok()) << bad;
  }
}

// A socket on a loopback port of the kernel's choice.
OwnedFd Loopback(int type, sockaddr_in* address) {
  OwnedFd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  *address = {};
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof *address;
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(address), length), 0);
  EXPECT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(address), &length), 0);
  if ((type & SOCK_STREAM) != 0 && (type & 0xf) == SOCK_STREAM) {
    EXPECT_EQ(::listen(fd.get(), 8), 0);
  }
  return fd;
}

// Appends what is there; true at the end of the stream.
bool ReadSome(int fd, std::string& text) {
  char buffer[65536];
  ssize_t n;
  while ((n = ::recv(fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0) text.append(buffer, n);
  return n == 0;
}

// Turns of the relay until `done`, which a busy machine may keep waiting.
template <typename Done>
bool Until(Relay& relay, Done done) {
  constexpr int kTurns = 600, kTurnMs = 100;
  for (int i = 0; i < kTurns && !done(); ++i) relay.RunOnce(kTurnMs, 0);
  return done();
}

constexpr int kLongMs = 60000;  // for what comes sooner

TEST(Relay, CarriesAStreamBothWaysAndItsHalfCloses) {
  sockaddr_in server_address, front_address;
  OwnedFd server = Loopback(SOCK_STREAM, &server_address);
  OwnedFd front = Loopback(SOCK_STREAM | SOCK_NONBLOCK, &front_address);
  std::vector<RelayPort> ports;
  ports.push_back({.listener = std::move(front), .target = server_address});
  Relay relay(std::move(ports));

  OwnedFd client(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(
      ::connect(client.get(), reinterpret_cast<sockaddr*>(&front_address), sizeof front_address),
      0);
  relay.RunOnce(kLongMs, 0);  // accepts
  EXPECT_EQ(relay.connections(), 1u);
  OwnedFd accepted(::accept(server.get(), nullptr, nullptr));
  const std::string request(100000, 'q');
  ASSERT_EQ(::send(client.get(), request.data(), request.size(), 0),
            static_cast<ssize_t>(request.size()));
  ASSERT_EQ(::shutdown(client.get(), SHUT_WR), 0);
  std::string carried;
  EXPECT_TRUE(Until(relay, [&] { return ReadSome(accepted.get(), carried); }));
  EXPECT_EQ(carried, request);
  ASSERT_EQ(::send(accepted.get(), "answer", 6, 0), 6);
  accepted.reset();
  std::string answer;
  EXPECT_TRUE(Until(relay, [&] { return ReadSome(client.get(), answer); }));
  EXPECT_EQ(answer, "answer");
  EXPECT_TRUE(Until(relay, [&] { return relay.connections() == 0; }));
}

TEST(Relay, ClosesWhenNobodyListensBehindIt) {
  sockaddr_in nobody, front_address;
  { OwnedFd gone = Loopback(SOCK_STREAM, &nobody); }
  OwnedFd front = Loopback(SOCK_STREAM | SOCK_NONBLOCK, &front_address);
  std::vector<RelayPort> ports;
  ports.push_back({.listener = std::move(front), .target = nobody});
  Relay relay(std::move(ports));
  OwnedFd client(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(
      ::connect(client.get(), reinterpret_cast<sockaddr*>(&front_address), sizeof front_address),
      0);
  relay.RunOnce(kLongMs, 0);  // accepts
  EXPECT_TRUE(Until(relay, [&] { return relay.connections() == 0; }));
  char byte;
  EXPECT_LE(::read(client.get(), &byte, 1), 0);
}

TEST(Relay, DatagramsGoBackToWhoeverSentAndQuietPeersAreForgotten) {
  sockaddr_in server_address, front_address;
  OwnedFd server = Loopback(SOCK_DGRAM, &server_address);
  OwnedFd front = Loopback(SOCK_DGRAM | SOCK_NONBLOCK, &front_address);
  std::vector<RelayPort> ports;
  ports.push_back({.listener = std::move(front), .target = server_address, .udp = true});
  Relay relay(std::move(ports));
  sockaddr_in client_address;
  for (const char* text : {"one", "two"}) {
    OwnedFd client = Loopback(SOCK_DGRAM, &client_address);
    ASSERT_EQ(::sendto(client.get(), text, 3, 0, reinterpret_cast<sockaddr*>(&front_address),
                       sizeof front_address),
              3);
    relay.RunOnce(kLongMs, 0);
    char buffer[16];
    sockaddr_in from;
    socklen_t length = sizeof from;
    ASSERT_EQ(::recvfrom(server.get(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from),
                         &length),
              3);
    ASSERT_EQ(::sendto(server.get(), buffer, 3, 0, reinterpret_cast<sockaddr*>(&from), length), 3);
    relay.RunOnce(kLongMs, 0);
    ASSERT_EQ(::recv(client.get(), buffer, sizeof buffer, 0), 3);
    EXPECT_EQ(std::string(buffer, 3), text);
  }
  EXPECT_EQ(relay.peers(), 2u);
  relay.RunOnce(0, kUdpIdleMs + 1);
  EXPECT_EQ(relay.peers(), 0u);
}

TEST(StartPublisher, ATakenPortIsNamed) {
  sockaddr_in address;
  OwnedFd taken = Loopback(SOCK_STREAM, &address);
  PublishedPort port{
      .address = "127.0.0.1", .host_port = ntohs(address.sin_port), .container_port = 1};
  const auto started = StartPublisher({port}, "127.0.0.1");
  EXPECT_NE(started.status().message().find(std::to_string(port.host_port)), std::string::npos);
}

}  // namespace
}  // namespace moat::runtime
