// What happened in a sentry that somebody may want to know later: every limit that was hit and
// every deviation that had to be taken. Plain numbers under the sandbox's lock.
#ifndef MOAT_SENTRY_COUNTERS_H_
#define MOAT_SENTRY_COUNTERS_H_

#include <cstdint>

namespace moat::sentry {

struct SentryCounters {
  uint64_t calls = 0;              // intercepted
  uint64_t calls_continued = 0;    // left to the kernel
  uint64_t calls_parked = 0;
  uint64_t calls_stale = 0;        // the caller was gone before its call was carried out
  uint64_t answers_lost = 0;       // a signal took the call away after it was carried out
  uint64_t answers_replayed = 0;
  uint64_t sockets_created = 0;
  uint64_t sockets_refused = 0;    // limit of sockets, or out of descriptors
  uint64_t connections_direct = 0; // loopback without the stack
  uint64_t resets_plain = 0;  // a reset shown as end of stream: the container's end was not found
  uint64_t datagrams_dropped = 0;  // no room in the container's queue
  uint64_t metadata_lost = 0;      // a datagram whose source is no longer known
  uint64_t sweeps = 0;             // of the reaper
  uint64_t spins_hit = 0;          // an event arrived while spinning
  uint64_t spins_missed = 0;
  uint64_t pauses_hit = 0;         // answers gathered while the loop paused
  uint64_t pauses_missed = 0;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_COUNTERS_H_
