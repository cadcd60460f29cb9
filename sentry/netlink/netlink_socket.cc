#include "sentry/netlink/netlink_socket.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "sentry/abi/bytes.h"

namespace moat::sentry {
namespace {

constexpr size_t kPortOffset = 4;
constexpr size_t kGroupsOffset = 8;
constexpr uint32_t kMaxGroup = RTNLGRP_MAX;
constexpr int kMinBuffer = 2304;
constexpr int kMaxBuffer = 212992;

struct Parsed {
  uint32_t port;
  uint32_t groups;
};

ErrnoOr<Parsed> Parse(std::span<const uint8_t> name) {
  if (name.size() < kSockaddrNlSize) return Errno{EINVAL};
  if (LoadAt<uint16_t>(name, 0) != AF_NETLINK) return Errno{EINVAL};
  return Parsed{LoadAt<uint32_t>(name, kPortOffset), LoadAt<uint32_t>(name, kGroupsOffset)};
}

std::vector<uint8_t> Cut(std::span<const uint8_t> value, int32_t length) {
  const size_t size = std::min(value.size(), static_cast<size_t>(length));
  return {value.begin(), value.begin() + static_cast<ptrdiff_t>(size)};
}

ErrnoOr<std::vector<uint8_t>> Int(int value, int32_t length) { return Cut(BytesOf(value), length); }

// Options that are a switch, by number.
constexpr bool IsSwitch(int name) {
  return name == NETLINK_PKTINFO || name == NETLINK_BROADCAST_ERROR ||
         name == NETLINK_NO_ENOBUFS || name == NETLINK_EXT_ACK;
}

}  // namespace

uint32_t NetlinkPorts::Allocate(pid_t process) {
  const auto wanted = static_cast<uint32_t>(process);
  if (wanted != 0 && Reserve(wanted)) return wanted;
  while (!Reserve(next_)) --next_;
  return next_--;
}

bool NetlinkPorts::Reserve(uint32_t port) { return used_.insert(port).second; }

NetlinkSocketState::~NetlinkSocketState() {
  if (bound_) ports_.Release(port_);
}

int NetlinkSocketState::BindPort(uint32_t port, pid_t process) {
  if (bound_) return port == 0 || port == port_ ? 0 : EINVAL;
  if (port == 0) {
    port_ = ports_.Allocate(process);
  } else {
    if (!ports_.Reserve(port)) return EADDRINUSE;
    port_ = port;
  }
  bound_ = true;
  return 0;
}

int NetlinkSocketState::Bind(std::span<const uint8_t> name, pid_t process) {
  const auto parsed = Parse(name);
  if (!parsed.ok()) return parsed.error();
  if (bound_ && parsed->port != port_) return EINVAL;
  if (int error = BindPort(parsed->port, process); error != 0) return error;
  // The mask is the first 32 groups; those beyond come by NETLINK_ADD_MEMBERSHIP and stay.
  for (uint32_t group = 1; group <= 32; ++group) {
    if ((parsed->groups >> (group - 1) & 1) != 0) {
      groups_.insert(group);
    } else {
      groups_.erase(group);
    }
  }
  return 0;
}

int NetlinkSocketState::Connect(std::span<const uint8_t> name, pid_t process) {
  if (name.size() < sizeof(uint16_t)) return EINVAL;
  if (LoadAt<uint16_t>(name, 0) == AF_UNSPEC) return 0;
  const auto parsed = Parse(name);
  if (!parsed.ok()) return parsed.error();
  if (parsed->port != 0 || parsed->groups != 0) return ECONNREFUSED;
  return BindPort(0, process);
}

int NetlinkSocketState::PrepareSend(std::span<const uint8_t> name, pid_t process) {
  if (!name.empty()) {
    const auto parsed = Parse(name);
    if (!parsed.ok()) return parsed.error();
    if (parsed->port != 0 || parsed->groups != 0) return ECONNREFUSED;
  }
  return BindPort(0, process);
}

SockaddrNl NetlinkSocketState::Name() const {
  SockaddrNl name = KernelName();
  StoreAt(name, kPortOffset, port_);
  uint32_t mask = 0;
  for (uint32_t group : groups_) {
    if (group <= 32) mask |= 1u << (group - 1);
  }
  StoreAt(name, kGroupsOffset, mask);
  return name;
}

SockaddrNl NetlinkSocketState::KernelName() {
  SockaddrNl name{};
  StoreAt<uint16_t>(name, 0, AF_NETLINK);
  return name;
}

ErrnoOr<std::vector<uint8_t>> NetlinkSocketState::GetOption(int level, int name,
                                                            int32_t length) const {
  if (length < 0) return Errno{EINVAL};
  if (level == SOL_SOCKET) {
    switch (name) {
      case SO_TYPE: return Int(type_, length);
      case SO_DOMAIN: return Int(AF_NETLINK, length);
      case SO_PROTOCOL: return Int(protocol_, length);
      case SO_ERROR: return Int(0, length);
      case SO_ACCEPTCONN: return Int(0, length);
      case SO_SNDBUF: return Int(send_buffer_, length);
      case SO_RCVBUF: return Int(receive_buffer_, length);
      case SO_PASSCRED: return Int(pass_credentials_ ? 1 : 0, length);
      default: return Errno{ENOPROTOOPT};
    }
  }
  if (level != SOL_NETLINK) return Errno{ENOPROTOOPT};
  if (name == NETLINK_LIST_MEMBERSHIPS) {
    std::array<uint32_t, (kMaxGroup + 31) / 32> mask{};
    for (uint32_t group : groups_) mask[(group - 1) / 32] |= 1u << ((group - 1) % 32);
    return Cut(BytesOf(mask), length);
  }
  const bool known = IsSwitch(name) || name == NETLINK_CAP_ACK || name == NETLINK_GET_STRICT_CHK;
  if (!known) return Errno{ENOPROTOOPT};
  if (length < static_cast<int32_t>(sizeof(int))) return Errno{EINVAL};
  if (name == NETLINK_CAP_ACK) return Int(flags_.cap_ack ? 1 : 0, sizeof(int));
  if (name == NETLINK_GET_STRICT_CHK) return Int(flags_.strict_check ? 1 : 0, sizeof(int));
  return Int((switches_ >> name & 1) != 0 ? 1 : 0, sizeof(int));
}

int NetlinkSocketState::SetOption(int level, int name, int32_t length,
                                  std::span<const uint8_t> value) {
  if (level != SOL_NETLINK && level != SOL_SOCKET) return ENOPROTOOPT;
  int number = 0;
  if (length >= static_cast<int32_t>(sizeof(int))) {
    if (value.size() < sizeof(int)) return EFAULT;
    number = LoadAt<int>(value, 0);
  } else if (level == SOL_SOCKET || length < 0) {
    return EINVAL;
  }
  if (level == SOL_SOCKET) {
    const int doubled = std::max(std::clamp(number, 0, kMaxBuffer) * 2, kMinBuffer);
    switch (name) {
      case SO_SNDBUF: send_buffer_ = doubled; return 0;
      case SO_RCVBUF: receive_buffer_ = doubled; return 0;
      case SO_PASSCRED: pass_credentials_ = number != 0; return 0;
      // Without meaning for answers that come at once: timestamps, priorities, filters.
      case SO_SNDTIMEO: case SO_RCVTIMEO: case SO_TIMESTAMP: case SO_PRIORITY: return 0;
      case SO_SNDBUFFORCE: case SO_RCVBUFFORCE: return EPERM;
      default: return ENOPROTOOPT;
    }
  }
  switch (name) {
    case NETLINK_ADD_MEMBERSHIP:
    case NETLINK_DROP_MEMBERSHIP: {
      const auto group = static_cast<uint32_t>(number);
      if (group == 0 || group > kMaxGroup) return EINVAL;
      if (name == NETLINK_ADD_MEMBERSHIP) {
        groups_.insert(group);
      } else {
        groups_.erase(group);
      }
      return 0;
    }
    case NETLINK_CAP_ACK: flags_.cap_ack = number != 0; return 0;
    case NETLINK_GET_STRICT_CHK: flags_.strict_check = number != 0; return 0;
    case NETLINK_LISTEN_ALL_NSID: return EPERM;
    default: break;
  }
  if (!IsSwitch(name)) return ENOPROTOOPT;
  switches_ = number != 0 ? switches_ | 1u << name : switches_ & ~(1u << name);
  return 0;
}

}  // namespace moat::sentry
