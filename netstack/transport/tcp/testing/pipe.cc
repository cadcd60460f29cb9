#include "netstack/transport/tcp/testing/pipe.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "netstack/wire/tcp.h"

namespace moat::netstack::tcp {
namespace {

IpAddress AddressOf(Family family, uint8_t host) {
  if (family == Family::kIpv4) return IpAddress::V4(192, 0, 2, host);
  return *IpAddress::Parse(host == 1 ? "2001:db8::1" : "2001:db8::2");
}

}  // namespace

Pipe::Pipe(const PipeOptions& options, Family family)
    : options_(options),
      a_(clock_, AddressOf(family, 1), options.seed * 2 + 1),
      b_(clock_, AddressOf(family, 2), options.seed * 2 + 2),
      random_(options.seed) {
  free_at_[0] = free_at_[1] = clock_.Now();
}

void Pipe::Collect(Host& host, bool to_b) {
  host.tcp->Flush();
  while (!host.ip.sent().empty()) {
    FakeIp::Sent sent = host.ip.Take();
    if (filter && !filter(sent)) {
      ++dropped_;
    } else if (sent.gso != GsoType::kNone && !options_.keep_gso) {
      Cut(sent, to_b);
    } else {
      Launch(std::move(sent), to_b);
    }
  }
}

void Pipe::Cut(const FakeIp::Sent& sent, bool to_b) {
  TcpView view;
  (void)TcpView::Parse(sent.bytes, &view);
  const size_t header = view.header_size();
  for (size_t at = header; at < sent.bytes.size(); at += sent.gso_size) {
    const size_t size = std::min<size_t>(sent.gso_size, sent.bytes.size() - at);
    FakeIp::Sent piece = sent;
    piece.gso = GsoType::kNone;
    piece.gso_size = 0;
    piece.bytes.assign(sent.bytes.begin(), sent.bytes.begin() + static_cast<long>(header));
    piece.bytes.insert(piece.bytes.end(), sent.bytes.begin() + static_cast<long>(at),
                       sent.bytes.begin() + static_cast<long>(at + size));
    StoreBe32(piece.bytes.data() + 4, (view.seq() + static_cast<uint32_t>(at - header)).value());
    if (at + size < sent.bytes.size()) {
      piece.bytes[13] &= static_cast<uint8_t>(~(tcp_flag::kFin | tcp_flag::kPsh));
    }
    Launch(std::move(piece), to_b);
  }
}

void Pipe::Launch(FakeIp::Sent sent, bool to_b) {
  ++packets_;
  const uint8_t codepoint = sent.traffic_class & 3;
  if (options_.mark > 0 && (codepoint == 1 || codepoint == 2) && Chance() < options_.mark)
    sent.traffic_class |= 3;
  if (Chance() < options_.loss) {
    ++dropped_;
    return;
  }
  Time at = clock_.Now();
  if (options_.bits_per_second != 0) {
    Time& free_at = free_at_[to_b ? 1 : 0];
    const auto serialize =
        Duration(sent.bytes.size() * 8 * 1'000'000'000 / options_.bits_per_second);
    free_at = std::max(free_at, at) + serialize;
    if ((free_at - at) / std::max(serialize, Duration(1)) >
        static_cast<int64_t>(options_.queue_packets)) {
      free_at -= serialize;
      ++dropped_;
      return;
    }
    at = free_at;
  }
  at += options_.delay;
  if (Chance() < options_.reorder)
    at += options_.delay * static_cast<int64_t>(random_.Below(1000)) / 250;
  const bool twice = Chance() < options_.duplicate;
  if (twice) flying_.emplace(at + options_.delay / 2, Packet{to_b, sent});
  flying_.emplace(at, Packet{to_b, std::move(sent)});
}

void Pipe::Deliver(const Packet& packet) {
  Host& host = packet.to_b ? b_ : a_;
  IpPacketIn in;
  in.source = packet.sent.source;
  in.destination = packet.sent.destination;
  in.interface = 2;
  in.protocol = packet.sent.protocol;
  in.traffic_class = packet.sent.traffic_class;
  in.hop_limit = 64;
  in.payload = Slice::Copy(packet.sent.bytes);
  // The fake completes no checksum of a super-segment.
  in.checksum = packet.sent.gso != GsoType::kNone ? RxChecksum::kVerified : RxChecksum::kUnverified;
  if (!options_.keep_gso) in.checksum = RxChecksum::kVerified;
  in.gso_size = packet.sent.gso != GsoType::kNone ? packet.sent.gso_size : 0;
  (void)host.tcp->Receive(in);
}

bool Pipe::RunUntil(const std::function<bool()>& done, Duration limit,
                    const std::function<void()>& work) {
  const Time end = clock_.Now() + limit;
  while (true) {
    work();
    Collect(a_, true);
    Collect(b_, false);
    if (done()) return true;
    Time next = std::min(a_.NextDeadline(), b_.NextDeadline());
    if (!flying_.empty()) next = std::min(next, flying_.begin()->first);
    if (next > end) {
      clock_.Set(end);
      return done();
    }
    clock_.Set(std::max(next, clock_.Now()));
    while (!flying_.empty() && flying_.begin()->first <= clock_.Now()) {
      const Packet packet = std::move(flying_.begin()->second);
      flying_.erase(flying_.begin());
      Deliver(packet);
    }
    a_.RunTimers();
    b_.RunTimers();
  }
}

namespace {

// One end of a transfer: writes `to_send`, then closes its side, and checks what it reads.
struct End {
  End(std::unique_ptr<TcpSocket> own, uint64_t pattern, size_t out, size_t in)
      : socket(std::move(own)), seed(pattern), to_send(out), to_receive(in) {}

  std::unique_ptr<TcpSocket> socket;
  uint64_t seed;
  size_t to_send;
  size_t to_receive;
  size_t sent = 0;
  size_t received = 0;
  bool shut = false;
  std::string problem;

  void Work(uint64_t peer_seed) {
    if (socket == nullptr || !problem.empty()) return;
    while (sent < to_send) {
      const size_t space = socket->WriteSpace();
      const size_t size = std::min<size_t>({space, to_send - sent, 65536});
      if (size == 0) break;
      const Error error = socket->Write(Pattern(seed + sent, size), false);
      if (error != Error::kOk) {
        problem = absl::StrCat("write: ", std::string(ErrorName(error)));
        return;
      }
      sent += size;
    }
    if (sent == to_send && !shut) {
      shut = true;
      (void)socket->Shutdown(ShutdownHow::kWrite);
    }
    while (socket->ReadableBytes() > 0 && problem.empty()) ReadSome(peer_seed);
    const Error error = socket->TakeError();
    if (error != Error::kOk) problem = absl::StrCat("error: ", std::string(ErrorName(error)));
  }
  void ReadSome(uint64_t peer_seed) {
    std::span<const uint8_t> pieces[64];
    const size_t count = socket->Peek(pieces);
    for (size_t i = 0; i < count; ++i) {
      const Slice want = Pattern(peer_seed + received, pieces[i].size());
      if (!std::equal(pieces[i].begin(), pieces[i].end(), want.data())) {
        problem = absl::StrCat("wrong octets at ", received);
        return;
      }
      received += pieces[i].size();
      socket->Consume(pieces[i].size());
    }
  }
  bool Done() const { return shut && received == to_receive && socket->AtEndOfStream(); }
};

}  // namespace

std::string Transfer(Pipe& pipe, size_t size, size_t reply, Duration limit, TcpInfo* client_info,
                     TcpInfo* server_info) {
  const Family family = pipe.a().address.family();
  auto listener = pipe.b().tcp->NewSocket(family);
  Endpoint at;
  at.address = IpAddress::Any(family);
  if (listener->Bind(at) != Error::kOk || listener->Listen(8) != Error::kOk) return "listen";
  End client(pipe.a().tcp->NewSocket(family), 7, size, reply);
  End server(nullptr, 99, reply, size);
  at.address = pipe.b().address;
  at.port = listener->Local().port;
  if (client.socket->Connect(at) != Error::kInProgress) return "connect";
  const auto work = [&] {
    if (server.socket == nullptr) {
      auto accepted = listener->Accept();
      if (accepted.ok()) server.socket = std::move(*accepted);
    }
    if (client.socket->state() != TcpState::kSynSent) client.Work(server.seed);
    server.Work(client.seed);
  };
  const auto done = [&] {
    if (!client.problem.empty() || !server.problem.empty()) return true;
    return server.socket != nullptr && client.Done() && server.Done();
  };
  const bool finished = pipe.RunUntil(done, limit, work);
  if (client_info != nullptr) *client_info = client.socket->Info();
  if (server_info != nullptr && server.socket != nullptr) *server_info = server.socket->Info();
  if (!client.problem.empty()) return absl::StrCat("client: ", client.problem);
  if (!server.problem.empty()) return absl::StrCat("server: ", server.problem);
  if (!finished) {
    const TcpInfo info = client.socket->Info();
    return absl::StrCat("stalled: server got ", server.received, " of ", size, ", client got ",
                        client.received, " of ", reply, "; client recovery ", info.ca_state,
                        " unacked ", info.unacked, " lost ", info.lost, " rto ms ",
                        info.rto.count() / 1000000, " send window ", info.send_window, " cwnd ",
                        info.congestion_window);
  }
  return "";
}

}  // namespace moat::netstack::tcp
