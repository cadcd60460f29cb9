#include "conform/bench/bench.h"

#include <cstring>

#include "conform/bench/socket.h"

namespace moat::conform {
namespace {

std::string Place(const Line& where) {
  std::string_view file = where.file_name();
  if (const size_t slash = file.rfind('/'); slash != file.npos) file.remove_prefix(slash + 1);
  return std::string(file) + ":" + std::to_string(where.line()) + ": ";
}

}  // namespace

Bench::Bench(Device& device, Cable& cable) : device_(device), cable_(cable) {}

// --- Frames ------------------------------------------------------------------------------------

void Bench::Send(const Frame& frame, int port) { SendBytes(frame.Build(), port); }

void Bench::SendBytes(const Bytes& frame, int port) {
  if (!ok()) return;
  trace_.Add(/*sent=*/true, Packet::OfFrame(frame, port, Now()));
  cable_.Send(port, frame);
  unsettled_ = true;
}

void Bench::SendAll(const std::vector<Frame>& frames, int port) {
  for (const Frame& frame : frames) Send(frame, port);
}

bool Bench::Pump(Duration deadline) {
  const std::optional<SeenFrame> seen = cable_.Receive(deadline);
  if (!seen.has_value()) return false;
  Packet packet = Packet::OfFrame(seen->bytes, seen->port, seen->time);
  trace_.Add(/*sent=*/false, packet);
  if (const auto answer = responder_.AnswerTo(packet); answer.has_value()) {
    Send(*answer, packet.port());
  }
  arrived_.push_back(std::move(packet));
  return true;
}

std::optional<Packet> Bench::TakeFirst(const Match& match, size_t from) {
  for (size_t i = from; i < arrived_.size(); ++i) {
    if (!match(arrived_[i])) continue;
    Packet packet = std::move(arrived_[i]);
    arrived_.erase(arrived_.begin(), arrived_.begin() + static_cast<ptrdiff_t>(i) + 1);
    return packet;
  }
  return std::nullopt;
}

Packet Bench::Poll(const Match& match, Duration within) {
  if (!ok()) return Packet();
  const Duration deadline = Now() + within;
  size_t judged = 0;
  while (true) {
    if (auto packet = TakeFirst(match, judged); packet.has_value()) return *packet;
    judged = arrived_.size();
    if (!Pump(deadline)) return Packet();
  }
}

Packet Bench::Expect(const Match& match, Duration within, Line where) {
  if (!ok()) return Packet();
  const Duration since = Now();
  Packet packet = Poll(match, within);
  if (packet.empty()) {
    Fail("no " + match.text() + Explain(match, since), where);
    return packet;
  }
  if (!packet.problems().empty()) {
    Fail("malformed: " + packet.Summary(), where);
    return Packet();
  }
  return packet;
}

// The frames that came instead, and why each was not it.
std::string Bench::Explain(const Match& match, Duration since) const {
  std::string text;
  for (const Packet& packet : arrived_) {
    if (packet.time() < since - 1s) continue;
    text += (text.empty() ? "; instead: " : " | ") + packet.Summary() + ": " + match.Why(packet);
    if (text.size() > 600) return text + " ...";
  }
  return text;
}

void Bench::ExpectNothing(const Match& match, Duration within, Line where) {
  if (!ok()) return;
  const Duration deadline = Now() + within;
  size_t judged = 0;
  while (true) {
    for (; judged < arrived_.size(); ++judged) {
      if (match(arrived_[judged])) {
        return Fail("not expected: " + arrived_[judged].Summary(), where);
      }
    }
    if (!Pump(deadline)) return;
  }
}

std::vector<Packet> Bench::Collect(const Match& match, Duration within) {
  if (!ok()) return {};
  const Duration deadline = Now() + within;
  while (Pump(deadline)) {
  }
  std::vector<Packet> packets;
  for (const Packet& packet : arrived_) {
    if (match(packet)) packets.push_back(packet);
  }
  arrived_.clear();
  return packets;
}

void Bench::Wait(Duration time) {
  if (!ok()) return;
  const Duration deadline = Now() + time;
  while (Pump(deadline)) {
  }
}

void Bench::Forget() {
  while (ok() && Pump(Now())) {
  }
  arrived_.clear();
}

// --- Judgement ---------------------------------------------------------------------------------

void Bench::Fail(std::string_view why, Line where) {
  if (!ok()) return;
  verdict_ = Verdict::kFailed;
  reason_ = Place(where) + std::string(why);
}

void Bench::NotApplicable(std::string_view why) {
  if (!ok()) return;
  verdict_ = Verdict::kNotApplicable;
  reason_ = std::string(why);
}

void Bench::Check(bool condition, std::string_view what, Line where) {
  if (!condition) Fail(what, where);
}

void Bench::CheckEqual(int64_t seen, int64_t wanted, std::string_view what, Line where) {
  if (seen == wanted) return;
  Fail(std::string(what) + " is " + std::to_string(seen) + ", wanted " + std::to_string(wanted),
       where);
}

void Bench::CheckBetween(double seen, double low, double high, std::string_view what,
                         Line where) {
  if (seen >= low && seen <= high) return;
  Fail(std::string(what) + " is " + std::to_string(seen) + ", wanted " + std::to_string(low) +
           " to " + std::to_string(high),
       where);
}

void Bench::CheckPacket(const Packet& packet, const Match& match, Line where) {
  if (!ok()) return;
  if (const std::string why = match.Why(packet); !why.empty()) {
    Fail(packet.Summary() + ": " + why, where);
  }
}

// --- The device --------------------------------------------------------------------------------

Device& Bench::Settled() {
  if (unsettled_ && cable_.settle_time() > Duration(0)) Wait(cable_.settle_time());
  unsettled_ = false;
  return device_;
}

bool Bench::Accept(const absl::Status& status, std::string_view action) {
  if (status.ok()) return true;
  const std::string text = std::string(action) + ": " + std::string(status.message());
  if (absl::IsUnimplemented(status)) {
    NotApplicable("the device cannot " + text);
  } else {
    Fail("the device failed to " + text);
  }
  return false;
}

bool Bench::AcceptErrno(int result, std::string_view action) {
  if (result >= 0) return true;
  const std::string text = std::string(action) + ": " + std::strerror(-result);
  if (result == -ENOSYS || result == -ENOPROTOOPT) {
    NotApplicable("the device cannot " + text);
  } else {
    Fail("the device failed to " + text);
  }
  return false;
}

void Bench::AddAddress(const Prefix& prefix, int port, bool detect_duplicates) {
  if (ok()) Accept(Settled().AddAddress(port, prefix, detect_duplicates), "add an address");
}
void Bench::RemoveAddress(const Prefix& prefix, int port) {
  if (ok()) Accept(Settled().RemoveAddress(port, prefix), "remove an address");
}
void Bench::AddRoute(const Prefix& to, const std::optional<Ip>& gateway, int port, int metric) {
  if (ok()) Accept(Settled().AddRoute(to, gateway, port, metric), "add a route");
}
void Bench::RemoveRoute(const Prefix& to, const std::optional<Ip>& gateway, int port,
                        int metric) {
  if (ok()) Accept(Settled().RemoveRoute(to, gateway, port, metric), "remove a route");
}
void Bench::FlushNeighbors() {
  if (ok()) Accept(Settled().FlushNeighbors(), "flush neighbours");
}
void Bench::AddNeighbor(const Ip& ip, const Mac& mac, int port) {
  if (ok()) Accept(Settled().AddNeighbor(port, ip, mac), "add a neighbour");
}
void Bench::RemoveNeighbor(const Ip& ip, int port) {
  if (ok()) Accept(Settled().RemoveNeighbor(port, ip), "remove a neighbour");
}
void Bench::SetMtu(int mtu, int port) {
  if (ok()) Accept(Settled().SetMtu(port, mtu), "set the MTU");
}
void Bench::SetLinkUp(bool up, int port) {
  if (ok()) Accept(Settled().SetLinkUp(port, up), "set the link's state");
}
void Bench::SetSysctl(std::string_view name, std::string_view value) {
  if (ok()) Accept(Settled().SetSysctl(name, value), "set " + std::string(name));
}

void Bench::Advertise(const Advertising& advertising, int port) {
  if (ok()) Accept(Settled().Advertise(port, advertising), "advertise as a router");
}
void Bench::Filter(const std::vector<Prefix>& sources) {
  if (ok()) Accept(Settled().Filter(sources), "filter");
}
void Bench::StopAdvertising(int port) {
  if (ok()) Accept(Settled().StopAdvertising(port), "stop to advertise");
}

void Bench::Ping(const Ip& to, size_t size) {
  if (!ok()) return;
  int& socket = ping_socket_[to.v6() ? 1 : 0];
  if (socket < 0) socket = Settled().Open(SocketType::kPing, to.v6());
  if (!AcceptErrno(socket, "open a ping socket")) return;
  Bytes message(8);
  message[0] = static_cast<uint8_t>(to.v6() ? icmp6::kEcho : icmp4::kEcho);
  message[7] = 1;  // sequence
  (void)Settled().TakeError(socket);
  (void)Settled().Send(socket, Join({message, Pattern(size)}), Endpoint{to, 0}, /*urgent=*/false);
}

Socket Bench::OpenUdp(bool v6) { return Socket(*this, SocketType::kUdp, v6); }
Socket Bench::OpenTcp(bool v6) { return Socket(*this, SocketType::kTcp, v6); }

}  // namespace moat::conform
