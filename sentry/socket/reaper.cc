#include "sentry/socket/reaper.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "sentry/sandbox.h"

namespace moat::sentry {
namespace {

constexpr size_t kFirstSweep = 256;
constexpr netstack::Duration kShortest = std::chrono::seconds(1);
constexpr netstack::Duration kLongest = std::chrono::seconds(30);
constexpr netstack::Duration kSoon = std::chrono::milliseconds(100);
constexpr size_t kReplySize = 32 * 1024;

struct DumpRequest {
  nlmsghdr header;
  unix_diag_req request;
};

bool SendDumpRequest(int fd) {
  DumpRequest dump{};
  dump.header.nlmsg_len = sizeof(dump);
  dump.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  dump.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  dump.request.sdiag_family = AF_UNIX;
  dump.request.udiag_states = ~0u;
  return send(fd, &dump, sizeof(dump), 0) == static_cast<ssize_t>(sizeof(dump));
}

}  // namespace

Reaper::Reaper(Sandbox& sandbox)
    : sandbox_(sandbox),
      // Opened at once: later there may be no privilege to open anything.
      diag_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)),
      sweep_at_(kFirstSweep),
      interval_(kShortest),
      timer_(sandbox.timers(), netstack::MemberTimer<&Reaper::OnTimer>, this) {}

void Reaper::Watch(uint64_t cookie) {
  watched_.insert(cookie);
  if (watched_.size() >= sweep_at_) {
    Schedule(netstack::Duration(0));
  } else {
    interval_ = kShortest;
    Schedule(interval_);
  }
}

void Reaper::Suspect() { Schedule(kSoon); }

void Reaper::Schedule(netstack::Duration delay) {
  const netstack::Time at = sandbox_.clock().Now() + delay;
  if (!timer_.armed() || timer_.deadline() > at) timer_.Arm(at);
}

void Reaper::Sweep() {
  timer_.Cancel();
  if (watched_.empty()) return;
  ++sandbox_.counters().sweeps;
  absl::flat_hash_set<uint64_t> living;
  if (!ListLiving(&living)) {
    Schedule(kLongest);
    return;
  }
  std::vector<uint64_t> gone;
  for (uint64_t cookie : watched_) {
    if (!living.contains(cookie)) gone.push_back(cookie);
  }
  // A dump may skip a socket while others come and go; one that is missing twice is gone.
  if (!gone.empty()) {
    if (!ListLiving(&living)) gone.clear();
    std::erase_if(gone, [&](uint64_t cookie) { return living.contains(cookie); });
  }
  for (uint64_t cookie : gone) {
    watched_.erase(cookie);
    ContainerSocket* socket = sandbox_.Find(cookie);
    if (socket == nullptr) continue;
    socket->OnReaped();
    sandbox_.Remove(socket);
  }
  sweep_at_ = std::max(kFirstSweep, 2 * watched_.size());
  interval_ = gone.empty() ? std::min(2 * interval_, kLongest) : kShortest;
  if (!watched_.empty()) Schedule(interval_);
}

bool Reaper::ListLiving(absl::flat_hash_set<uint64_t>* living) {
  return ForEachUnixSocket([living](uint64_t cookie, uint32_t) { living->insert(cookie); });
}

bool Reaper::ForEachUnixSocket(absl::FunctionRef<void(uint64_t cookie, uint32_t inode)> visit) {
  if (!diag_.ok() || !SendDumpRequest(diag_.get())) return false;
  std::vector<uint8_t> reply(kReplySize);
  for (;;) {
    const ssize_t size = recv(diag_.get(), reply.data(), reply.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return false;
    size_t left = static_cast<size_t>(size);
    const auto* header = reinterpret_cast<const nlmsghdr*>(reply.data());
    for (; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
      if (header->nlmsg_type == NLMSG_DONE) return true;
      if (header->nlmsg_type == NLMSG_ERROR) return false;
      if (header->nlmsg_len < NLMSG_LENGTH(sizeof(unix_diag_msg))) continue;
      unix_diag_msg message;
      std::memcpy(&message, NLMSG_DATA(header), sizeof(message));
      visit(message.udiag_cookie[0] | static_cast<uint64_t>(message.udiag_cookie[1]) << 32,
            message.udiag_ino);
    }
  }
}

}  // namespace moat::sentry
