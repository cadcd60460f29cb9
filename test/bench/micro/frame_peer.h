// The host at the other end of a Subject's link. It has no stack: it makes the frames of
// well-behaved peers and notes what comes back, which costs the same whatever the subject is.
#ifndef MOAT_TEST_BENCH_MICRO_FRAME_PEER_H_
#define MOAT_TEST_BENCH_MICRO_FRAME_PEER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "netstack/wire/seqnum.h"
#include "test/bench/micro/subject.h"

namespace moat::bench {

inline constexpr size_t kMss = kMtu - 40;

class FramePeer final : public FrameSink {
 public:
  // One end of a TCP connection, as far as a peer needs it that nothing ever happens to.
  struct Flow {
    netstack::IpAddress address;
    uint16_t port = 0;
    uint16_t subject_port = 0;
    netstack::SeqNum next;      // SND.NXT
    netstack::SeqNum expected;  // RCV.NXT
  };

  // Makes itself known to the subject by ARP.
  explicit FramePeer(Subject& subject);

  // --- UDP and ICMP: `size` octets of payload, from one address and port -------------------------
  void SendUdp(uint16_t port, size_t size);
  void SendPing(size_t size);

  // --- TCP ---------------------------------------------------------------------------------------
  // The handshake. Each connection comes from a port of its own, or from another address.
  Flow Open(uint16_t subject_port);
  // FINs of both sides, and the last ACK.
  void Close(Flow& flow);
  // One segment with `size` octets that acknowledges all that came. Call Settle() before its
  // effects count.
  void SendSegment(Flow& flow, size_t size);
  // Settles the subject, answers its ARP requests, and takes what it sent last as of `flow`.
  void Settle(Flow& flow);
  void Settle();

  // Of TCP, UDP and ICMP.
  uint64_t frames() const { return frames_; }
  uint64_t payload() const { return payload_; }  // TCP text only

  void OnFrame(std::span<const uint8_t> frame) override;

 private:
  struct Last {
    bool any = false;
    uint8_t flags = 0;
    netstack::SeqNum end;  // SEG.SEQ + SEG.LEN
  };

  void SendIp(const netstack::IpAddress& source, uint8_t protocol, size_t size);
  void SendTcp(const Flow& flow, uint8_t flags, size_t size);
  void SendArp(bool request);
  void OnTcp(std::span<const uint8_t> segment);

  Subject& subject_;
  std::array<uint8_t, kMtu + 14> frame_{};
  uint32_t opened_ = 0;
  bool asked_ = false;
  Last last_;
  uint64_t frames_ = 0;
  uint64_t payload_ = 0;
};

}  // namespace moat::bench

#endif  // MOAT_TEST_BENCH_MICRO_FRAME_PEER_H_
