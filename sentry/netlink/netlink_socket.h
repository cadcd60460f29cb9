// The state of one of the container's AF_NETLINK sockets besides its pair: port, groups, options.
// Names and errors are netlink(7)'s. NETLINK_ROUTE and NETLINK_SOCK_DIAG exist: socket(2) of
// another protocol fails with EPROTONOSUPPORT, which is the caller's to say.
#ifndef MOAT_SENTRY_NETLINK_NETLINK_SOCKET_H_
#define MOAT_SENTRY_NETLINK_NETLINK_SOCKET_H_

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include "sentry/abi/errno_or.h"
#include "sentry/netlink/netlink_answer.h"

namespace moat::sentry {

// Ports in use in one sandbox, of one protocol.
class NetlinkPorts {
 public:
  // The process's number when it is free, as programs expect, else a number no process has.
  uint32_t Allocate(pid_t process);
  bool Reserve(uint32_t port);  // false: in use
  void Release(uint32_t port) { used_.erase(port); }

 private:
  std::set<uint32_t> used_;
  uint32_t next_ = 0xffffefff;
};

inline constexpr size_t kSockaddrNlSize = 12;
using SockaddrNl = std::array<uint8_t, kSockaddrNlSize>;

class NetlinkSocketState {
 public:
  // `type` is SOCK_RAW or SOCK_DGRAM, `protocol` NETLINK_*; `ports` is borrowed.
  NetlinkSocketState(int type, int protocol, NetlinkPorts& ports)
      : type_(type), protocol_(protocol), ports_(ports) {}
  ~NetlinkSocketState();
  NetlinkSocketState(const NetlinkSocketState&) = delete;
  NetlinkSocketState& operator=(const NetlinkSocketState&) = delete;

  // Each returns 0 or an errno. `process` is the caller's, for the automatic port.
  int Bind(std::span<const uint8_t> name, pid_t process);
  int Connect(std::span<const uint8_t> name, pid_t process);
  // Before a send: checks the destination (an empty `name` is the kernel) and binds if necessary.
  // ECONNREFUSED: another port than the kernel's, nobody is there.
  int PrepareSend(std::span<const uint8_t> name, pid_t process);

  SockaddrNl Name() const;          // getsockname
  static SockaddrNl KernelName();   // getpeername, and the source of every answer

  // SOL_NETLINK, and the part of SOL_SOCKET that programs set on such sockets.
  ErrnoOr<std::vector<uint8_t>> GetOption(int level, int name, int32_t length) const;
  int SetOption(int level, int name, int32_t length, std::span<const uint8_t> value);

  uint32_t port() const { return port_; }
  const NetlinkFlags& flags() const { return flags_; }
  // Whether events of RTNLGRP_* number `group` are wanted.
  bool InGroup(uint32_t group) const { return groups_.contains(group); }
  bool InAnyGroup() const { return !groups_.empty(); }
  bool pass_credentials() const { return pass_credentials_; }

 private:
  int BindPort(uint32_t port, pid_t process);

  const int type_;
  const int protocol_;
  NetlinkPorts& ports_;
  bool bound_ = false;
  uint32_t port_ = 0;
  std::set<uint32_t> groups_;
  NetlinkFlags flags_;
  uint32_t switches_ = 0;  // NETLINK_* flags without effect here, one bit each
  bool pass_credentials_ = false;
  int send_buffer_ = 212992;
  int receive_buffer_ = 212992;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_NETLINK_NETLINK_SOCKET_H_
