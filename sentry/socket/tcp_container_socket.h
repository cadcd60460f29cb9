// A TCP socket of the container: the states it goes through and what each call does in them.
//
//   kFresh ----Connect()----> kConnecting ----> kConnected ----> kDead (reset, time-out)
//     |  \---local listener---> kDirect
//     \----Listen()----> kListening --Accept()--> (a new socket, kConnected or kDirect)
//
// kConnected: the pump moves bytes between the pair and the stack.
// kDirect:    the sentry's end has become the peer's container end; the kernel moves the bytes.
// kDead:      the connection is gone and the container was shown so; our end is closed. Also after
//             a non-blocking connect() that failed.
#ifndef MOAT_SENTRY_SOCKET_TCP_CONTAINER_SOCKET_H_
#define MOAT_SENTRY_SOCKET_TCP_CONTAINER_SOCKET_H_

#include <sys/socket.h>

#include <cstdint>
#include <deque>
#include <memory>

#include "netstack/socket/tcp_socket.h"
#include "sentry/abi/sockaddr.h"
#include "sentry/socket/answer_gauge.h"
#include "sentry/socket/container_socket.h"
#include "sentry/socket/tcp_pump.h"

namespace moat::sentry {

class TcpContainerSocket final : public ContainerSocket {
 public:
  enum class State : uint8_t { kFresh, kConnecting, kConnected, kListening, kDirect, kDead };

  // A socket fresh from socket(2); or, with `state`, one that accept() makes.
  TcpContainerSocket(Sandbox& sandbox, int domain, std::unique_ptr<netstack::TcpSocket> handle,
                     State state = State::kFresh);
  ~TcpContainerSocket() override;

  // What Sandbox::Add() watches the sentry's end for.
  static constexpr uint32_t kEvents = EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLET;

  State state() const { return state_; }
  netstack::TcpSocket* tcp() override { return tcp_.get(); }
  netstack::Family family() const {
    return domain_ == AF_INET ? netstack::Family::kIpv4 : netstack::Family::kIpv6;
  }

  Reply Bind(Call& call, std::span<const uint8_t> name) override;
  Reply Connect(Call& call, std::span<const uint8_t> name) override;
  Reply Listen(Call& call, int backlog) override;
  Reply Accept(Call& call, int flags) override;
  Reply Shutdown(Call& call, int how) override;
  ErrnoOr<std::vector<uint8_t>> Name(bool peer) override;
  Reply GetOption(Call& call, int level, int name, uint64_t value,
                  uint64_t length_address) override;
  Reply SetOption(Call& call, int level, int name, int32_t length,
                  std::span<const uint8_t> value) override;
  Reply Ioctl(Call& call, uint32_t request, uint64_t argument) override;

  bool SendIsNative(const OutgoingMessage& message) const override;
  bool ReceiveIsNative(const IncomingMessage& message) const override;
  int64_t Send(Call& call, const OutgoingMessage& message) override;
  int64_t Receive(Call& call, IncomingMessage& message) override;

  void DrainWritten() override;
  void OnStackReady(uint32_t ready) override;
  void OnEvents(uint32_t events) override;
  void OnReaped() override;
  int Destroy() override;

  // --- Used by a connecting socket of the same sandbox -------------------------------------------
  // Whether one more connection fits into the backlog: Linux takes one more than was asked for.
  bool HasBacklogRoom() const { return Waiting() <= static_cast<size_t>(backlog()); }
  // Queues a connection whose other end is `end`; the container is told.
  void OfferDirect(OwnedFd end, const netstack::Endpoint& local, const netstack::Endpoint& remote,
                   uint64_t client_cookie);

  // Of a kDirect socket, whose handle the stack does not know as connected.
  const netstack::Endpoint& direct_local() const { return direct_->local; }
  const netstack::Endpoint& direct_remote() const { return direct_->remote; }
  // Of a listener.
  size_t pending() const { return Waiting(); }
  int backlog() const { return listening_ == nullptr ? 0 : listening_->backlog; }

 private:
  // A connection that waits for accept(): one of the stack, or the end of a local client's pair, or
  // a socket that is complete already but could not be given to its acceptor.
  struct Pending {
    std::unique_ptr<netstack::TcpSocket> handle;
    OwnedFd direct_end;
    std::shared_ptr<OwnedFd> complete;
    netstack::Endpoint local;
    netstack::Endpoint remote;
    uint64_t client = 0;    // cookie of the local client
    uint64_t accepted = 0;  // cookie of the complete socket
  };

  // What only a listener has, and what only a direct connection has.
  struct Listening {
    int backlog = 0;
    int stack_backlog = 0;  // what is left of it for the stack's queue
    std::deque<Pending> pending;
  };
  struct DirectNames {
    netstack::Endpoint local;
    netstack::Endpoint remote;
  };

  AddressRules Rules() const;

  // Connecting (tcp_connect.cc).
  Reply StartConnect(Call& call, const netstack::Endpoint& remote);
  // The connect() in a send with MSG_FASTOPEN. 0: the data may follow, on the SYN when a cookie is
  // known; EAGAIN: a blocking call waits for the connection first, and comes here again. `waits`:
  // it may block.
  int BeginFastOpen(Call& call, std::span<const uint8_t> name, bool waits);
  bool SetFastOpenConnect(bool wanted);  // what it was
  void ForgetClosedListener(const netstack::Endpoint& remote);
  Reply ConnectDissolve(Call& call);
  bool TryDirect(Call& call, const netstack::Endpoint& remote, Reply* reply);
  void OnConnected();
  void OnConnectFailed(int error);
  bool RenewPair(Call& call);
  void HideWritability(int file);

  // Listening (tcp_listen.cc).
  // Connections that wait, the one that the stack still holds included.
  size_t Waiting() const {
    const size_t taken = listening_ == nullptr ? 0 : listening_->pending.size();
    return taken + ((tcp_->Ready() & netstack::ready::kReadable) != 0 ? 1 : 0);
  }
  void TakeFromStack();
  bool TakeOneFromStack();
  void ShowPending(int file);
  void StopListening();
  Reply AcceptPending(Call& call, int flags);
  std::unique_ptr<netstack::TcpSocket> ReleaseHandle();
  int MakeAccepted(Pending& pending, int flags);
  static void Discard(Sandbox& sandbox, Pending& pending);

  // The data path (tcp_data.cc).
  void PumpOut();             // container to stack
  void PumpIn();              // stack to container
  void OnContainerEnd(bool reset);
  void WaitForRoom(bool wait);
  void ShowReset();
  // Writes a byte into the container's end of the pair, for the other end to be closed with it
  // unread.
  bool LeaveUnread();
  void CloseEnd();
  void SettleError(int file);
  int64_t NativeSend(Call& call, const OutgoingMessage& message);

  std::unique_ptr<netstack::TcpSocket> tcp_;
  AnswerGauge::Mark answer_;
  State state_;
  bool readable_ = false;        // the container may have written: an edge is not repeated
  bool end_seen_ = false;        // a hang-up was reported: no further edge will come
  bool waits_for_room_ = false;  // EPOLLOUT is watched
  bool fin_received_ = false;    // the stream to the container has been ended
  bool fin_sent_ = false;        // the container's stream has ended, and the stack knows
  bool container_shut_write_ = false;  // by shutdown(2)
  bool container_shut_read_ = false;
  bool reset_pending_ = false;   // to be shown after what was received before
  bool connect_reported_ = true; // connect(2) has been told the outcome
  bool error_shown_ = false;     // the container's end holds an error in place of pending_error
  uint64_t fast_open_ = 0;       // the notification of the last send with MSG_FASTOPEN that got on
  size_t filler_ = 0;            // bytes at the head of our queue that hide writability

  size_t shown_ = 0;             // bytes in a listener's queue, one per pending connection

  std::unique_ptr<Listening> listening_;  // from the first listen(2) on
  std::unique_ptr<DirectNames> direct_;   // in kDirect
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_SOCKET_TCP_CONTAINER_SOCKET_H_
