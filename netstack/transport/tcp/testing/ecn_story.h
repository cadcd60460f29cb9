// Packet stories in which congestion is marked instead of lost (RFC 3168), and those of accurate
// feedback (RFC 9768).
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_TESTING_ECN_STORY_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_TESTING_ECN_STORY_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>

#include "netstack/transport/tcp/accecn.h"
#include "netstack/transport/tcp/testing/story.h"

namespace moat::netstack::tcp {

class EcnStory : public Story {
 protected:
  static constexpr uint32_t kMss = 1460;
  static constexpr uint8_t kNotEct = ip_ecn::kNotEct, kEct1 = ip_ecn::kEct1, kEct0 = ip_ecn::kEct0,
                           kCe = ip_ecn::kCe;

  // To SYN-SENT; the SYN is still to be taken.
  void StartConnect() {
    socket = host.tcp->NewSocket(Family::kIpv4);
    BeginConnect();
  }
  // The sequence number after `n` full segments.
  static uint32_t Seg(uint32_t n) { return 1 + n * kMss; }
};

// A host that asks for accurate feedback and grants it.
class Rfc9768 : public EcnStory {
 protected:
  static constexpr uint8_t kFirstAce = 5;

  Rfc9768() { host.Sysctl("ipv4.tcp_ecn", "3"); }

  void Answer(uint8_t ace, Packet syn_ack = Packet().Mss(1460)) {
    Send(syn_ack.Flag(tcp_flag::kSyn).Ace(ace).Seq(0).Ack(1));
  }
  // By our SYN; the round trip is 40 ms.
  void EstablishAccurate(Packet syn_ack = Packet().Mss(1460)) {
    StartConnect();
    ASSERT_THAT(Next(), Is(Syn().Seq(0).Ace(7)));
    Advance(std::chrono::milliseconds(40));
    Answer(2, syn_ack);
    ASSERT_THAT(Next(), Is(Ack(1).Seq(1).Ace(2)));
  }
  // By the peer's; `ace` is that of its ACK.
  void AcceptAccurate(uint8_t ace = 2, Packet syn = Packet().Mss(1460)) {
    Listen();
    Send(syn.Flag(tcp_flag::kSyn).Ace(7).Seq(0));
    ASSERT_THAT(Next(), Is(SynAck().Seq(0).Ace(2)));
    Packet ack = Ack(1).Seq(1).Ace(ace);
    if (syn.timestamps) ack.Ts(syn.timestamps->first, host_ts);
    Send(ack);
    socket = Accept();
    ASSERT_NE(socket, nullptr);
  }
  // What new text is marked as.
  uint8_t CodepointOfText() {
    All();
    EXPECT_EQ(Write("x"), Error::kOk);
    return Next().ecn.value_or(9);
  }
  // A window of ten segments in flight.
  void Fill() {
    ASSERT_EQ(WriteBytes(10 * kMss), Error::kOk);
    All();
    Advance(std::chrono::milliseconds(40));
  }
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_TESTING_ECN_STORY_H_
