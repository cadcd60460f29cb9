// What a TCP transfer should reach on a path, from the literature, to judge a measured one by.
#ifndef MOAT_NETSTACK_SIM_GRID_THEORY_H_
#define MOAT_NETSTACK_SIM_GRID_THEORY_H_

#include <cstdint>

namespace moat::netstack::sim {

// Seconds, bits per second, shares of one, octets.
struct PathModel {
  double rate = 0;      // of the bottleneck, whole frames
  double rtt = 0;       // without queues
  double loss = 0;      // share of data segments that TCP takes for lost
  double window = 0;    // the largest the receiver offers; 0: no limit
  double ack_rate = 0;  // of the way back, where ACKs are what it cannot carry; 0: no limit
  double frame = 1514;  // a full frame, and the payload in it
  double payload = 1448;
  double stall = 0;  // time during which nothing can arrive, and what backing off adds to it
};

// The bottleneck's share that is payload: nobody can be faster.
double Capacity(const PathModel& path);

// Steady goodput under random loss: Padhye, Firoiu, Towsley, Kurose, "Modeling TCP Throughput"
// (1998), equation 30, which is Mathis et al. (1997) where losses are rare and has the
// retransmission timer where they are not. One ACK for two segments (b = 2); T0 is the least
// retransmission timeout of Linux, 200 ms, on top of the round trip. Bounded by Capacity(), by
// window / RTT, and by a segment for each ACK (of 66 octets) that the way back carries. CUBIC is
// never slower than this (RFC 9438 4.3, the Reno-friendly region).
double SteadyGoodput(const PathModel& path);

// Goodput of a transfer of `bytes`: the handshake, doubling from ten segments (RFC 6928, RFC
// 5681 3.1) up to what the path holds, then steady.
double TransferGoodput(const PathModel& path, uint64_t bytes);

}  // namespace moat::netstack::sim

#endif  // MOAT_NETSTACK_SIM_GRID_THEORY_H_
