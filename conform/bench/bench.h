// The bench: what a case has in its hands. It sends frames to the device, judges what comes back,
// and has the device do things. Time is the cable's: a fake clock in process, real time on a veth.
//
// Failure is sticky: once something was not as required, everything that follows does nothing and
// gives empty values, so a case is written straight on, without asking whether each step succeeded.
// (Loops over what was received must be bounded by something else than success.)
#ifndef MOAT_CONFORM_BENCH_BENCH_H_
#define MOAT_CONFORM_BENCH_BENCH_H_

#include <chrono>
#include <deque>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "conform/bench/cable.h"
#include "conform/bench/device.h"
#include "conform/bench/match.h"
#include "conform/bench/node.h"
#include "conform/bench/responder.h"
#include "conform/bench/trace.h"
#include "conform/wire/frame.h"
#include "conform/wire/options.h"
#include "conform/wire/packet.h"

namespace moat::conform {

using namespace std::chrono_literals;  // NOLINT: cases speak of 500ms and 3s

using Line = std::source_location;

inline constexpr Duration kSoon = 1s;     // within which an answer is expected
inline constexpr Duration kQuiet = 500ms;  // for which silence is watched

enum class Verdict : uint8_t { kPassed, kFailed, kNotApplicable };

class Socket;

class Bench {
 public:
  Bench(Device& device, Cable& cable);

  // --- Who is who (node.h) -----------------------------------------------------------------------
  const Node device = DeviceNode(0), peer = PeerNode(0), other = OtherNode(0),
             router = RouterNode(0), remote = RemoteNode();
  const Node device1 = DeviceNode(1), peer1 = PeerNode(1), other1 = OtherNode(1),
             router1 = RouterNode(1);

  // --- Frames ------------------------------------------------------------------------------------
  void Send(const Frame& frame, int port = 0);
  void SendBytes(const Bytes& frame, int port = 0);
  void SendAll(const std::vector<Frame>& frames, int port = 0);
  // The next frame that matches; others in front of it are passed over, and gone. Fails when none
  // comes in time, or when the one that does is malformed (checksums, lengths).
  Packet Expect(const Match& match, Duration within = kSoon,
                Line where = Line::current());
  // Fails when a frame that matches comes in this time. What was passed over stays for Expect().
  void ExpectNothing(const Match& match, Duration within = kQuiet,
                     Line where = Line::current());
  // As Expect(), but not coming is no failure: the packet is empty then.
  Packet Poll(const Match& match, Duration within = kSoon);
  // All that match in this time, which is waited for to its end.
  std::vector<Packet> Collect(const Match& match, Duration within);
  // Lets time pass; frames that come are kept for what follows.
  void Wait(Duration time);
  // Forgets what has come so far.
  void Forget();
  Duration Now() const { return cable_.Now(); }

  // The tester's nodes answer ARP and neighbour solicitations for their own addresses, unless told
  // not to.
  void StopAnswering() { responder_.StopAll(); }
  void StopAnswering(const Node& node) { responder_.Stop(node); }
  void StartAnswering(const Node& node) { responder_.Start(node); }
  void StartAnswering(int port, const Ip& ip, const Mac& mac) { responder_.Start(port, ip, mac); }

  // --- Judgement ---------------------------------------------------------------------------------
  bool ok() const { return verdict_ == Verdict::kPassed; }
  void Check(bool condition, std::string_view what, Line where = Line::current());
  void CheckEqual(int64_t seen, int64_t wanted, std::string_view what,
                  Line where = Line::current());
  void CheckBetween(double seen, double low, double high, std::string_view what,
                    Line where = Line::current());
  // The packet (already received) must satisfy this as well.
  void CheckPacket(const Packet& packet, const Match& match, Line where = Line::current());
  void Fail(std::string_view why, Line where = Line::current());
  void NotApplicable(std::string_view why);

  // --- The device --------------------------------------------------------------------------------
  bool Can(uint32_t needs) const { return (device_.abilities() & needs) == needs; }
  void AddAddress(const Prefix& prefix, int port = 0, bool detect_duplicates = false);
  void RemoveAddress(const Prefix& prefix, int port = 0);
  void AddRoute(const Prefix& to, const std::optional<Ip>& gateway, int port = 0, int metric = 0);
  void RemoveRoute(const Prefix& to, const std::optional<Ip>& gateway, int port = 0,
                   int metric = 0);
  void FlushNeighbors();
  void AddNeighbor(const Ip& ip, const Mac& mac, int port = 0);
  void RemoveNeighbor(const Ip& ip, int port = 0);
  void SetMtu(int mtu, int port = 0);
  void SetLinkUp(bool up, int port = 0);
  void SetSysctl(std::string_view name, std::string_view value);
  void SetForwarding4(bool on) { SetSysctl("ipv4.ip_forward", on ? "1" : "0"); }
  void SetForwarding6(bool on) { SetSysctl("ipv6.conf.all.forwarding", on ? "1" : "0"); }
  void Advertise(const Advertising& advertising, int port = 0);
  void StopAdvertising(int port = 0);
  void Filter(const std::vector<Prefix>& sources);
  // Sends one echo request from the device, with `size` bytes of Pattern(). What the device's
  // program gets as an error (no route) is no failure here: whether a frame comes is for Expect()
  // to say.
  void Ping(const Ip& to, size_t size = 8);
  Socket OpenUdp(bool v6 = false);
  Socket OpenTcp(bool v6 = false);

  // --- For who runs the case ---------------------------------------------------------------------
  Verdict verdict() const { return verdict_; }
  const std::string& reason() const { return reason_; }
  const Trace& trace() const { return trace_; }
  // The device, after everything that was sent has arrived there.
  Device& Settled();
  // Judges what a device's action returned: failure, or not applicable.
  bool Accept(const absl::Status& status, std::string_view action);
  bool AcceptErrno(int result, std::string_view action);

 private:
  friend class Socket;
  // Waits for the next frame and puts it into arrived_; false when the deadline came first.
  bool Pump(Duration deadline);
  std::optional<Packet> TakeFirst(const Match& match, size_t from);
  std::string Explain(const Match& match, Duration since) const;

  Device& device_;
  Cable& cable_;
  Responder responder_;
  Trace trace_;
  std::deque<Packet> arrived_;
  Verdict verdict_ = Verdict::kPassed;
  std::string reason_;
  bool unsettled_ = false;  // something was sent since the device last acted
  int ping_socket_[2] = {-1, -1};
};

// --- Frames between nodes ------------------------------------------------------------------------
// Ethernet and IP headers from one node to another; the version is the addresses'.
Frame Ip4(const Node& from, const Node& to);
Frame Ip6(const Node& from, const Node& to);
Frame IpOf(bool v6, const Node& from, const Node& to);
// Ethernet from `from` to the group's or broadcast's link address.
Frame Ip4ToGroup(const Node& from, const Ip& group);
Frame Ip6ToGroup(const Node& from, const Ip& group);  // from its link-local address
Frame Ping4(const Node& from, const Node& to, size_t size = 32, int sequence = 1);  // id 0x4d31
Frame Ping6(const Node& from, const Node& to, size_t size = 32, int sequence = 1);
Frame PingOf(bool v6, const Node& from, const Node& to, size_t size = 32, int sequence = 1);
Frame Udp4(const Node& from, const Node& to, int source_port, int destination_port,
           const Bytes& payload);
Frame Udp6(const Node& from, const Node& to, int source_port, int destination_port,
           const Bytes& payload);
// ARP: who has `target`, asked by `from` to everybody; and `from` answering `to`.
Frame ArpAsk(const Node& from, const Ip& target);
Frame ArpAnswer(const Node& from, const Node& to);
// NDP with hop limit 255 and the link address option.
Frame NeighborSolicitation(const Node& from, const Ip& target);
Frame NeighborAdvertisement(const Node& from, const Node& to, bool solicited, bool override_,
                            bool router = false);
Frame RouterAdvertisement(const Node& router, int lifetime_seconds, const Bytes& options = {});

}  // namespace moat::conform

#endif  // MOAT_CONFORM_BENCH_BENCH_H_
