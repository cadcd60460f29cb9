// The data path of a TCP socket: when the pump runs, and what the ends of the two streams mean.
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "sentry/abi/errno_map.h"
#include "sentry/sandbox.h"
#include "sentry/socket/reaper.h"
#include "sentry/socket/tcp_container_socket.h"

namespace moat::sentry {

using netstack::Error;
using netstack::ShutdownHow;
namespace ready = netstack::ready;

void TcpContainerSocket::OnEvents(uint32_t events) {
  constexpr uint32_t kEndBits = EPOLLHUP | EPOLLRDHUP | EPOLLERR;
  readable_ = true;
  if ((events & (kEndBits | EPOLLPRI)) != 0) end_seen_ = true;
  switch (state_) {
    case State::kFresh:
    case State::kListening:
    case State::kConnecting:
      // Before there is a connection the sentry shuts nothing down, so a hang-up is the last close.
      if ((events & EPOLLHUP) != 0) sandbox_.Remove(this);
      return;
    case State::kConnected:
      PumpOut();
      if ((events & EPOLLOUT) != 0) PumpIn();
      if ((events & EPOLLHUP) != 0 && fin_sent_) sandbox_.reaper().Suspect();
      return;
    case State::kDirect:
    case State::kDead: return;
  }
}

void TcpContainerSocket::OnStackReady(uint32_t bits) {
  switch (state_) {
    case State::kListening:
      TakeFromStack();
      sandbox_.Retry(this);
      if (state_ == State::kListening) ShowPending(-1);
      return;
    case State::kConnecting: {
      if ((bits & (ready::kError | ready::kClosed)) != 0) {
        const Error error = tcp_->TakeError();
        OnConnectFailed(error == Error::kOk ? ECONNABORTED : ToErrno(error));
        return;
      }
      if ((bits & ready::kConnected) == 0) return;
      OnConnected();
      break;
    }
    case State::kConnected: break;
    default: return;
  }
  // The state may change with every step: each looks for itself.
  if ((tcp_->Ready() & ready::kClosed) != 0) {
    const Error error = tcp_->TakeError();
    if (error != Error::kOk) {
      pending_error_ = ToErrno(error);
      reset_pending_ = true;
    }
  }
  PumpIn();
  PumpOut();
  sandbox_.Retry(this);
}

void TcpContainerSocket::DrainWritten() {
  if (state_ != State::kConnected || fin_sent_) return;
  readable_ = true;
  PumpOut();
}

void TcpContainerSocket::PumpOut() {
  if (state_ != State::kConnected || !readable_ || fin_sent_ || !end_.ok()) return;
  PumpResult result;
  do {
    result = PumpToStack(end_.get(), *tcp_, sandbox_.read_block());
    if (result.moved != 0) sandbox_.answers().Answered(answer_);
    // After a hang-up there is no further edge: read until the end itself shows.
  } while (result.stop == PumpStop::kEmpty && result.moved != 0 && end_seen_);
  switch (result.stop) {
    case PumpStop::kEmpty: readable_ = false; break;
    case PumpStop::kFull: break;  // goes on when the stack reports room
    case PumpStop::kBudget: sandbox_.Note(this); break;
    case PumpStop::kEnd: OnContainerEnd(false); break;
    case PumpStop::kReset: OnContainerEnd(true); break;
    case PumpStop::kGone: readable_ = false; break;  // the reset is on its way to the container
  }
}

// The container's stream has ended: by shutdown(2), or because the last descriptor is closed.
void TcpContainerSocket::OnContainerEnd(bool reset) {
  readable_ = false;
  fin_sent_ = true;
  if (reset) {
    // Closed with data unread, which is when TCP resets (RFC 2525 2.17).
    tcp_->Abort();
    sandbox_.Remove(this);
    return;
  }
  bool closed = !container_shut_write_;
  // Once both directions are shut down our end reports a hang-up anyway, and only the reaper knows.
  const bool ambiguous = fin_received_ || container_shut_read_;
  if (!closed && !ambiguous) {
    pollfd end = {end_.get(), 0, 0};
    closed = poll(&end, 1, 0) == 1 && (end.revents & POLLHUP) != 0;
  }
  if (!closed) {
    (void)tcp_->Shutdown(ShutdownHow::kWrite);
    sandbox_.reaper().Watch(cookie_);
    return;
  }
  if (settings_->linger && settings_->linger_seconds == 0) tcp_->Abort();
  sandbox_.Remove(this);
}

void TcpContainerSocket::PumpIn() {
  if (state_ != State::kConnected || !end_.ok()) return;
  PumpStop stop = PumpStop::kEnd;
  if (!fin_received_) {
    const PumpResult result = PumpToContainer(*tcp_, end_.get());
    if (result.moved != 0) sandbox_.answers().Delivered(answer_);
    stop = result.stop;
    WaitForRoom(stop == PumpStop::kFull);
    if (stop == PumpStop::kEnd) {
      fin_received_ = true;
      shutdown(end_.get(), SHUT_WR);
    }
  }
  if (reset_pending_ && stop != PumpStop::kFull) ShowReset();
}

void TcpContainerSocket::WaitForRoom(bool wait) {
  if (wait == waits_for_room_) return;
  waits_for_room_ = wait;
  sandbox_.loop().Modify(token_, wait ? kEvents | EPOLLOUT : kEvents);
}

// Shows the container ECONNRESET: an AF_UNIX end whose peer closes with data unread gets it. If it
// has written nothing that we have not read, a byte is written in its place.
void TcpContainerSocket::ShowReset() {
  uint8_t byte = 0;
  error_shown_ = recv(end_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0 || LeaveUnread();
  if (!error_shown_) ++sandbox_.counters().resets_plain;
  CloseEnd();
}

bool TcpContainerSocket::LeaveUnread() {
  const OwnedFd file = FindContainerEnd();
  return file.ok() && send(file.get(), "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

void TcpContainerSocket::CloseEnd() {
  sandbox_.loop().Remove(std::exchange(token_, 0));
  end_.reset();
  state_ = State::kDead;
  sandbox_.reaper().Watch(cookie_);
}

// As tcp_abort(): the peer gets a RST. The container's end shows ECONNRESET, for AF_UNIX has no
// ECONNABORTED.
int TcpContainerSocket::Destroy() {
  if (state_ == State::kConnecting) {
    OnConnectFailed(ECONNABORTED);
    return 0;
  }
  if (state_ != State::kConnected) return EOPNOTSUPP;
  tcp_->Abort();
  pending_error_ = ECONNABORTED;
  ShowReset();
  sandbox_.Retry(this);
  return 0;
}

void TcpContainerSocket::OnReaped() {
  if (state_ == State::kConnected && settings_->linger && settings_->linger_seconds == 0) {
    tcp_->Abort();
  }
}

}  // namespace moat::sentry
