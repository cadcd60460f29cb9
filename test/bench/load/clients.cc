// The clients: each measures one thing for a given time and prints one line of JSON.
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <vector>

#include "test/bench/load/net.h"

namespace moat::bench {

int PingPong(const Address& address, double seconds, size_t bytes) {
  const int fd = ConnectTcp(address);
  std::vector<char> buffer(bytes, 'x');
  std::vector<double> samples;
  samples.reserve(1 << 20);
  const double begin = Now();
  double last = begin;
  while (last < begin + seconds) {
    Check(static_cast<int>(write(fd, buffer.data(), bytes)), "write");
    for (size_t got = 0; got < bytes;) {
      const ssize_t size = read(fd, buffer.data(), bytes - got);
      if (size <= 0) Fail("read");
      got += static_cast<size_t>(size);
    }
    const double now = Now();
    samples.push_back((now - last) * 1e6);
    last = now;
  }
  const double mean = (last - begin) * 1e6 / static_cast<double>(samples.size());
  const double median = Percentile(samples, 50);
  std::printf("{\"mean_us\": %.3f, \"median_us\": %.3f, \"p99_us\": %.3f, \"count\": %zu}\n", mean,
              median, Percentile(samples, 99), samples.size());
  return 0;
}

namespace {

// One connection of ConnectionRate(): connect, one byte there and back, close.
struct Attempt {
  int fd = -1;
  bool sent = false;
};

void Start(int epoll, const Address& address, Attempt& attempt) {
  attempt.fd = Socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK);
  attempt.sent = false;
  if (connect(attempt.fd, address.get(), address.size) != 0 && errno != EINPROGRESS)
    Fail("connect");
  epoll_event event{};
  event.events = EPOLLOUT;
  event.data.ptr = &attempt;
  Check(epoll_ctl(epoll, EPOLL_CTL_ADD, attempt.fd, &event), "epoll_ctl");
}

// True when the connection has done its work.
bool Advance(int epoll, Attempt& attempt) {
  char byte = 'x';
  if (!attempt.sent) {
    Check(static_cast<int>(write(attempt.fd, &byte, 1)), "write on a new connection");
    attempt.sent = true;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &attempt;
    Check(epoll_ctl(epoll, EPOLL_CTL_MOD, attempt.fd, &event), "epoll_ctl");
    return false;
  }
  const ssize_t size = read(attempt.fd, &byte, 1);
  if (size < 0 && errno == EAGAIN) return false;
  if (size != 1) Fail("read");
  close(attempt.fd);
  return true;
}

}  // namespace

int ConnectionRate(const Address& address, double seconds, int concurrency) {
  const int epoll = Check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  std::vector<Attempt> attempts(static_cast<size_t>(concurrency));
  for (Attempt& attempt : attempts) Start(epoll, address, attempt);
  uint64_t done = 0;
  const double begin = Now();
  double now = begin;
  while (now < begin + seconds || done == 0) {
    std::array<epoll_event, 64> events;
    const int count = epoll_wait(epoll, events.data(), events.size(), 5000);
    if (count == 0) {
      errno = ETIMEDOUT;
      Fail("no connection made progress for five seconds");
    }
    for (int i = 0; i < count; ++i) {
      auto& attempt = *static_cast<Attempt*>(events[static_cast<size_t>(i)].data.ptr);
      if (!Advance(epoll, attempt)) continue;
      ++done;
      Start(epoll, address, attempt);
    }
    now = Now();
  }
  std::printf("{\"per_second\": %.1f, \"count\": %lu}\n", static_cast<double>(done) / (now - begin),
              done);
  return 0;
}

int UdpRequests(const Address& address, double seconds, int concurrency) {
  const int fd = Socket(address.family(), SOCK_DGRAM);
  Check(connect(fd, address.get(), address.size), "connect");
  SetReceiveTimeout(fd, 100);
  std::array<char, 64> request{};
  std::array<char, 2048> reply;
  const auto send_one = [&] {
    if (send(fd, request.data(), request.size(), 0) < 0 && errno != ECONNREFUSED) Fail("send");
  };
  for (int i = 0; i < concurrency; ++i) send_one();
  uint64_t done = 0, lost = 0;
  const double begin = Now();
  double now = begin;
  while (now < begin + seconds) {
    if (recv(fd, reply.data(), reply.size(), 0) < 0) {
      // All that was under way is lost (or the server is not there yet): start over.
      lost += static_cast<uint64_t>(concurrency);
      for (int i = 0; i < concurrency; ++i) send_one();
    } else {
      ++done;
      send_one();
    }
    now = Now();
  }
  std::printf("{\"per_second\": %.1f, \"count\": %lu, \"lost\": %lu}\n",
              static_cast<double>(done) / (now - begin), done, lost);
  return done == 0 ? 1 : 0;
}

namespace {

int PrintRate(uint64_t bytes, double seconds) {
  std::printf("{\"gbit_per_second\": %.3f}\n", static_cast<double>(bytes) * 8e-9 / seconds);
  return 0;
}

}  // namespace

int SendStream(const Address& address, double seconds) {
  const int fd = ConnectTcp(address);
  const std::vector<char> block(1 << 17, 'x');
  uint64_t bytes = 0;
  const double begin = Now();
  while (Now() < begin + seconds) {
    bytes += static_cast<uint64_t>(
        Check(static_cast<int>(write(fd, block.data(), block.size())), "write"));
  }
  return PrintRate(bytes, Now() - begin);
}

int ReceiveStream(const Address& address, double seconds) {
  const int fd = ConnectTcp(address);
  SetReceiveTimeout(fd, 5000);
  std::vector<char> block(1 << 17);
  uint64_t bytes = 0;
  const double begin = Now();
  while (Now() < begin + seconds) {
    const ssize_t size = read(fd, block.data(), block.size());
    if (size <= 0) Fail("read");
    bytes += static_cast<uint64_t>(size);
  }
  return PrintRate(bytes, Now() - begin);
}

// Opens `count` connections, checks each with one byte, says "ready", and holds them until its
// input ends.
int IdleConnections(const Address& address, int count) {
  for (int i = 0; i < count; ++i) {
    const int fd = ConnectTcp(address);
    SetReceiveTimeout(fd, 10000);
    char byte = 'x';
    Check(static_cast<int>(write(fd, &byte, 1)), "write");
    if (read(fd, &byte, 1) != 1) Fail("read");
  }
  std::printf("ready\n");
  std::fflush(stdout);
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  return 0;
}

}  // namespace moat::bench
