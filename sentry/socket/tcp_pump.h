// Moves bytes between a TCP connection of the stack and the sentry's end of a pair. Knows nothing
// of calls, states or events: each method moves what can be moved now and says why it stopped.
//
// Bytes from the container are read into 64 KiB blocks that the stack takes over without copying,
// so that large writes stay large segments; small reads are copied to a block of their size,
// because the stack keeps them until they are acknowledged.
#ifndef MOAT_SENTRY_SOCKET_TCP_PUMP_H_
#define MOAT_SENTRY_SOCKET_TCP_PUMP_H_

#include <cstddef>
#include <cstdint>

#include "netstack/packet/slice.h"
#include "netstack/socket/tcp_socket.h"

namespace moat::sentry {

// A block to read into, kept from read to read. One per sandbox: used under its lock only.
class ReadBlock {
 public:
  static constexpr size_t kSize = 64 * 1024;
  // Reads that are smaller leave the block in place.
  static constexpr size_t kCopyLimit = 16 * 1024;

  uint8_t* data();
  // The first `size` bytes of what was read, as a slice for the stack.
  netstack::Slice Take(size_t size);

 private:
  netstack::Slice block_;
};

enum class PumpStop : uint8_t {
  kEmpty,      // nothing more to move now
  kFull,       // the receiving side has no room
  kBudget,     // others shall have a turn; call again
  kEnd,        // the sending side has ended its stream, and everything has been moved
  kReset,      // the container closed with data unread (its end reports ECONNRESET)
  kGone,       // the receiving side takes no more data: what was sent is dropped
};

struct PumpResult {
  PumpStop stop;
  size_t moved = 0;
};

// Container to stack, from the non-blocking `end`.
PumpResult PumpToStack(int end, netstack::TcpSocket& tcp, ReadBlock& block);
// Stack to container.
PumpResult PumpToContainer(netstack::TcpSocket& tcp, int end);

// Reads and drops exactly `size` bytes that are known to be there; returns how many there were.
size_t DropBytes(int end, size_t size);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_SOCKET_TCP_PUMP_H_
