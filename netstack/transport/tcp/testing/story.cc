#include "netstack/transport/tcp/testing/story.h"

#include <algorithm>
#include <array>

#include "netstack/wire/checksum.h"

namespace moat::netstack::tcp {
namespace {

IpAddress AddressOf(Family family, const char* v4, const char* v6) {
  return *IpAddress::Parse(family == Family::kIpv4 ? v4 : v6);
}

}  // namespace

Story::Story(Family family)
    : host(clock, AddressOf(family, "192.0.2.1", "2001:db8::1"), 42),
      peer(AddressOf(family, "192.0.2.2", "2001:db8::2")) {}

void Story::Send(const Packet& packet) {
  SendBatched(packet);
  Flush();
}

void Story::SendBatched(const Packet& packet) {
  TcpOptionSet options;
  if (packet.mss) {
    options.has_mss = true;
    options.mss = *packet.mss;
  }
  if (packet.shift) {
    options.has_window_scale = true;
    options.window_scale = *packet.shift;
  }
  options.sack_permitted = packet.sack_ok.value_or(false);
  if (packet.timestamps) {
    options.has_timestamps = true;
    options.ts_value = packet.timestamps->first;
    options.ts_echo = packet.timestamps->second;
  }
  if (packet.sack) {
    for (const auto& [start, end] : *packet.sack) {
      options.sack[options.sack_count++] = {host_iss + start, host_iss + end};
    }
  }
  if (packet.cookie) {
    options.has_fast_open = true;
    options.fast_open_size = static_cast<uint8_t>(packet.cookie->size());
    options.fast_open = reinterpret_cast<const uint8_t*>(packet.cookie->data());
  }
  options.user_timeout = packet.user_timeout.value_or(0);
  std::vector<uint8_t> accecn;
  if (packet.accecn && packet.accecn->first != 0) {
    for (const uint32_t field : packet.accecn->second) {
      for (const int shift : {16, 8, 0}) accecn.push_back(static_cast<uint8_t>(field >> shift));
    }
    options.accecn_kind = packet.accecn->first;
    options.accecn_fields = static_cast<uint8_t>(packet.accecn->second.size());
    options.accecn = accecn.data();
  }
  std::array<uint8_t, kTcpMaxHeaderSize> header{};
  TcpFields fields;
  fields.source_port = peer_port;
  fields.destination_port = host_port;
  fields.seq = SeqNum(kPeerIss) + packet.seq.value_or(0);
  fields.flags = packet.flags | FlagsOfAce(packet.ace.value_or(0));
  fields.ae = AeOfAce(packet.ace.value_or(0));
  if (packet.ack) fields.ack = host_iss + *packet.ack;
  fields.window = packet.wnd.value_or(65535);
  fields.urgent_pointer = packet.urgent.value_or(0);
  fields.options_size = EmitTcpOptions(options, header.data() + kTcpHeaderSize);
  EmitTcp(fields, header.data());
  const std::string data = packet.data.value_or(std::string(packet.size.value_or(0), 'x'));
  Slice bytes = Slice::Allocate(kTcpHeaderSize + fields.options_size + data.size());
  std::copy_n(header.data(), kTcpHeaderSize + fields.options_size, bytes.mutable_data());
  std::copy(data.begin(), data.end(),
            bytes.mutable_data() + kTcpHeaderSize + fields.options_size);
  Checksum sum;
  sum.AddPseudoHeader(peer, host.address, ip_protocol::kTcp, static_cast<uint32_t>(bytes.size()));
  sum.Add(bytes.span());
  StoreBe16(bytes.mutable_data() + kTcpChecksumOffset, sum.Finish());
  IpPacketIn in;
  in.source = peer;
  in.destination = host.address;
  in.interface = 2;
  in.protocol = ip_protocol::kTcp;
  in.hop_limit = hops;
  in.to_broadcast = broadcast;
  if (!ip_header.empty()) {
    std::vector<uint8_t> whole = ip_header;
    whole.insert(whole.end(), bytes.span().begin(), bytes.span().end());
    in.ip_packet = Slice::Copy(whole);
  }
  in.payload = std::move(bytes);
  in.gso_size = packet.gso_size.value_or(0);
  in.traffic_class = packet.ecn.value_or(0);
  EXPECT_EQ(host.tcp->Receive(in), TransportProtocol::Disposition::kHandled);
}

Packet Story::Decode(const FakeIp::Sent& sent) {
  TcpView view;
  EXPECT_TRUE(TcpView::Parse(sent.bytes, &view));
  EXPECT_EQ(sent.destination, peer);
  if (sent.gso == GsoType::kNone) {
    EXPECT_TRUE(TransportChecksumValid(sent.source, sent.destination, sent.protocol, sent.bytes));
  }
  if ((view.flags() & tcp_flag::kSyn) != 0) host_iss = view.seq();
  const TcpOptionSet options = ParseTcpOptions(view.options());
  Packet packet;
  packet.flags = view.flags();
  packet.seq = view.seq() - host_iss;
  if ((view.flags() & tcp_flag::kAck) != 0) packet.ack = view.ack() - SeqNum(kPeerIss);
  packet.wnd = view.window();
  packet.urgent = view.urgent_pointer();
  packet.data.emplace(sent.bytes.begin() + static_cast<long>(view.header_size()), sent.bytes.end());
  if (options.has_mss) packet.mss = options.mss;
  if (options.has_window_scale) packet.shift = options.window_scale;
  packet.sack_ok = options.sack_permitted;
  if (options.has_fast_open) {
    packet.cookie =
        std::string(reinterpret_cast<const char*>(options.fast_open), options.fast_open_size);
  }
  if (options.has_timestamps) {
    packet.timestamps = {options.ts_value, options.ts_echo};
    host_ts = options.ts_value;
  }
  packet.user_timeout = options.user_timeout;
  packet.sack.emplace();
  for (size_t i = 0; i < options.sack_count; ++i) {
    packet.sack->emplace_back(options.sack[i].start - SeqNum(kPeerIss),
                              options.sack[i].end - SeqNum(kPeerIss));
  }
  packet.ecn = sent.traffic_class & 3;
  packet.ace = AceOf(view.ae(), view.flags());
  packet.accecn.emplace();
  packet.accecn->first = options.accecn_kind;
  for (size_t i = 0; i < options.accecn_fields; ++i) {
    const uint8_t* p = options.accecn + 3 * i;
    packet.accecn->second.push_back(static_cast<uint32_t>(p[0]) << 16 |
                                    static_cast<uint32_t>(p[1]) << 8 | p[2]);
  }
  if (sent.gso != GsoType::kNone) packet.gso_size = sent.gso_size;
  return packet;
}

Packet Story::Next() {
  if (host.ip.sent().empty()) return Nothing();
  return Decode(host.ip.Take());
}

std::vector<Packet> Story::All() {
  std::vector<Packet> all;
  while (!Quiet()) all.push_back(Next());
  return all;
}

void Story::Advance(Duration time) {
  const Time end = clock.Now() + time;
  for (Time next = host.NextDeadline(); next <= end; next = host.NextDeadline()) {
    clock.Set(std::max(next, clock.Now()));
    host.RunTimers();
  }
  clock.Set(end);
  host.RunTimers();
}

void Story::SendIcmp(IcmpErrorIn::Kind kind, Error error, uint32_t seq, uint32_t mtu) {
  std::array<uint8_t, 8> quoted{};
  StoreBe16(quoted.data(), host_port);
  StoreBe16(quoted.data() + 2, peer_port);
  StoreBe32(quoted.data() + 4, (host_iss + seq).value());
  IcmpErrorIn in{};
  in.kind = kind;
  in.error = error;
  in.hard = true;
  in.mtu = mtu;
  in.offender = peer;
  in.hop_limit = hops;
  in.source = host.address;
  in.destination = peer;
  in.interface = 2;
  in.protocol = ip_protocol::kTcp;
  in.quoted_transport = quoted;
  host.tcp->ReceiveError(in);
  Flush();
}

void Story::Listen(int backlog) {
  listener = host.tcp->NewSocket(host.address.family());
  Endpoint at;
  at.address = IpAddress::Any(host.address.family());
  at.port = kHostPort;
  ASSERT_EQ(listener->Bind(at), Error::kOk);
  ASSERT_EQ(listener->Listen(backlog), Error::kOk);
}

std::unique_ptr<TcpSocket> Story::Accept() {
  auto accepted = listener->Accept();
  if (!accepted.ok()) return nullptr;
  return std::move(*accepted);
}

void Story::BeginConnect() {
  socket->SetObserver(&observer);
  Endpoint to;
  to.address = peer;
  to.port = peer_port;
  ASSERT_EQ(socket->Connect(to), Error::kInProgress);
  host_port = socket->Local().port;
}

void Story::Connect() {
  if (socket == nullptr) socket = host.tcp->NewSocket(host.address.family());
  BeginConnect();
  ASSERT_THAT(Next(), Is(Syn().Seq(0)));
}

void Story::Establish(Packet syn_ack) {
  Connect();
  Send(syn_ack.Flag(tcp_flag::kSyn).Seq(0).Ack(1));
  ASSERT_EQ(socket->state(), TcpState::kEstablished);
  ASSERT_THAT(Next(), Is(Ack(1).Seq(1)));
  ASSERT_TRUE(Quiet());
}

void Story::EstablishPassive(Packet syn) {
  Listen();
  Send(syn.Flag(tcp_flag::kSyn).Seq(0));
  ASSERT_THAT(Next(), Is(SynAck().Seq(0).Ack(1)));
  Packet ack = Ack(1).Seq(1);
  if (syn.timestamps) ack.Ts(syn.timestamps->first, host_ts);
  Send(ack);
  socket = Accept();
  ASSERT_NE(socket, nullptr);
  socket->SetObserver(&observer);
  ASSERT_TRUE(Quiet());
}

}  // namespace moat::netstack::tcp
