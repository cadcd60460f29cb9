// A web server without the kernel's TCP/IP: netstack on a TAP device.
//
//   bazel build //netstack/example:http_on_tap
//   sudo bazel-bin/netstack/example/http_on_tap tap0 192.0.2.2/24 &
//   sudo ip address add 192.0.2.1/24 dev tap0 && sudo ip link set tap0 up
//   curl http://192.0.2.2/
#include <poll.h>
#include <sys/random.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "netstack/link/tap.h"
#include "netstack/stack/stack.h"

using namespace moat::netstack;  // NOLINT: an example of one page

namespace {

struct MonotonicClock : Clock {
  Time Now() const override {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return Time(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
  }
};

struct SystemRandom : Random {
  void Fill(std::span<uint8_t> out) override {
    if (getrandom(out.data(), out.size(), 0) != static_cast<ssize_t>(out.size())) std::abort();
  }
};

constexpr std::string_view kAnswer =
    "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 20\r\n\r\nHello from "
    "netstack\n";

// Answers once the request's empty line is there. True when the connection has done its work.
bool Serve(TcpSocket& socket) {
  std::span<const uint8_t> pieces[16];
  std::string request;
  const size_t count = socket.Peek(pieces);
  for (size_t i = 0; i < count; ++i) request.append(pieces[i].begin(), pieces[i].end());
  if (request.find("\r\n\r\n") == std::string::npos) return socket.AtEndOfStream();
  socket.Consume(socket.ReadableBytes());
  const auto* bytes = reinterpret_cast<const uint8_t*>(kAnswer.data());
  return socket.Write(Slice::Copy({bytes, kAnswer.size()}), false) == Error::kOk;
}

}  // namespace

int main(int argc, char** argv) {
  const auto address = Prefix::Parse(argc == 3 ? argv[2] : "");
  if (!address) return std::fprintf(stderr, "usage: http_on_tap DEVICE ADDRESS/LENGTH\n"), 2;
  auto tap = TapLink::Open(argv[1]);
  if (!tap.ok()) return std::fprintf(stderr, "%s\n", tap.status().ToString().c_str()), 1;

  MonotonicClock clock;
  SystemRandom random;
  Stack stack({.clock = &clock, .random = &random});
  InterfaceOptions eth0;
  eth0.index = 2;
  eth0.name = "eth0";
  eth0.mac = {{0x02, 0, 0, 0, 0, 0x01}};
  eth0.link = tap->get();
  absl::Status status = stack.AddInterface(eth0);
  if (status.ok()) status = stack.AddAddress(2, *address, {});
  if (!status.ok()) return std::fprintf(stderr, "%s\n", status.ToString().c_str()), 1;

  auto listener = stack.NewTcpSocket(address->address.family());
  const Endpoint anywhere{.address = IpAddress::Any(address->address.family()), .port = 80};
  if (listener->Bind(anywhere) != Error::kOk) return 1;
  if (listener->Listen(16) != Error::kOk) return 1;
  std::map<uint64_t, std::unique_ptr<TcpSocket>> connections;
  std::vector<RxFrame> frames;
  while (true) {
    const auto wait = std::min<Duration>(stack.NextDeadline() - clock.Now(), std::chrono::hours(1));
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
    pollfd readable{(*tap)->fd(), POLLIN, 0};
    poll(&readable, 1, static_cast<int>(std::max<int64_t>(milliseconds, 0)));
    (*tap)->ReceiveBatch(frames, 64);
    for (RxFrame& frame : frames) stack.Receive(2, std::move(frame));
    frames.clear();
    stack.RunTimers();
    for (auto accepted = listener->Accept(); accepted.ok(); accepted = listener->Accept()) {
      connections[(*accepted)->id()] = std::move(*accepted);
    }
    std::erase_if(connections, [](auto& entry) { return Serve(*entry.second); });
    stack.Flush();
  }
}
