// Segments and user calls against connections in every state. Input: a sequence of five-octet
// commands.
//
// The peer's stream is a fixed pattern, octet by octet, so whatever is delivered can be judged.
// Invariants:
//  - what is read is what the peer's stream holds at that place (bytes delivered are bytes sent);
//  - the window's right edge, as sent, never goes back (RFC 9293 3.8.6);
//  - a connection that waits for something has a timer.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>

#include "netstack/transport/tcp/testing/host.h"
#include "netstack/wire/tcp.h"
#include "netstack/wire/tcp_options.h"

namespace moat::netstack::tcp {
namespace {

void Check(bool condition) {
  if (!condition) std::abort();
}

[[noreturn]] void Fail(const char* what, const SocketInfo& info) {
  std::fprintf(stderr, "%s: %s, %u octets to send\n", what, info.state.c_str(), info.send_queue);
  std::abort();
}

uint8_t StreamOctet(uint32_t offset) { return static_cast<uint8_t>(offset * 31 + (offset >> 8)); }

class Fuzz {
 public:
  Fuzz() : host_(clock_, IpAddress::V4(192, 0, 2, 1), 7), peer_(IpAddress::V4(192, 0, 2, 2)) {
    host_.Sysctl("ipv4.tcp_max_syn_backlog", "2");
    host_.ip.set_max_gso_bytes(65535);
  }

  void Run(std::span<const uint8_t> input) {
    Begin(input.empty() ? 0 : input[0]);
    for (size_t at = 1; at + 5 <= input.size() && at < 5 * 400; at += 5)
      Command(input.subspan(at, 5));
    socket_.reset();
    listener_.reset();
    Settle();
    // Orphans end by themselves.
    for (int i = 0; i < 400 && !host_.Sockets().empty(); ++i) Advance(std::chrono::seconds(10));
    for (const SocketInfo& info : host_.Sockets()) Fail("left over", info);
    Check(host_.armed_timers() == 0);
  }

 private:
  static constexpr uint32_t kPeerIss = 0xffffff00u;

  void Begin(uint8_t mode) {
    timestamps_ = (mode & 1) != 0;
    sack_ = (mode & 2) != 0;
    shift_ = (mode & 4) != 0;
    if ((mode & 8) != 0) host_.Sysctl("ipv4.tcp_syncookies", "2");
    constexpr const char* kAlgorithms[] = {"cubic", "reno",  "bbr", "westwood",
                                           "vegas", "cubic", "bbr", "reno"};
    host_.Sysctl("ipv4.tcp_congestion_control",
                 kAlgorithms[(mode >> 6) * 2 + ((mode & 16) != 0 ? 1 : 0)]);
    constexpr const char* kEcn[] = {"2", "1", "5", "3"};
    host_.Sysctl("ipv4.tcp_ecn", kEcn[mode >> 6]);
    if ((mode & 128) != 0) host_.Sysctl("ipv4.tcp_mtu_probing", "1");
    if ((mode & 32) != 0) {
      listener_ = host_.tcp->NewSocket(Family::kIpv4);
      Endpoint at;
      at.port = 80;
      Check(listener_->Bind(at) == Error::kOk);
      Check(listener_->Listen(1) == Error::kOk);
      port_ = 80;
    } else {
      Connect();
    }
    Settle();
  }

  void Connect() {
    socket_ = host_.tcp->NewSocket(Family::kIpv4);
    Endpoint to;
    to.address = peer_;
    to.port = 9;
    (void)socket_->Connect(to);
    port_ = socket_->Local().port;
    have_edge_ = false;
  }

  void Command(std::span<const uint8_t> c) {
    switch (c[0] % 12) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        SendSegment(c);
        break;
      case 5:
        Advance(std::chrono::milliseconds(c[1] * (c[2] + 1)));
        break;
      case 6:
        if (socket_ != nullptr) (void)socket_->Write(Pattern(0, c[1] * 40u + 1), (c[2] & 1) != 0);
        break;
      case 7:
        Read(c[1] * 64u);
        break;
      case 8:
        if (socket_ != nullptr) (void)socket_->Shutdown(static_cast<ShutdownHow>(c[1] % 3));
        if ((c[1] & 0x80) != 0) read_ = UINT32_MAX;  // what is read no longer says where it was
        break;
      case 9:
        Accept();
        break;
      case 10:
        Options(c);
        break;
      case 11:
        Rare(c);
        break;
    }
    Settle();
  }

  void Accept() {
    if (listener_ == nullptr) return;
    auto accepted = listener_->Accept();
    if (!accepted.ok()) return;
    socket_ = std::move(*accepted);
    read_ = 0;
  }

  void Options(std::span<const uint8_t> c) {
    if (socket_ == nullptr) return;
    TcpOptions tcp = socket_->tcp_options();
    tcp.no_delay = (c[1] & 1) != 0;
    tcp.cork = (c[1] & 2) != 0;
    tcp.quick_ack = (c[1] & 4) != 0;
    if ((c[1] & 8) != 0)
      tcp.max_pacing_rate = (c[1] & 16) != 0 ? ~uint64_t{0} : 1000u + c[3] * 4000u;
    socket_->SetTcpOptions(tcp);
    SocketOptions options = socket_->options();
    options.keepalive = (c[2] & 1) != 0;
    if ((c[2] & 2) != 0) options.receive_buffer = 2048 + c[3] * 256u;
    if ((c[2] & 4) != 0) options.send_buffer = 2048 + c[4] * 256u;
    socket_->SetOptions(options);
  }

  void Rare(std::span<const uint8_t> c) {
    switch (c[1] % 5) {
      case 0:
        host_.ip.set_mtu(576 + c[2] * 32u);
        host_.ip.Invalidate();
        break;
      case 1:
        host_.ip.set_send_error(c[2] % 2 == 0 ? Error::kOk : Error::kNoBuffers);
        break;
      case 2:
        if (socket_ != nullptr) socket_->Abort();
        break;
      case 3:
        socket_.reset();
        Settle();
        if (listener_ == nullptr) {
          Connect();
          read_ = 0;
        }
        break;
      case 4:
        Icmp(c);
        break;
    }
  }

  void Icmp(std::span<const uint8_t> c) {
    uint8_t quoted[8] = {};
    StoreBe16(quoted, port_);
    StoreBe16(quoted + 2, 9);
    StoreBe32(quoted + 4, (snd_nxt_ - c[2]).value());
    IcmpErrorIn in{};
    in.kind =
        c[3] % 2 == 0 ? IcmpErrorIn::Kind::kPacketTooBig : IcmpErrorIn::Kind::kHostUnreachable;
    in.error = Error::kHostUnreachable;
    in.hard = true;
    in.mtu = 68 + c[4] * 8u;
    in.offender = in.destination = peer_;
    in.source = host_.address;
    in.interface = 2;
    in.protocol = ip_protocol::kTcp;
    in.quoted_transport = quoted;
    host_.tcp->ReceiveError(in);
  }

  // c[1]: flags; c[2]: where its sequence number is; c[3]: its length; c[4]: its ACK, window,
  // options.
  void SendSegment(std::span<const uint8_t> c) {
    uint8_t flags = c[1] & 0x3f;
    if ((c[1] & 0x40) != 0) flags |= tcp_flag::kAck;
    if ((c[1] & 0x80) != 0) flags = tcp_flag::kAck;
    // Congestion marks and their echoes, rarely.
    if (c[4] % 7 == 3) flags |= tcp_flag::kEce;
    if (c[4] % 11 == 5) flags |= tcp_flag::kCwr;
    traffic_class_ = c[4] % 5 == 1 ? 3 : c[4] % 5 == 3 ? 2 : 0;
    ae_ = c[4] % 3 == 1;
    // Relative to what the host expects; mostly near.
    const int32_t step = static_cast<int8_t>(c[2]) * ((c[3] & 0x80) != 0 ? 700 : 1);
    const bool syn = (flags & tcp_flag::kSyn) != 0;
    uint32_t seq = syn ? 0 : expected_ + static_cast<uint32_t>(step);
    const uint32_t length = syn ? 0 : (c[3] & 0x7f) * 12u;
    TcpOptionSet options;
    if (syn) {
      options.has_mss = true;
      options.mss = static_cast<uint16_t>(100 + c[3] * 20);
      options.has_window_scale = shift_;
      options.window_scale = c[4] & 7;
      options.sack_permitted = sack_;
    }
    options.has_timestamps = timestamps_;
    options.ts_value = ts_ + (c[4] & 3);
    options.ts_echo = host_ts_;
    const SeqNum ack = (c[4] & 4) != 0 ? snd_una_ + (c[4] >> 3) * 97u : snd_nxt_ - (c[4] >> 6);
    if (sack_ && (c[4] & 0x20) != 0) {
      options.sack_count = 1 + (c[4] & 1);
      options.sack[0] = {ack + c[2], ack + c[2] + c[3] * 30u};
      options.sack[1] = {ack + c[3], ack + c[3] * 60u};
    }
    uint8_t octets[3 * kTcpMaxAccEcnFields];
    for (size_t i = 0; i < sizeof(octets); ++i) octets[i] = i % 3 == 0 ? c[4] & 1 : c[1 + i % 4];
    if (c[3] % 3 == 0) {
      options.accecn_kind = (c[2] & 4) != 0 ? tcp_option::kAccEcn0 : tcp_option::kAccEcn1;
      options.accecn_fields = c[2] & 3;
      options.accecn = octets;
    }
    Emit(seq, ack, flags, length, static_cast<uint16_t>((c[4] & 0x10) != 0 ? 0 : c[4] * 200 + 1),
         options, length > 400 && (c[2] & 1) != 0 ? 400 : 0);
  }

  void Emit(uint32_t seq, SeqNum ack, uint8_t flags, uint32_t length, uint16_t wnd,
            const TcpOptionSet& options, uint16_t gso) {
    uint8_t header[kTcpMaxHeaderSize] = {};
    TcpFields fields;
    fields.source_port = 9;
    fields.destination_port = port_;
    fields.seq = SeqNum(kPeerIss) + seq;
    fields.ack = ack;
    fields.flags = flags;
    fields.ae = ae_;
    fields.window = wnd;
    fields.urgent_pointer = 3;
    fields.options_size = EmitTcpOptions(options, header + kTcpHeaderSize);
    EmitTcp(fields, header);
    const size_t size = kTcpHeaderSize + fields.options_size;
    Slice bytes = Slice::Allocate(size + length);
    std::copy_n(header, size, bytes.mutable_data());
    for (uint32_t i = 0; i < length; ++i) bytes.mutable_data()[size + i] = StreamOctet(seq + i - 1);
    IpPacketIn in;
    in.source = peer_;
    in.destination = host_.address;
    in.interface = 2;
    in.protocol = ip_protocol::kTcp;
    in.payload = std::move(bytes);
    in.checksum = RxChecksum::kVerified;
    in.gso_size = gso;
    in.traffic_class = traffic_class_;
    (void)host_.tcp->Receive(in);
  }

  void Read(size_t limit) {
    if (socket_ == nullptr) return;
    std::span<const uint8_t> pieces[8];
    const size_t count = socket_->Peek(pieces);
    size_t done = 0;
    for (size_t i = 0; i < count && done < limit; ++i) {
      const size_t take = std::min(pieces[i].size(), limit - done);
      for (size_t k = 0; k < take && read_ != UINT32_MAX; ++k) {
        Check(pieces[i][k] == StreamOctet(read_++));
      }
      done += take;
    }
    socket_->Consume(done);
  }

  void Advance(Duration time) {
    const Time end = clock_.Now() + time;
    for (Time next = host_.NextDeadline(); next <= end; next = host_.NextDeadline()) {
      clock_.Set(std::max(next, clock_.Now()));
      host_.RunTimers();
      Drain();
    }
    clock_.Set(end);
    host_.RunTimers();
    Drain();
  }

  void Settle() {
    host_.tcp->Flush();
    Drain();
    // Whoever waits has a timer.
    bool waits = false;
    for (const SocketInfo& info : host_.Sockets()) {
      if (info.state == "LISTEN") continue;
      if (info.state != "ESTAB" && info.state != "CLOSE-WAIT" && info.state != "FIN-WAIT-2")
        waits = true;
      if (info.send_queue > 0 && info.state != "SYN-SENT") waits = true;
    }
    Check(!waits || host_.armed_timers() > 0);
  }

  // What the host sent: follow its sequence numbers and judge its windows.
  void Drain() {
    Check(host_.ip.sent().size() < 20000);  // no storms
    while (!host_.ip.sent().empty()) {
      const FakeIp::Sent sent = host_.ip.Take();
      TcpView view;
      Check(TcpView::Parse(sent.bytes, &view));
      if ((view.flags() & tcp_flag::kRst) != 0 || view.source_port() != port_) continue;
      const TcpOptionSet options = ParseTcpOptions(view.options());
      if (options.has_timestamps) host_ts_ = options.ts_value;
      const auto length = static_cast<uint32_t>(sent.bytes.size() - view.header_size());
      if ((view.flags() & tcp_flag::kSyn) != 0) {
        snd_una_ = snd_nxt_ = view.seq() + 1;
        out_shift_ = 0;
        have_edge_ = false;
        next_shift_ = options.has_window_scale && shift_ ? options.window_scale : 0;
        expected_ = 1;
        if (listener_ != nullptr && socket_ == nullptr) read_ = 0;
        continue;
      }
      out_shift_ = next_shift_;
      snd_nxt_ = Max(snd_nxt_, view.seq() + length);
      if ((view.flags() & tcp_flag::kAck) == 0) continue;
      expected_ = view.ack() - SeqNum(kPeerIss);
      const SeqNum edge = view.ack() + (static_cast<uint32_t>(view.window()) << out_shift_);
      // One connection at a time is judged: between SYNs, and without a second one's segments.
      if (listener_ == nullptr && socket_ != nullptr &&
          (socket_->state() == TcpState::kEstablished || socket_->state() == TcpState::kFinWait1)) {
        if (have_edge_) Check(edge >= edge_);
        edge_ = edge;
        have_edge_ = true;
      }
    }
  }

  FakeClock clock_;
  Host host_;
  const IpAddress peer_;
  std::unique_ptr<TcpSocket> listener_;
  std::unique_ptr<TcpSocket> socket_;
  uint16_t port_ = 80;
  bool timestamps_ = false;
  uint8_t traffic_class_ = 0;
  bool ae_ = false;
  bool sack_ = false;
  bool shift_ = false;
  uint32_t expected_ = 1;  // relative sequence number that the host wants next
  uint32_t read_ = 0;
  uint32_t ts_ = 1000;
  uint32_t host_ts_ = 0;
  SeqNum snd_una_;
  SeqNum snd_nxt_;
  SeqNum edge_;
  bool have_edge_ = false;
  uint8_t out_shift_ = 0;
  uint8_t next_shift_ = 0;
};

}  // namespace
}  // namespace moat::netstack::tcp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  moat::netstack::tcp::Fuzz fuzz;
  fuzz.Run({data, size});
  return 0;
}
