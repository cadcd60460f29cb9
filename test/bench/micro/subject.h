// A TCP/IP stack under measurement: frames go in, frames come out, and small programs of its own
// serve them. Two implementations, so that the same frames cost what they cost in each.
#ifndef MOAT_TEST_BENCH_MICRO_SUBJECT_H_
#define MOAT_TEST_BENCH_MICRO_SUBJECT_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "netstack/wire/address.h"
#include "test/bench/micro/require.h"

namespace moat::bench {

// What the subject is configured with: one Ethernet interface, and all but its own /24 behind the
// peer.
inline constexpr netstack::MacAddress kSubjectMac{{2, 0, 0, 0, 0, 1}};
inline constexpr netstack::MacAddress kPeerMac{{2, 0, 0, 0, 0, 2}};
inline const netstack::IpAddress kSubjectAddress = netstack::IpAddress::V4(192, 0, 2, 1);
inline const netstack::IpAddress kPeerAddress = netstack::IpAddress::V4(192, 0, 2, 2);
inline constexpr uint16_t kMtu = 1500;

// Where the subject's frames go. The bytes are borrowed, and it must not call back.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  virtual void OnFrame(std::span<const uint8_t> frame) = 0;
};

class Subject {
 public:
  virtual ~Subject() = default;

  // Bound before the first frame; borrowed.
  virtual void SetSink(FrameSink* sink) = 0;
  // A frame arrives; the subject copies it, as from a ring. Nothing is offloaded: checksums are
  // computed and verified by the subject.
  virtual void Receive(std::span<const uint8_t> frame) = 0;
  // The batch ends: programs have run and what was held back is sent when it returns.
  virtual void Settle() = 0;
  // Some time passes; timers run.
  virtual void Tick() = 0;

  // A server that returns each datagram to its sender.
  virtual void EchoUdp(uint16_t port) = 0;
  // Servers that accept everything and close when the peer has: one returns what comes, the other
  // drops it.
  virtual void EchoTcp(uint16_t port) = 0;
  virtual void DropTcp(uint16_t port) = 0;
  // Writes `size` octets on the connection that was accepted last, as far as its send buffer has
  // room; returns how many.
  virtual size_t Write(size_t size) = 0;
  virtual size_t connections() const = 0;
};

}  // namespace moat::bench

#endif  // MOAT_TEST_BENCH_MICRO_SUBJECT_H_
