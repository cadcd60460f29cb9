// Accurate ECN feedback (RFC 9768): what the two ends of a half connection count, and how they tell
// each other. Knows nothing of a connection; accurate_ecn.cc joins it to one. Allocated only by
// connections that negotiated it.
//
// Counters are the RFC's: cep counts CE-marked packets, ceb, e0b and e1b octets of text by
// codepoint. The receiver sends the three low bits of cep in every segment (the ACE field) and 24
// bits of the others in TCP options.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_ACCECN_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_ACCECN_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "netstack/wire/seqnum.h"
#include "netstack/wire/tcp.h"
#include "netstack/wire/tcp_options.h"

namespace moat::netstack::tcp {

enum class EcnMode : uint8_t { kNone, kClassic, kAccurate };

// The field of the IP header (RFC 3168 5).
namespace ip_ecn {
inline constexpr uint8_t kNotEct = 0, kEct1 = 1, kEct0 = 2, kCe = 3;
inline constexpr uint8_t kMask = 3;
}  // namespace ip_ecn

// Tables 2 and 3: how a SYN,ACK, and the ACK of one, say which codepoint arrived.
constexpr uint8_t HandshakeAce(uint8_t codepoint) {
  constexpr uint8_t kAce[] = {2, 3, 4, 6};
  return kAce[codepoint & ip_ecn::kMask];
}

// Octets of text by codepoint, in the order of the AccECN0 option.
struct EcnOctets {
  enum Index : uint8_t { kE0, kCe, kE1 };
  std::array<uint32_t, 3> count = {1, 0, 1};  // 3.2.1
};

// The Data Receiver's half.
class AccEcnReceiver {
 public:
  // tcp_ecn_option.
  enum class Options : uint8_t { kNever, kSparingly, kAlways };

  // A SYN,ACK that answered us: CE on several counts once (3.2.2.2).
  void OnSynAck(uint8_t codepoint, uint32_t octets);
  // An acceptable packet, or several that came as one. `owes_ack`: text of it or of others is not
  // acknowledged yet. True: send an ACK now (3.2.2.5.1).
  bool OnPacket(uint8_t codepoint, uint32_t packets, uint32_t octets, bool owes_ack);
  void OnAckSent() { unreported_ = 0; }

  uint8_t ace() const { return static_cast<uint8_t>(cep_ & 7); }
  // Puts the option into `set` when one is due and fits into `room` octets (3.2.3.3); `handshake`:
  // always, with all fields if they fit. `set` borrows from this object. True: it is there.
  bool PutOption(Options mode, bool handshake, size_t room, TcpOptionSet& set);

  uint32_t marked() const { return cep_ - kFirstCep; }
  uint32_t octets(EcnOctets::Index which) const {
    return now_.count[which] - EcnOctets().count[which];
  }
  bool any_capable() const { return marked() != 0 || now_.count != EcnOctets().count; }

 private:
  static constexpr uint32_t kFirstCep = 5;

  void CountOctets(uint8_t codepoint, uint32_t octets);
  bool OptionDue(Options mode) const;

  uint32_t cep_ = kFirstCep;
  EcnOctets now_;
  EcnOctets told_;               // in the last option
  uint8_t last_codepoint_ = ip_ecn::kNotEct;
  uint8_t last_index_ = 3;       // of the counter that text last increased; 3: none
  uint8_t repeat_ = 0;           // options still to be sent for a change (3.2.3.3)
  uint8_t unreported_ = 0;       // CE marks since the last ACK; saturates
  std::array<uint8_t, 3 * kTcpMaxAccEcnFields> wire_{};
};

// The Data Sender's half.
class AccEcnSender {
 public:
  // The ACK of our SYN,ACK said that it was marked (table 4).
  void OnMarkedSynAck() { cep_ = kFirstCep + 1; }
  // The first segment that can have an option: whether there is one, and whether something clears
  // its fields (3.2.3.2.3, 3.2.3.2.4). Only the first call does anything.
  void TestOption(const TcpOptionSet& options);
  // What an ACK newly acknowledges, SACKed octets and the packets of these included.
  struct Delivered {
    uint32_t octets = 0;
    uint32_t packets = 0;
  };
  // An ACK that was not superseded. Returns how many packets are newly known to have been marked.
  //
  // Which of the numbers congruent to ACE is meant when so much was acknowledged that it may have
  // cycled is estimated (3.2.2.5.2, A.2): with an option octets decide, of packets that are taken
  // to be full-sized (A.2.2); without, the largest possible number, unless ACKs of many packets are
  // the rule or nothing says that there are marks.
  uint32_t OnAck(uint8_t ace, const TcpOptionSet& options, const Delivered& delivered,
                 uint32_t mss);
  void OnRound();  // one round trip is over

  uint32_t marked() const { return cep_ - kFirstCep; }
  uint32_t octets(EcnOctets::Index which) const {
    return count_.count[which] - EcnOctets().count[which];
  }
  // Of the last OnAck(): octets that were marked, from the option or estimated.
  uint32_t marked_octets() const { return marked_octets_; }
  // 3.2.3.2.5: octets were marked, packets were not.
  bool mangled() const { return mangled_; }
  // 3.2.2.3: from the beginning every packet is reported as marked, which is no congestion any
  // more.
  bool always_marked() const { return always_marked_; }
  bool option_cleared() const { return ignored_; }
  // As tcpi_accecn_opt_seen.
  uint8_t option_seen() const { return ignored_ ? 3 : available_ ? 2 : 0; }

 private:
  static constexpr uint32_t kFirstCep = 5;

  bool TakeOption(const TcpOptionSet& options, uint32_t* ce_octets);
  uint32_t Resolve(uint32_t least, uint32_t packets, bool option, uint32_t ce_octets,
                   uint32_t mss) const;

  uint32_t cep_ = kFirstCep;
  EcnOctets count_;
  uint32_t marked_octets_ = 0;
  uint32_t since_option_ = 0;     // packets marked since the last option
  uint32_t packets_per_ack_ = 0;  // moving average, times 8
  uint8_t rounds_ = 0;
  bool tested_ = false;
  bool available_ = false;        // options come
  bool ignored_ = false;          // something clears them
  bool marking_ = false;          // the last ACK reported marks
  bool unmarked_ = false;         // a packet was not marked
  bool mangled_ = false;
  bool always_marked_ = false;
};

// What a connection in AccECN mode has beside both halves.
struct AccEcn {
  AccEcnReceiver in;
  AccEcnSender out;
  SeqNum round_end;                // OnRound() when it is acknowledged
  uint32_t newest_stamp = 0;       // TSval of the newest ACK
  uint8_t handshake_codepoint = ip_ecn::kNotEct;  // of the latest SYN or SYN,ACK; to be fed back
  uint8_t option_acks = 0;  // with an option, since text came again that had been acknowledged
  uint8_t option_losses = 0;       // how often in a row that was after very few
  bool handshake_ack : 1 = false;  // the next ACK has the handshake encoding (3.2.2.1)
  bool handshake_taken : 1 = false;   // the segment that is processed had it
  bool handshake_marked : 1 = false;  // our SYN or SYN,ACK arrived with CE
  bool has_stamp : 1 = false;
  bool send_ect : 1 = true;        // what we send is ECN-capable
  bool heed : 1 = true;            // feedback is answered
  bool first_feedback : 1 = true;  // the next is the first after the handshake
  bool ack_now : 1 = false;
  bool syn_repeated : 1 = false;   // by the peer
  bool option_on_first_text : 1 = false;
  bool options_stopped : 1 = false;  // what carries them gets lost (3.2.3.2.2)
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_ACCECN_H_
