#include "sentry/calls/server.h"

#include <errno.h>
#include <sys/syscall.h>

#include "sentry/calls/handlers.h"

namespace moat::sentry {
namespace {

using Handler = Reply (*)(ContainerSocket& socket, Call& call);

struct Row {
  int number;
  Handler handler;
  // Whether bytes that the container wrote before must have been taken over first.
  bool ordered;
};

constexpr Row kRows[] = {
    {SYS_accept4, ServeAccept4, false},         {SYS_recvmsg, ServeRecvMsg, false},
    {SYS_sendmsg, ServeSendMsg, false},         {SYS_sendto, ServeSendTo, true},
    {SYS_recvfrom, ServeRecvFrom, false},       {SYS_setsockopt, ServeSetSockOpt, true},
    {SYS_getsockopt, ServeGetSockOpt, true},    {SYS_ioctl, ServeIoctl, true},
    {SYS_shutdown, ServeShutdown, true},        {SYS_connect, ServeConnect, true},
    {SYS_getsockname, ServeGetSockName, false}, {SYS_getpeername, ServeGetPeerName, false},
    {SYS_bind, ServeBind, false},               {SYS_listen, ServeListen, false},
    {SYS_accept, ServeAccept, false},           {SYS_sendmmsg, ServeSendMMsg, false},
    {SYS_recvmmsg, ServeRecvMMsg, false},
};

const Row* FindRow(int number) {
  for (const Row& row : kRows) {
    if (row.number == number) return &row;
  }
  return nullptr;
}

// Looks up the descriptor in argument 0 in the caller's table. On success call.socket() may still
// be null: then the file is none of ours.
int Identify(Sandbox& sandbox, Call& call) {
  ProcessTable& processes = sandbox.processes();
  const int descriptor = call.int_argument(0);
  pid_t process = processes.ProcessOf(call.tid());
  if (process == 0) return ESRCH;
  auto file = processes.Duplicate(process, descriptor);
  if (!file.ok() && file.error() == ESRCH) {
    process =
        processes.ProcessOf(call.tid());  // the number was reused for a thread of another process
    if (process == 0) return ESRCH;
    file = processes.Duplicate(process, descriptor);
  }
  if (!file.ok() && file.error() == EBADF && process != call.tid()) {
    file = ProcessTable::DuplicateOfThread(call.tid(), descriptor);
  }
  if (!file.ok()) return file.error();
  call.set_file(std::move(*file));
  const uint64_t cookie = SocketCookie(call.file());
  ContainerSocket* socket = cookie == 0 ? nullptr : sandbox.Find(cookie);
  call.set_socket(socket);
  if (socket != nullptr) socket->SetHint(process, descriptor);
  return 0;
}

}  // namespace

Reply ServeCall(Sandbox& sandbox, Call& call) {
  if (call.number() == SYS_socket) return ServeSocket(sandbox, call);
  const Row* row = FindRow(call.number());
  if (row == nullptr) return Reply::Fail(ENOSYS);
  const int error = Identify(sandbox, call);
  if (error == ESRCH) {
    ++sandbox.counters().calls_stale;
    return Reply::Nobody();
  }
  if (error != 0) return Reply::Fail(error);
  if (call.socket() == nullptr) {
    // A socket of another family, or no socket at all. The container may put another file in its
    // place before the kernel looks again, but every file within its reach is its own: at worst the
    // end of one of our pairs, on which a native call cannot do more than write(2) could.
    ++sandbox.counters().calls_continued;
    return Reply::Continue();
  }
  if (row->ordered) call.socket()->DrainWritten();
  return row->handler(*call.socket(), call);
}

}  // namespace moat::sentry
