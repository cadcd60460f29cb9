// What is known about the datagrams that lie in a container's queue: each carries a 64-bit tag (as the
// uid and gid of SCM_CREDENTIALS, which only recvmsg() with a control buffer sees), and this ring
// holds the rest by tag.
//
// The queue is first in, first out, so tags come back in order; the ones that a plain read() took are
// noticed when a later one arrives. Bounded: the oldest is forgotten first.
#ifndef MOAT_SENTRY_SOCKET_ARRIVALS_H_
#define MOAT_SENTRY_SOCKET_ARRIVALS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "netstack/socket/datagram_socket.h"

namespace moat::sentry {

struct Arrival {
  netstack::Datagram datagram;  // without its payload
  int error = 0;                // not a datagram but an errno to be reported
};

class Arrivals {
 public:
  static constexpr size_t kMost = 4096;

  // Tags are never 0, and both halves are valid uids.
  uint64_t Push(Arrival arrival);
  // Takes the entry of `tag`, and drops what is older. With `peek` everything stays.
  std::optional<Arrival> Take(uint64_t tag, bool peek);
  // The last one pushed did not go out after all.
  void PopLast() { entries_.pop_back(); }
  // The queue has been seen empty.
  void Clear() { entries_.clear(); }
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    uint64_t tag;
    Arrival arrival;
  };
  std::deque<Entry> entries_;
  uint64_t next_ = 1;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_SOCKET_ARRIVALS_H_
