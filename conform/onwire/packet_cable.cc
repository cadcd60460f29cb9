#include "conform/onwire/packet_cable.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace moat::conform {
namespace {

constexpr int kReceiveBuffer = 8 << 20;
constexpr int kSendRetries = 100;

Duration ToDuration(const timespec& t) {
  return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

Duration WallClock() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return ToDuration(now);
}

}  // namespace

PacketCable::PacketCable() : start_(WallClock()) {}

PacketCable::~PacketCable() {
  for (const int fd : fds_) {
    if (fd >= 0) close(fd);
  }
}

absl::Status PacketCable::Attach(int port, const std::string& interface) {
  const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return absl::ErrnoToStatus(errno, "cannot open a packet socket");
  fds_[port] = fd;
  const int on = 1;
  setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof(kReceiveBuffer));
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) < 0) {
    return absl::ErrnoToStatus(errno, "cannot bind to " + interface);
  }
  return absl::OkStatus();
}

void PacketCable::Restart() {
  for (int port : {0, 1}) {
    while (Take(port).has_value()) {
    }
  }
  start_ = WallClock();
}

Duration PacketCable::Now() const { return WallClock() - start_; }

void PacketCable::Send(int port, const Bytes& frame) {
  if (fds_[port] < 0) return;
  for (int i = 0; i < kSendRetries; ++i) {
    if (send(fds_[port], frame.data(), frame.size(), 0) >= 0) return;
    if (errno != ENOBUFS && errno != EAGAIN) return;
    pollfd writable{fds_[port], POLLOUT, 0};
    poll(&writable, 1, 1);
  }
}

std::optional<SeenFrame> PacketCable::Take(int port) {
  if (fds_[port] < 0) return std::nullopt;
  uint8_t frame[65600];
  char control[128];
  iovec piece{frame, sizeof(frame)};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const ssize_t n = recvmsg(fds_[port], &message, 0);
  if (n <= 0) return std::nullopt;
  SeenFrame seen{port, Now(), Bytes(frame, frame + n)};
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS) continue;
    seen.time = ToDuration(*reinterpret_cast<timespec*>(CMSG_DATA(c))) - start_;
  }
  return seen;
}

std::optional<SeenFrame> PacketCable::Receive(Duration deadline) {
  while (true) {
    for (int port : {0, 1}) {
      if (std::optional<SeenFrame> seen = Take(port); seen.has_value()) return seen;
    }
    const Duration left = deadline - Now();
    if (left <= Duration(0)) return std::nullopt;
    pollfd readable[2] = {{fds_[0], POLLIN, 0}, {fds_[1], POLLIN, 0}};  // -1 is left out
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    const timespec timeout{seconds.count(), (left - seconds).count()};
    ppoll(readable, 2, &timeout, nullptr);
  }
}

}  // namespace moat::conform
