// One socket of the container, as the sentry knows it: the base of TCP, datagram (UDP, ping and
// raw), packet and netlink sockets.
//
// The container holds one end of an AF_UNIX pair, the sentry the other (end()). The data path
// between them is the kernel's own; the calls of the control path arrive here. Every method runs
// under the sandbox's lock. Sockets are owned by the Sandbox's table, keyed by the SO_COOKIE of the
// container's end, which the kernel never reuses and the container cannot forge.
//
// Arguments have been copied out of the container's memory, and the call has been found valid,
// before a method is called; results go back through the call's memory() or by value.
#ifndef MOAT_SENTRY_SOCKET_CONTAINER_SOCKET_H_
#define MOAT_SENTRY_SOCKET_CONTAINER_SOCKET_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/owned_fd.h"
#include "netstack/base/time.h"
#include "netstack/socket/datagram_socket.h"
#include "netstack/socket/packet_socket.h"
#include "netstack/socket/tcp_socket.h"
#include "netstack/wire/address.h"
#include "sentry/abi/errno_or.h"
#include "sentry/abi/msghdr.h"
#include "sentry/event_loop.h"
#include "sentry/intercept/call.h"
#include "sentry/intercept/reply.h"
#include "sentry/options/settings.h"

namespace moat::sentry {

class Sandbox;

// sendto, sendmsg or one message of sendmmsg.
struct OutgoingMessage {
  std::span<const uint8_t> name;     // empty: none
  const IoVectors* data = nullptr;   // in the caller's memory
  // The payload, when it was copied together with the rest (data->total bytes, in the datagram
  // block).
  std::optional<std::span<const uint8_t>> payload;
  std::span<const uint8_t> control;  // copied already
  int flags = 0;
};

// recvfrom, recvmsg or one message of recvmmsg. The socket leaves everything here for the call to
// copy out at once.
struct IncomingMessage {
  const IoVectors* data = nullptr;
  uint64_t control_capacity = 0;  // msg_controllen; 0 without a buffer
  int flags = 0;                  // MSG_* that the caller passed
  // Results.
  // At most data->total bytes; in the datagram block or in `kept`.
  std::span<const uint8_t> payload;
  netstack::Slice kept;
  std::vector<uint8_t>
      name;  // sockaddr as Linux reports it; may be longer than the caller's buffer
  std::vector<uint8_t> control;
  int result_flags = 0;           // msg_flags
  // Gives the datagram back when the answer could not be delivered; may be empty.
  std::function<void()> undo;
};

// Calls that wait for the socket; see Sandbox::Park().
struct ParkedCall;  // socket/parked_call.h

class ContainerSocket : public EventHandler, public netstack::SocketObserver {
 public:
  // `domain`, `type`, `protocol` as in socket(2) (type without flags, protocol never 0 for inet).
  ContainerSocket(Sandbox& sandbox, int domain, int type, int protocol);
  ~ContainerSocket() override;
  ContainerSocket(const ContainerSocket&) = delete;
  ContainerSocket& operator=(const ContainerSocket&) = delete;

  int domain() const { return domain_; }
  int type() const { return type_; }
  int protocol() const { return protocol_; }
  uint64_t cookie() const { return cookie_; }
  // The inode of the container's end, as /proc/PID/fd shows it; 0 until somebody asked and set it.
  uint32_t inode() const { return inode_; }
  void set_inode(uint32_t inode) { inode_ = inode; }
  pid_t hint_process() const { return hint_process_; }
  Sandbox& sandbox() const { return sandbox_; }
  const SocketSettings& settings() const { return *settings_; }
  // Sockets of equal settings mostly share them: few programs set options on every connection.
  void SetSettings(const SocketSettings& settings);
  // An error that the sentry holds rather than the stack.
  int& pending_error() { return pending_error_; }

  // The protocol's handle; null when the socket is of another kind.
  virtual netstack::TcpSocket* tcp() { return nullptr; }
  virtual netstack::DatagramSocket* datagram() { return nullptr; }
  virtual netstack::PacketSocket* packet() { return nullptr; }

  // --- Control calls ---------------------------------------------------------------------------
  // `name` is what the caller passed: at most kMaxSockaddr bytes.
  virtual Reply Bind(Call& call, std::span<const uint8_t> name);
  virtual Reply Connect(Call& call, std::span<const uint8_t> name);
  virtual Reply Listen(Call& call, int backlog);
  // Arguments 1 and 2 of the call are the caller's address buffer; `flags` as accept4(2).
  virtual Reply Accept(Call& call, int flags);
  virtual Reply Shutdown(Call& call, int how);
  // The full address, which the call truncates to the caller's buffer. ENOTCONN and friends.
  virtual ErrnoOr<std::vector<uint8_t>> Name(bool peer);
  // Everything about (level, name). GetOption() reads and writes *optlen itself; SetOption() is
  // given at most kMaxOptionInput bytes of `length`.
  virtual Reply GetOption(Call& call, int level, int name, uint64_t value, uint64_t length_address);
  virtual Reply SetOption(Call& call, int level, int name, int32_t length,
                          std::span<const uint8_t> value);
  // `argument` is the third register.
  virtual Reply Ioctl(Call& call, uint32_t request, uint64_t argument);

  // --- Messages --------------------------------------------------------------------------------
  // Whether the kernel's own call on the container's end does the right thing for this message.
  virtual bool SendIsNative(const OutgoingMessage& message) const { return false; }
  virtual bool ReceiveIsNative(const IncomingMessage& message) const { return false; }
  // Bytes transferred, or a negated errno; -EAGAIN parks a blocking call. Never blocks. Receive()
  // returns what the call is to return, which with MSG_TRUNC is more than the payload.
  virtual int64_t Send(Call& call, const OutgoingMessage& message);
  virtual int64_t Receive(Call& call, IncomingMessage& message);

  // --- Events ----------------------------------------------------------------------------------
  // Everything the container wrote before now has been taken over, so that a control call acts
  // after it. Cheap when nothing is there.
  virtual void DrainWritten() {}
  // Readiness noted by OnReady(), acted upon in the same lock hold: see Sandbox::Settle().
  virtual void OnStackReady(uint32_t ready) {}
  // All descriptors of the container's end are known to be gone (found by the reaper, where the
  // sentry's own end cannot show it). The socket is destroyed afterwards.
  virtual void OnReaped() {}
  // SOCK_DESTROY of sock_diag(7): ends a connection for everybody who holds it. 0 or an errno.
  virtual int Destroy();

  // Makes the pair (SOCK_STREAM, or SOCK_SEQPACKET for every other type): keeps the sentry's end,
  // notes the cookie and returns the container's. Before the socket is given to Sandbox::Add().
  ErrnoOr<OwnedFd> CreatePair(bool nonblocking);
  // Where a call has shown the container's end to be.
  void SetHint(pid_t process, int descriptor) {
    hint_process_ = process;
    hint_descriptor_ = descriptor;
  }
  // A duplicate of the container's end outside of a call, if it still is where it was last seen.
  OwnedFd FindContainerEnd();

  // netstack::SocketObserver: takes a note and queues the socket for Settle().
  void OnReady(uint32_t newly_ready) final;

  // The sentry's end; -1 when it has been closed or given away (direct loopback).
  int end() const { return end_.get(); }

 protected:
  friend class Sandbox;

  // Whether the call with this notification is parked here, and its caller has not been taken away.
  bool StillWaits(uint64_t notification) const;

  Sandbox& sandbox_;
  const int domain_;
  const int type_;
  const int protocol_;
  uint32_t inode_ = 0;
  uint64_t cookie_ = 0;
  OwnedFd end_;
  EventLoop::Token token_ = 0;
  std::shared_ptr<const SocketSettings> settings_;  // never null
  int pending_error_ = 0;
  // Where the container's end was last seen: a hint, verified by its cookie before use.
  pid_t hint_process_ = 0;
  int hint_descriptor_ = -1;

 private:
  uint32_t noted_ = 0;      // bits of OnReady() since the last OnStackReady()
  bool queued_ = false;     // in Sandbox's list of noted sockets
  bool dead_ = false;       // in Sandbox's graveyard
  std::vector<std::unique_ptr<ParkedCall>> parked_;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_SOCKET_CONTAINER_SOCKET_H_
