// The tester's own reassembly of what the device sends in fragments.
#ifndef MOAT_CONFORM_BENCH_REASSEMBLE_H_
#define MOAT_CONFORM_BENCH_REASSEMBLE_H_

#include <vector>

#include "conform/bench/bench.h"

namespace moat::conform {

// The datagram whose fragments these are (of one identification; in any order), with a header as if
// it had not been fragmented. Fails the case, and gives an empty packet, when they do not fit
// together exactly: a gap, an overlap, no last one, a length that is no multiple of 8. One whole
// packet is given as it is.
Packet ReassembleIpv4(Bench& b, const std::vector<Packet>& fragments);
Packet ReassembleIpv6(Bench& b, const std::vector<Packet>& fragments);

}  // namespace moat::conform

#endif  // MOAT_CONFORM_BENCH_REASSEMBLE_H_
