// Segments and user calls against connections in every state, dialled and accepted. Input: a mode,
// then a sequence of five-octet commands.
//
// Both streams are fixed patterns, octet by octet, so whatever goes through can be judged.
// Invariants:
//  - what is read is what the peer's stream holds at that place (bytes delivered are bytes sent);
//  - what is sent, for the first time or again, is what the program wrote at that place;
//  - the window's right edge, as sent, never goes back (RFC 9293 3.8.6);
//  - a connection that waits for something has a timer of its own.
//
// With FUZZ_STORY in the environment it tells what goes in and out: for an input that fails.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_TCP_FUZZ_COMMANDS_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_TCP_FUZZ_COMMANDS_H_

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "netstack/transport/tcp/tcp_fuzz_text.h"
#include "netstack/transport/tcp/testing/host.h"
#include "netstack/wire/tcp.h"
#include "netstack/wire/tcp_options.h"

namespace moat::netstack::tcp {

class Fuzz {
 public:
  Fuzz() : host_(clock_, IpAddress::V4(192, 0, 2, 1), 7), peer_(IpAddress::V4(192, 0, 2, 2)) {
    host_.Sysctl("ipv4.tcp_max_syn_backlog", "2");
    host_.Sysctl("ipv4.tcp_fastopen", "519");  // both sides, without cookies
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

  uint64_t Counter(std::string_view name) const { return host_.Counter(name); }
  const Judged& accepted() const { return judged_[1]; }
  const Judged& dialled() const { return judged_[0]; }
  bool timeout_told() const { return timeout_told_; }  // the user timeout option was sent
  bool timeout_heard() const { return timeout_heard_; }  // and taken
  const std::set<std::string>& states() const { return states_; }

 private:
  static constexpr uint32_t kPeerIss = 0xffffff00u;

  void Begin(uint8_t mode) {
    timestamps_ = (mode & 1) != 0;
    sack_ = (mode & 2) != 0;
    shift_ = (mode & 4) != 0;
    // RFC 5482, with SACK and without window scaling.
    if ((mode & 6) == 2) host_.Sysctl("ipv4.tcp_user_timeout_option", "1");
    if ((mode & 8) != 0) host_.Sysctl("ipv4.tcp_syncookies", "2");
    constexpr const char* kAlgorithms[] = {"cubic", "reno",  "bbr", "westwood",
                                           "vegas", "cubic", "bbr", "reno"};
    host_.Sysctl("ipv4.tcp_congestion_control",
                 kAlgorithms[(mode >> 6) * 2 + ((mode & 16) != 0 ? 1 : 0)]);
    constexpr const char* kEcn[] = {"2", "1", "5", "3"};
    host_.Sysctl("ipv4.tcp_ecn", kEcn[mode >> 6]);
    if ((mode & 128) != 0) host_.Sysctl("ipv4.tcp_mtu_probing", timestamps_ ? "2" : "1");
    user_timeouts_ = (mode & 64) != 0;
    if (user_timeouts_) host_.Sysctl("ipv4.tcp_user_timeout_option", "1");
    passive_ = (mode & 32) != 0;
    if (passive_) {
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
    TcpOptions options = socket_->tcp_options();
    options.fast_open_connect = options.fast_open_no_cookie = fast_open_;
    socket_->SetTcpOptions(options);
    (void)socket_->Connect(to);
    deferred_ = fast_open_;
    port_ = socket_->Local().port;
    text_.Begin(std::nullopt);
  }

  void Command(std::span<const uint8_t> c) {
    if (story_) TellCommand(host_, c);
    switch (c[0] % 13) {
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
        Write(c);
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
      case 12:
        SendAck(c);
        break;
    }
    Settle();
  }

  void Write(std::span<const uint8_t> c) {
    if (socket_ == nullptr) return;
    const uint32_t size = c[1] * 40u + 1;
    const bool urgent = (c[2] & 0x0e) == 0x0e;
    const Error error = urgent ? socket_->WriteUrgent(text_.Next(size))
                               : socket_->Write(text_.Next(size), (c[2] & 1) != 0);
    if (error == Error::kOk) text_.Wrote(size);
  }

  void Accept() {
    if (listener_ == nullptr) return;
    auto accepted = listener_->Accept();
    if (!accepted.ok()) return;
    socket_ = std::move(*accepted);
    read_ = 0;
    // Its SYN,ACK may have been a cookie, or never have left.
    text_.Begin(socket_->id() == syn_ack_of_ ? syn_ack_ : std::nullopt);
  }

  void Options(std::span<const uint8_t> c) {
    fast_open_ = (c[1] & 32) != 0;  // of the next connection
    if (listener_ != nullptr) {
      TcpOptions tcp = listener_->tcp_options();
      tcp.fast_open_queue = fast_open_ ? 4 : 0;
      tcp.save_syn = (c[1] & 64) != 0;
      listener_->SetTcpOptions(tcp);
    }
    if (socket_ == nullptr) return;
    TcpOptions tcp = socket_->tcp_options();
    tcp.no_delay = (c[1] & 1) != 0;
    tcp.cork = (c[1] & 2) != 0;
    tcp.quick_ack = (c[1] & 4) != 0;
    if ((c[1] & 8) != 0)
      tcp.max_pacing_rate = (c[1] & 16) != 0 ? ~uint64_t{0} : 1000u + c[3] * 4000u;
    if ((c[2] & 8) != 0) tcp.user_timeout = std::chrono::milliseconds(c[4] * 500);
    if ((c[2] & 16) != 0) tcp.keepalive_idle = std::chrono::seconds(10);
    socket_->SetTcpOptions(tcp);
    SocketOptions options = socket_->options();
    options.keepalive = (c[2] & 1) != 0;
    if ((c[2] & 2) != 0) options.receive_buffer = 2048 + c[3] * 256u;
    if ((c[2] & 4) != 0) options.send_buffer = 2048 + c[4] * 256u;
    socket_->SetOptions(options);
  }

  void Rare(std::span<const uint8_t> c) {
    switch (c[1] % 6) {
      case 0:
        host_.ip.set_mtu(576 + c[2] * 32u);
        host_.ip.Invalidate();
        break;
      case 1:
        host_.ip.set_send_error(c[2] % 2 == 0 ? Error::kOk : Error::kNoBuffers);
        acks_lost_ = acks_lost_ || c[2] % 2 != 0;
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
      case 5:
        if (socket_ != nullptr) (void)socket_->Disconnect();
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
    // With a Fast Open the SYN has text.
    uint32_t length = syn && !(fast_open_ && passive_) ? 0 : (c[3] & 0x7f) * 12u;
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
    if (c[3] % 5 == 2) options.user_timeout = static_cast<uint16_t>(c[2] << 8 | c[4]);
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
    if (user_timeouts_ && c[3] % 5 == 0) {
      options.user_timeout = static_cast<uint16_t>(c[4] << 8 | c[1]);
    }
    Emit(seq, ack, flags, length, static_cast<uint16_t>((c[4] & 0x10) != 0 ? 0 : c[4] * 200 + 1),
         options, length > 400 && (c[2] & 1) != 0 ? 400 : 0);
  }

  // An ACK alone, with blocks in units of the peer's choice. c[1]: what it acknowledges, c[2]: the
  // unit, c[3]: where the blocks are, c[4]: the window.
  void SendAck(std::span<const uint8_t> c) {
    const uint32_t unit = 20 + c[2] * 8u;
    const uint32_t outstanding = snd_nxt_ - snd_una_;
    const SeqNum ack = snd_una_ + std::min((c[1] & 15) * unit, outstanding);
    snd_una_ = ack;
    TcpOptionSet options;
    options.has_timestamps = timestamps_;
    options.ts_value = ts_;
    options.ts_echo = host_ts_;
    if (sack_ && c[3] != 0) {
      const SeqNum first = ack + (1 + (c[3] & 7)) * unit;
      options.sack_count = (c[1] & 16) != 0 ? 2 : 1;
      options.sack[0] = {first, Min(first + (1 + (c[3] >> 3)) * unit, snd_nxt_)};
      options.sack[1] = {ack - unit, ack};
      if (options.sack[0].end <= first) options.sack_count = 0;
    }
    if ((c[1] & 32) != 0 && options.sack_count == 1) {  // RFC 2883
      options.sack[1] = options.sack[0];
      options.sack[0] = {ack - unit, ack};
      options.sack_count = 2;
    }
    Emit(expected_, ack, tcp_flag::kAck, 0, static_cast<uint16_t>(c[4] * 256), options, 0);
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
    const uint32_t first = seq - ((flags & tcp_flag::kSyn) != 0 ? 0 : 1);
    for (uint32_t i = 0; i < length; ++i) bytes.mutable_data()[size + i] = StreamOctet(first + i);
    IpPacketIn in;
    in.source = peer_;
    in.destination = host_.address;
    in.interface = 2;
    in.protocol = ip_protocol::kTcp;
    in.payload = std::move(bytes);
    in.checksum = RxChecksum::kVerified;
    in.gso_size = gso;
    in.traffic_class = traffic_class_;
    if (story_) TellSegment(">", seq, Relative(ack), flags, length, wnd);
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
        judged_[passive_ ? 1 : 0].read = true;
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
    JudgeTimers();
  }

  // Whoever waits has a timer of its own.
  void JudgeTimers() {
    const std::vector<TcpTimers> timers = host_.tcp->ListTimers();
    for (const SocketInfo& info : host_.Sockets()) {
      if (info.state == "LISTEN") continue;
      states_.insert(info.state);
      const auto own = std::find_if(timers.begin(), timers.end(),
                                    [&](const TcpTimers& row) { return row.id == info.id; });
      if (own == timers.end()) Fail("not listed", info);
      const bool open = info.state == "ESTAB" || info.state == "CLOSE-WAIT" ||
                        info.state == "FIN-WAIT-2" || info.state == "TIME-WAIT";
      const bool orphan = socket_ == nullptr || socket_->id() != info.id;
      if (deferred_ && !orphan && info.state == "SYN-SENT") continue;  // the program is to write
      if ((!open || info.send_queue > 0) && !own->send) Fail("no send timer", info);
      if (info.state == "TIME-WAIT" && !own->idle) Fail("for ever", info);
      if (info.state == "FIN-WAIT-2" && orphan && !own->idle) Fail("an orphan for ever", info);
      // Text that was taken is acknowledged, or will be.
      if (!acks_lost_ && info.tcp != nullptr && info.id == live_ && acked_.has_value() &&
          *acked_ - 1 < info.tcp->bytes_received && !own->acknowledge) {
        Fail("no ACK", info);
      }
    }
  }

  // For stories: an own number as from the SYN,ACK.
  uint32_t Relative(SeqNum number) const { return number - (syn_ack_.value_or(SeqNum(0)) - 1); }

  // What the host sent: follow its sequence numbers and judge its windows.
  void Drain() {
    Check(host_.ip.sent().size() < 20000);  // no storms
    if (host_.ip.sent().empty()) return;
    const SocketInfo live = Live();
    if (live.id != live_) Turn(live.id);
    const bool judged = live.state == "ESTAB" || live.state == "CLOSE-WAIT" ||
                        live.state == "FIN-WAIT-1" || live.state == "FIN-WAIT-2" ||
                        live.state == "CLOSING" || live.state == "LAST-ACK";
    while (!host_.ip.sent().empty()) {
      const FakeIp::Sent sent = host_.ip.Take();
      TcpView view;
      Check(TcpView::Parse(sent.bytes, &view));
      const auto length = static_cast<uint32_t>(sent.bytes.size() - view.header_size());
      const uint32_t ack = view.ack() - SeqNum(kPeerIss);
      if (story_) TellSegment("<", Relative(view.seq()), ack, view.flags(), length, view.window());
      if ((view.flags() & tcp_flag::kRst) != 0 || view.source_port() != port_) continue;
      const TcpOptionSet options = ParseTcpOptions(view.options());
      if (options.has_timestamps) host_ts_ = options.ts_value;
      timeout_told_ = timeout_told_ || options.user_timeout != 0;
      timeout_heard_ = timeout_heard_ ||
                       (live.tcp != nullptr && live.tcp->peer_user_timeout > Duration{});
      if ((view.flags() & tcp_flag::kSyn) != 0) {
        snd_una_ = view.seq() + 1;
        snd_nxt_ = snd_una_ + length;
        out_shift_ = 0;
        edge_.reset();
        acked_.reset();
        if (!passive_) {
          deferred_ = false;
          text_.Starts(view.seq() + 1);
          if (!text_.Sent(view.seq() + 1, std::span(sent.bytes).subspan(view.header_size())))
            Fail("not what was written, with the SYN", live);
        } else {
          syn_ack_ = view.seq() + 1;
          syn_ack_of_ = live.id;
        }
        next_shift_ = options.has_window_scale && shift_ ? options.window_scale : 0;
        expected_ = (view.flags() & tcp_flag::kAck) != 0 ? ack : 1;  // text of the SYN included
        if (passive_ && socket_ == nullptr) read_ = 0;
        continue;
      }
      // What came of a cookie has the scale that the peer's timestamp echoes, or none.
      if (!passive_ || live.id == syn_ack_of_) {
        out_shift_ = next_shift_;
      } else if (live.tcp != nullptr) {
        out_shift_ = live.tcp->receive_window_scale;
      }
      snd_nxt_ = Max(snd_nxt_, view.seq() + length);
      Judged& seen = judged_[passive_ ? 1 : 0];
      if (!text_.Sent(view.seq(), std::span(sent.bytes).subspan(view.header_size())))
        Fail("not what was written", live);
      seen.sent = seen.sent || text_.seen() > 0;
      seen.repeated = seen.repeated || text_.repeated();
      if ((view.flags() & tcp_flag::kAck) == 0) continue;
      expected_ = ack;
      if (!judged) continue;
      acked_ = std::max(acked_.value_or(0), expected_);
      const SeqNum edge = view.ack() + (static_cast<uint32_t>(view.window()) << out_shift_);
      if (edge_.has_value() && edge < *edge_) Fail("the window shrinks", live);
      seen.edges = seen.edges || edge_.has_value();
      edge_ = edge;
    }
  }

  // The connection that the segments of `port_` belong to; without an id when there is none.
  SocketInfo Live() const {
    for (SocketInfo& info : host_.Sockets()) {
      if (info.local.port == port_ && info.state != "LISTEN") return std::move(info);
    }
    return {};
  }
  void Turn(uint64_t id) {
    live_ = id;
    edge_.reset();
    acked_.reset();
  }

  FakeClock clock_;
  Host host_;
  const IpAddress peer_;
  std::unique_ptr<TcpSocket> listener_;
  std::unique_ptr<TcpSocket> socket_;
  uint16_t port_ = 80;
  bool passive_ = false;  // connections are accepted, not dialled
  bool timestamps_ = false;
  uint8_t traffic_class_ = 0;
  bool ae_ = false;
  bool sack_ = false;
  bool user_timeouts_ = false;
  bool shift_ = false;
  bool fast_open_ = false;  // RFC 7413, without cookies
  bool deferred_ = false;   // the SYN waits for the first text
  uint32_t expected_ = 1;  // relative sequence number that the host wants next
  uint32_t read_ = 0;
  uint32_t ts_ = 1000;
  uint32_t host_ts_ = 0;
  SeqNum snd_una_;
  SeqNum snd_nxt_;
  std::optional<SeqNum> edge_;     // of the window, as sent last
  std::optional<uint32_t> acked_;  // what the host acknowledged, relative
  uint64_t live_ = 0;              // whose these two are
  SentText text_;
  std::optional<SeqNum> syn_ack_;  // where the text begins of the one that was answered last
  uint64_t syn_ack_of_ = 0;        // its id; 0: it has none yet (a cookie)
  bool acks_lost_ = false;  // the host could not send at times
  const bool story_ = std::getenv("FUZZ_STORY") != nullptr;
  Judged judged_[2];  // dialled, accepted
  std::set<std::string> states_;
  bool timeout_told_ = false, timeout_heard_ = false;
  uint8_t out_shift_ = 0;
  uint8_t next_shift_ = 0;
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_TCP_FUZZ_COMMANDS_H_
