// The peer's end of one live TCP connection, for frames that a fuzzer makes: it knows the ports and
// follows the sequence numbers, so that made segments are taken, and it judges both streams.
//
// Each direction's octets are a function of their place, so whatever arrives can be judged:
// what the program reads is what the peer's stream holds there, and what the stack sends, be it for
// the second time, is what the program wrote there.
#ifndef MOAT_NETSTACK_STACK_FUZZ_TCP_PEER_H_
#define MOAT_NETSTACK_STACK_FUZZ_TCP_PEER_H_

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utility>

#include "netstack/stack/stack_test_world.h"
#include "netstack/wire/tcp.h"
#include "netstack/wire/tcp_options.h"

namespace moat::netstack {

class FuzzTcpPeer {
 public:
  FuzzTcpPeer(const Cast& cast, uint16_t port) : cast_(cast), port_(port) {}

  // The handshake with `listener`, from the peer; or with a socket that connects to it.
  void Dial(StackWorld& world, TcpSocket& listener) {
    own_port_ = listener.Local().port;
    ReceiveSyn(world, tcp_flag::kSyn);
    Take(world);
    ReceiveAck(world);
    Result<std::unique_ptr<TcpSocket>> accepted = listener.Accept();
    if (!accepted.ok()) std::abort();
    Keep(std::move(*accepted));
  }
  void Answer(StackWorld& world) {
    std::unique_ptr<TcpSocket> socket = world.stack.NewTcpSocket(cast_.peer.family());
    (void)socket->Connect({cast_.peer, port_});
    own_port_ = socket->Local().port;
    world.stack.Flush();
    Take(world);
    ReceiveSyn(world, tcp_flag::kSyn | tcp_flag::kAck);
    Take(world);
    Keep(std::move(socket));
  }

  // A segment of the peer's. c: flags, place (signed), acknowledgement (signed), size and window;
  // the rest are options. `far`: the place is in segments, not octets.
  Bytes Segment(std::span<const uint8_t> c, bool far) const {
    constexpr uint16_t kSizes[] = {0, 1, 40, 300, 536, 1000, 1300, 1400};
    const int32_t step = static_cast<int8_t>(c[1]) * (far ? 1400 : 1);
    const SeqNum seq = wanted_ + static_cast<uint32_t>(step);
    const SeqNum ack = own_next_ + static_cast<uint32_t>(static_cast<int8_t>(c[2]));
    Bytes text((c[0] & tcp_flag::kSyn) != 0 ? 0 : kSizes[c[3] & 7]);
    for (size_t i = 0; i < text.size(); ++i) {
      text[i] = PeerOctet(seq - first_ + static_cast<uint32_t>(i));
    }
    Bytes options(c.begin() + 4, c.begin() + std::min(c.size(), 4 + kTcpMaxOptionsSize));
    options.resize((options.size() + 3) / 4 * 4);
    return Packet(c[0] & 0x3f, seq, ack, static_cast<uint16_t>((c[3] >> 3) * 2000), options, text);
  }
  // What an ICMP error quotes of the stack's segments.
  Bytes Quoted() const {
    Bytes tcp(8);
    StoreBe16(tcp.data(), own_port_);
    StoreBe16(tcp.data() + 2, port_);
    StoreBe32(tcp.data() + 4, (own_next_ - 1).value());
    return IpPacket(cast_.own, cast_.peer, ip_protocol::kTcp, tcp);
  }

  // Everything that the stack sends.
  void Saw(const ParsedFrame& frame) {
    TcpView view;
    if (frame.protocol != ip_protocol::kTcp || frame.fragment_offset != 0 ||
        frame.source != cast_.own || frame.destination != cast_.peer ||
        !TcpView::Parse(frame.payload, &view) || view.source_port() != own_port_ ||
        view.destination_port() != port_ || (view.flags() & tcp_flag::kRst) != 0) {
      return;
    }
    const auto size = static_cast<uint32_t>(frame.payload.size() - view.header_size());
    if ((view.flags() & tcp_flag::kSyn) != 0) {
      own_first_ = own_next_ = view.seq() + 1;
    } else {
      for (uint32_t i = 0; i < size; ++i) {
        const uint32_t at = view.seq() + i - own_first_;
        if (at >= written_ || frame.payload[view.header_size() + i] != OwnOctet(at)) std::abort();
      }
      const bool fin = (view.flags() & tcp_flag::kFin) != 0;
      own_next_ = Max(own_next_, view.seq() + size + (fin ? 1 : 0));
    }
    if ((view.flags() & tcp_flag::kAck) != 0) wanted_ = view.ack();
  }
  // The program: reads all there is, or writes.
  void Read() {
    if (socket_ == nullptr) return;
    std::span<const uint8_t> pieces[16];
    while (const size_t count = socket_->Peek(pieces)) {
      size_t size = 0;
      for (size_t i = 0; i < count; ++i) {
        for (const uint8_t octet : pieces[i]) {
          if (octet != PeerOctet(read_++)) std::abort();
        }
        size += pieces[i].size();
      }
      if (size == 0) return;
      socket_->Consume(size);
    }
  }
  void Write(size_t size) {
    if (socket_ == nullptr) return;
    Bytes text(std::min(size, socket_->WriteSpace()));
    for (size_t i = 0; i < text.size(); ++i) {
      text[i] = OwnOctet(written_ + static_cast<uint32_t>(i));
    }
    if (!text.empty() && socket_->Write(Slice::Copy(text), false) == Error::kOk) {
      written_ += static_cast<uint32_t>(text.size());
    }
  }
  void ShutdownWrite() {
    if (socket_ != nullptr) (void)socket_->Shutdown(ShutdownHow::kWrite);
  }
  void Close() { socket_.reset(); }
  // Another choice of options.
  void Tune(uint8_t how) {
    if (socket_ == nullptr) return;
    TcpOptions tcp = socket_->tcp_options();
    tcp.keepalive_idle = std::chrono::seconds(10);
    tcp.no_delay = (how & 2) != 0;
    tcp.cork = (how & 4) != 0;
    tcp.user_timeout = std::chrono::seconds((how & 8) != 0 ? 20 : 0);
    socket_->SetTcpOptions(tcp);
    SocketOptions options = socket_->options();
    options.keepalive = (how & 1) != 0;
    options.receive_buffer = (how & 16) != 0 ? 4096 : 0;
    options.minimum_ttl = (how & 32) != 0 ? 65 : 0;
    options.minimum_hop_count = options.minimum_ttl;
    socket_->SetOptions(options);
    constexpr const char* kControls[] = {"cubic", "bbr"};
    (void)socket_->SetCongestionControl(kControls[how >> 6 & 1]);
  }

  uint64_t delivered() const { return read_; }
  uint32_t path_mtu() const { return socket_ == nullptr ? 0 : socket_->Info().path_mtu; }

 private:
  static uint8_t PeerOctet(uint32_t at) { return static_cast<uint8_t>(at * 31 + (at >> 8)); }
  static uint8_t OwnOctet(uint32_t at) { return static_cast<uint8_t>(at * 17 + (at >> 8) + 101); }

  Bytes Packet(uint8_t flags, SeqNum seq, SeqNum ack, uint16_t window, const Bytes& options,
               const Bytes& text) const {
    TcpFields fields;
    fields.source_port = port_;
    fields.destination_port = own_port_;
    fields.seq = seq;
    fields.ack = ack;
    fields.flags = flags;
    fields.window = window;
    fields.options_size = options.size();
    Bytes tcp(kTcpHeaderSize);
    EmitTcp(fields, tcp.data());
    tcp = tcp + options + text;
    FixChecksum(cast_.peer, cast_.own, ip_protocol::kTcp, tcp);
    return IpPacket(cast_.peer, cast_.own, ip_protocol::kTcp, tcp);
  }
  void ReceiveSyn(StackWorld& world, uint8_t flags) {
    const Bytes options = {2, 4, 5, 120, 4, 2, 1, 1};  // MSS 1400, SACK permitted
    world.ReceiveIp(Packet(flags, first_ - 1, own_next_, 60000, options, {}));
  }
  void ReceiveAck(StackWorld& world) {
    world.ReceiveIp(Packet(tcp_flag::kAck, first_, own_next_, 60000, {}, {}));
  }
  void Take(StackWorld& world) {
    while (!world.Silent()) Saw(world.Next());
  }
  // A connection that is not established would make all that follows pointless.
  void Keep(std::unique_ptr<TcpSocket> socket) {
    if (socket->state() != TcpState::kEstablished || wanted_ != first_) std::abort();
    socket_ = std::move(socket);
  }

  const Cast cast_;
  const uint16_t port_;
  uint16_t own_port_ = 0;
  std::unique_ptr<TcpSocket> socket_;
  const SeqNum first_{0xfffff000};  // of the peer's stream; it wraps
  SeqNum wanted_;                   // of the peer's stream, as the stack said last
  SeqNum own_first_, own_next_;     // of the stack's stream
  uint32_t read_ = 0, written_ = 0;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_STACK_FUZZ_TCP_PEER_H_
