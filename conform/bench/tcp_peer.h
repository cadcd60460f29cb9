// The tester's end of one TCP connection: brings the device into any state of RFC 9293 3.3.2 and
// keeps the numbers of both sides. It never answers by itself; every segment is sent by the case.
//
//   TCP_CASE(1, MUST, "RFC 9293 3.10.7.4", "Text is acknowledged.") {
//     t.Open();
//     t.Send(tcp::kAck | tcp::kPsh, Pattern(10));
//     b.Expect(t.Ack());
//   }
//
// The peer's port is 4000 and the device's 5000, unless the device connects: then it is the
// device's choice. Options are those of `options`; nothing is added by itself (no timestamps, no
// scaling).
#ifndef MOAT_CONFORM_BENCH_TCP_PEER_H_
#define MOAT_CONFORM_BENCH_TCP_PEER_H_

#include <optional>

#include "conform/bench/both_versions.h"
#include "conform/bench/socket.h"

namespace moat::conform {

enum class TcpState : uint8_t {
  kListen,
  kSynSent,
  kSynReceived,
  kEstablished,
  kFinWait1,
  kFinWait2,
  kCloseWait,
  kClosing,
  kLastAck,
  kTimeWait,
};

class TcpPeer {
 public:
  static constexpr int kPort = 4000;
  static constexpr int kDevicePort = 5000;
  static constexpr uint32_t kIss = 0x10000000;

  TcpPeer(Bench& bench, bool v6);

  // --- What a case may set, at any time ----------------------------------------------------------
  Bytes syn_options;    // of our SYN or SYN,ACK; an MSS that fits the link
  Bytes options;        // of every other segment
  int window = 65535;   // as on the wire
  uint32_t seq = kIss;  // our SND.NXT
  uint32_t ack = 0;     // what our segments acknowledge
  uint32_t end = 0;     // the device's SND.NXT, as far as it was seen here
  int port = kPort;
  int device_port = kDevicePort;
  Node from, to;  // the addresses: peer, device

  bool v6() const { return v6_; }
  uint32_t iss() const { return iss_; }          // ours, of the last SYN
  uint32_t irs() const { return irs_; }          // the device's
  int mss() const { return v6_ ? 1440 : 1460; }  // what fits a 1500 byte link
  const Packet& syn() const { return syn_; }     // the device's SYN or SYN,ACK

  // --- Handshakes --------------------------------------------------------------------------------
  void Listen(int backlog = 16);  // the device listens
  void SendSyn();
  Packet ExpectSynAck();
  void Accept();  // the device's program takes the connection
  void Open();    // all of these, and our ACK: ESTABLISHED
  void Dial();    // the device connects to us: SYN-SENT
  void SendSynAck();
  void OpenActive();  // with the device connecting: ESTABLISHED
  // Any state; the device's socket stays open. From kListen on by passive OPEN but for kSynSent.
  void Reach(TcpState state);
  Socket& socket() { return *socket_; }
  Socket& listener() { return *listener_; }

  // --- Our segments ------------------------------------------------------------------------------
  // At seq and ack; more with Frame::Set.
  Frame Segment(int flags, const Bytes& data = {}) const { return SegmentAt(seq, flags, data); }
  Frame SegmentAt(uint32_t at, int flags, const Bytes& data = {}) const;
  // Sends it and moves seq behind it.
  void Send(int flags, const Bytes& data = {});
  void SendAt(uint32_t at, int flags, const Bytes& data = {});  // seq stays
  void SendAck() { Send(tcp::kAck); }
  void SendText(const Bytes& data) { Send(tcp::kAck | tcp::kPsh, data); }

  // --- The device's segments ---------------------------------------------------------------------
  Match Any() const;                 // of this connection
  Match With(int flags) const;       // exactly these, PSH apart
  Match Ack() const;                 // an ACK without text: SND.NXT is `end`, RCV.NXT is `seq`
  Match AckOf(uint32_t next) const;  // any segment that acknowledges up to here
  Match Acks() const;                // any ACK without text
  Match Text() const;                // with text
  Match Reset() const;               // RST
  // The device's FIN, which is next; counts it, does not acknowledge it.
  void ExpectFin();
  // The next segment with text, which must start at `end`; counts it, does not acknowledge it.
  Packet ExpectText(Duration within = kSoon);
  // `size` bytes of text, in order, each segment acknowledged.
  Bytes Read(size_t size);

  // --- Which state -------------------------------------------------------------------------------
  // Old text gets an ACK with the numbers as we know them: the connection lives (any synchronized
  // state).
  void ExpectAlive(Line where = Line::current());
  // An ACK gets a RST: CLOSED, or LISTEN.
  void ExpectGone(Line where = Line::current());

 private:
  Bench& b_;
  bool v6_;
  uint32_t iss_ = kIss;
  uint32_t irs_ = 0;
  Packet syn_;
  std::optional<Socket> listener_;
  std::optional<Socket> socket_;
};

}  // namespace moat::conform

// As CONFORM_BOTH, with a peer `t` instead of `v6`. Needs TCP.
#define TCP_CASE(number, level, source, text, ...)                              \
  void TcpCase##number(::moat::conform::Bench& b, ::moat::conform::TcpPeer& t); \
  CONFORM_BOTH(number, level, source, text,                                     \
               {.needs = ::moat::conform::kTcp __VA_OPT__(|) __VA_ARGS__}) {    \
    ::moat::conform::TcpPeer t(b, v6);                                          \
    TcpCase##number(b, t);                                                      \
  }                                                                             \
  void TcpCase##number([[maybe_unused]] ::moat::conform::Bench& b,              \
                       [[maybe_unused]] ::moat::conform::TcpPeer& t)

#endif  // MOAT_CONFORM_BENCH_TCP_PEER_H_
