// Everything that passed the cable during a case, for reports and captures.
#ifndef MOAT_CONFORM_BENCH_TRACE_H_
#define MOAT_CONFORM_BENCH_TRACE_H_

#include <string>
#include <utility>
#include <vector>

#include "conform/wire/packet.h"

namespace moat::conform {

class Trace {
 public:
  struct Entry {
    bool sent = false;  // by the tester
    Packet packet;
  };

  void Add(bool sent, Packet packet) { entries_.push_back({sent, std::move(packet)}); }
  const std::vector<Entry>& entries() const { return entries_; }
  // The last `most` as lines: "  0.000 > arp ...".
  std::string Format(size_t most) const;
  // A pcap file (nanoseconds, Ethernet) of the frames.
  Bytes Pcap() const;

 private:
  std::vector<Entry> entries_;
};

}  // namespace moat::conform

#endif  // MOAT_CONFORM_BENCH_TRACE_H_
