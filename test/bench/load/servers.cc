// The servers: they echo, until they are killed.
#include <sys/epoll.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "test/bench/load/net.h"

namespace moat::bench {
namespace {

void Watch(int epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  Check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

void AcceptAll(int epoll, int listener) {
  while (true) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR) return;
      Fail("accept");
    }
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    Watch(epoll, fd);
  }
}

void Echo(int fd) {
  static std::array<char, 1 << 16> buffer;
  const ssize_t size = read(fd, buffer.data(), buffer.size());
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0 || write(fd, buffer.data(), static_cast<size_t>(size)) < 0) close(fd);
}

}  // namespace

int ServeTcp(const Address& address) {
  const int listener = ListenTcp(address);
  const int epoll = Check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  Watch(epoll, listener);
  while (true) {
    std::array<epoll_event, 256> events;
    const int count = epoll_wait(epoll, events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<size_t>(i)].data.fd;
      fd == listener ? AcceptAll(epoll, listener) : Echo(fd);
    }
  }
}

int ServeUdp(const Address& address) {
  const int fd = Socket(address.family(), SOCK_DGRAM);
  Check(bind(fd, address.get(), address.size), "bind");
  std::array<char, 1 << 16> buffer;
  while (true) {
    Address peer;
    peer.size = sizeof(peer.storage);
    const ssize_t size = recvfrom(fd, buffer.data(), buffer.size(), 0,
                                  reinterpret_cast<sockaddr*>(&peer.storage), &peer.size);
    if (size >= 0) sendto(fd, buffer.data(), static_cast<size_t>(size), 0, peer.get(), peer.size);
  }
}

}  // namespace moat::bench
