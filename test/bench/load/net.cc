#include "test/bench/load/net.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace moat::bench {

void Fail(const std::string& what) {
  std::fprintf(stderr, "load: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

int Check(int result, const char* what) {
  if (result < 0) Fail(what);
  return result;
}

Address ParseAddress(const std::string& host, const std::string& port) {
  Address address;
  const uint16_t number = htons(static_cast<uint16_t>(std::atoi(port.c_str())));
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = number;
    address.size = sizeof(*v4);
  } else if (inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = number;
    address.size = sizeof(*v6);
  } else {
    errno = EINVAL;
    Fail("not an address: " + host);
  }
  return address;
}

int Socket(int family, int type) { return Check(socket(family, type | SOCK_CLOEXEC, 0), "socket"); }

int ConnectTcp(const Address& address) {
  const int fd = Socket(address.family(), SOCK_STREAM);
  Check(connect(fd, address.get(), address.size), "connect");
  const int one = 1;
  Check(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), "TCP_NODELAY");
  return fd;
}

int ListenTcp(const Address& address) {
  const int fd = Socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK);
  const int one = 1;
  Check(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), "SO_REUSEADDR");
  Check(bind(fd, address.get(), address.size), "bind");
  Check(listen(fd, 4096), "listen");
  return fd;
}

void SetReceiveTimeout(int fd, int milliseconds) {
  const timeval timeout{milliseconds / 1000, (milliseconds % 1000) * 1000};
  Check(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)), "SO_RCVTIMEO");
}

double Now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double Percentile(std::vector<double>& samples, double percent) {
  if (samples.empty()) return 0;
  std::sort(samples.begin(), samples.end());
  const size_t index = static_cast<size_t>(percent / 100 * static_cast<double>(samples.size()));
  return samples[std::min(index, samples.size() - 1)];
}

}  // namespace moat::bench
