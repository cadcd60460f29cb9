// Load generator of the bench, linked statically so that it runs in any container.
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "test/bench/load/net.h"

namespace {

constexpr char kUsage[] =
    "usage: load tcp-server HOST PORT\n"
    "       load udp-server HOST PORT\n"
    "       load ping-pong HOST PORT SECONDS [BYTES]\n"
    "       load connections HOST PORT SECONDS [CONCURRENCY]\n"
    "       load udp HOST PORT SECONDS [CONCURRENCY]\n"
    "       load send HOST PORT SECONDS\n"
    "       load receive HOST PORT SECONDS\n"
    "       load idle HOST PORT COUNT\n";

}  // namespace

int main(int argc, char** argv) {
  using namespace moat::bench;  // NOLINT: a program of one page
  signal(SIGPIPE, SIG_IGN);
  const auto number = [&](int index, double otherwise) {
    return argc > index ? std::atof(argv[index]) : otherwise;
  };
  if (argc >= 4) {
    const std::string verb = argv[1];
    const Address address = ParseAddress(argv[2], argv[3]);
    const double seconds = number(4, 1);
    if (verb == "tcp-server") return ServeTcp(address);
    if (verb == "udp-server") return ServeUdp(address);
    if (verb == "ping-pong") return PingPong(address, seconds, static_cast<size_t>(number(5, 1)));
    if (verb == "connections") {
      return ConnectionRate(address, seconds, static_cast<int>(number(5, 16)));
    }
    if (verb == "udp") return UdpRequests(address, seconds, static_cast<int>(number(5, 16)));
    if (verb == "send") return SendStream(address, seconds);
    if (verb == "receive") return ReceiveStream(address, seconds);
    if (verb == "idle") return IdleConnections(address, static_cast<int>(number(4, 1)));
  }
  std::fputs(kUsage, stderr);
  return 2;
}
