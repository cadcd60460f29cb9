// From a reassembly's outcome to the counters of both vocabularies.
#ifndef MOAT_NETSTACK_IP_REASSEMBLY_COUNTING_H_
#define MOAT_NETSTACK_IP_REASSEMBLY_COUNTING_H_

#include "netstack/ip/ip_state.h"
#include "netstack/ip/reassembly.h"

namespace moat::netstack {

inline void CountReassembly(IpState& state, Family family, Reassembler::Outcome outcome) {
  IpCounters& counters = state.counters(family);
  DropReason reason = DropReason::kReassemblyDuplicate;
  switch (outcome) {
    case Reassembler::Outcome::kQueued:
      return;
    case Reassembler::Outcome::kComplete:
      ++counters.reassembly_oks;
      return;
    case Reassembler::Outcome::kDuplicate:
      break;
    case Reassembler::Outcome::kOverlap:
      reason = DropReason::kReassemblyOverlap;
      ++counters.reassembly_overlaps;
      break;
    case Reassembler::Outcome::kTooBig:
      reason = DropReason::kReassemblyTooBig;
      break;
    case Reassembler::Outcome::kBadLength:
      reason = DropReason::kReassemblyBadLength;
      break;
    case Reassembler::Outcome::kTooMany:
      reason = DropReason::kReassemblyTooMany;
      break;
    case Reassembler::Outcome::kNoMemory:
      reason = DropReason::kReassemblyMemory;
      break;
    case Reassembler::Outcome::kBadEcn:
      reason = DropReason::kReassemblyEcn;
      break;
  }
  state.drops.Count(reason);
  if (outcome != Reassembler::Outcome::kDuplicate) ++counters.reassembly_fails;
}

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_REASSEMBLY_COUNTING_H_
