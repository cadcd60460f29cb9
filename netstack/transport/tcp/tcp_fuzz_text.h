// How the fuzzer of connections judges. SentText: at each sequence number a host sends what the
// program wrote there, be it for the first time, again, in other pieces, or as a probe.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_TCP_FUZZ_TEXT_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_TCP_FUZZ_TEXT_H_

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <span>

#include "netstack/transport/tcp/testing/host.h"
#include "netstack/wire/seqnum.h"

namespace moat::netstack::tcp {

inline void Check(bool condition) {
  if (!condition) std::abort();
}

[[noreturn]] inline void Fail(const char* what, const SocketInfo& info) {
  std::fprintf(stderr, "%s: %s, %u octets to send\n", what, info.state.c_str(), info.send_queue);
  std::abort();
}

// --- An input's story ----------------------------------------------------------------------------

inline void TellSegment(const char* way, uint32_t seq, uint32_t ack, uint8_t flags, size_t length,
                        uint32_t window) {
  std::fprintf(stderr, "  %s flags %02x seq %u ack %u length %zu window %u\n", way, flags, seq,
               ack, length, window);
}
inline void TellCommand(const Host& host, std::span<const uint8_t> c) {
  for (const SocketInfo& info : host.Sockets()) {
    if (info.state == "LISTEN") continue;
    std::fprintf(stderr, "  %s, port %u, %u to send, id %llu\n", info.state.c_str(),
                 info.local.port, info.send_queue, static_cast<unsigned long long>(info.id));
  }
  std::fprintf(stderr, "command %u: %u %u %u %u\n", c[0] % 13, c[1], c[2], c[3], c[4]);
}

// --- The judge -----------------------------------------------------------------------------------

inline uint8_t StreamOctet(uint32_t offset) {
  return static_cast<uint8_t>(offset * 31 + (offset >> 8));
}

// Of accepted or of dialled connections: text was sent, text was sent twice, text was read, edges
// of windows were compared.
struct Judged {
  bool sent = false, repeated = false, read = false, edges = false;
};

class SentText {
 public:
  // Another connection is the program's now. `first` is where its text begins, if that is known;
  // else where its first text is.
  void Begin(std::optional<SeqNum> first) {
    first_ = first;
    written_ = seen_ = 0;
  }
  void Starts(SeqNum first) { first_ = first; }

  // What the program writes next.
  Slice Next(uint32_t size) const { return Pattern(written_, size); }
  void Wrote(uint32_t size) { written_ += size; }

  // False: it is not what was written.
  bool Sent(SeqNum seq, std::span<const uint8_t> text) {
    if (text.empty()) return true;
    if (!first_.has_value()) first_ = seq;
    const uint32_t at = seq - *first_;
    if (at > written_ || text.size() > written_ - at) return false;
    const Slice wanted = Pattern(at, text.size());
    if (!std::equal(text.begin(), text.end(), wanted.span().begin())) return false;
    repeated_ = repeated_ || at < seen_;
    seen_ = std::max(seen_, at + static_cast<uint32_t>(text.size()));
    return true;
  }
  uint32_t seen() const { return seen_; }  // octets, of this connection
  bool repeated() const { return repeated_; }  // something was sent twice

 private:
  std::optional<SeqNum> first_;
  uint32_t written_ = 0, seen_ = 0;
  bool repeated_ = false;
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_TCP_FUZZ_TEXT_H_
