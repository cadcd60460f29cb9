// A host and a peer that a test plays: the fixture of packet stories.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_TESTING_STORY_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_TESTING_STORY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "netstack/transport/tcp/testing/host.h"
#include "netstack/transport/tcp/testing/packet.h"

namespace moat::netstack::tcp {

class Story : public testing::Test {
 protected:
  static constexpr uint16_t kHostPort = 80;
  static constexpr uint16_t kPeerPort = 4321;
  static constexpr uint32_t kPeerIss = 0xfffffe00u;  // so that every story crosses the wrap

  explicit Story(Family family = Family::kIpv4);

  // --- The peer --------------------------------------------------------------------------------
  void Send(const Packet& packet);          // and what it causes at once
  void SendBatched(const Packet& packet);   // the batch goes on
  void Flush() { host.tcp->Flush(); }
  Packet Next();                            // the oldest segment the host sent; Nothing() when none
  std::vector<Packet> All();
  bool Quiet() { return host.ip.sent().empty(); }
  void Advance(Duration time);              // fires timers on the way
  void SendIcmp(IcmpErrorIn::Kind kind, Error error, uint32_t seq, uint32_t mtu = 0);

  // --- The host --------------------------------------------------------------------------------
  void Listen(int backlog = 16);
  std::unique_ptr<TcpSocket> Accept();  // null when none waits
  // To SYN-SENT with `socket`; the SYN is still to be taken.
  void BeginConnect();
  // To SYN-SENT; the SYN is taken.
  void Connect();
  // ESTABLISHED by the host's connect. `syn_ack` carries the peer's options; window 65535.
  void Establish(Packet syn_ack = Packet().Mss(1460));
  // ESTABLISHED by the peer's.
  void EstablishPassive(Packet syn = Packet().Mss(1460));
  Error Write(std::string_view text, bool more = false) {
    const Error error = socket->Write(Bytes(text), more);
    return error;
  }
  Error WriteBytes(size_t size) { return socket->Write(Pattern(0, size), false); }
  std::string Read() { return ReadAll(*socket); }
  // Changes options of `socket`.
  template <typename Change>
  void SetTcp(Change change) {
    TcpOptions options = socket->tcp_options();
    change(options);
    socket->SetTcpOptions(options);
  }
  TcpState state() const { return socket->state(); }
  uint64_t Counter(std::string_view name) const { return host.Counter(name); }

  FakeClock clock;
  Host host;
  IpAddress peer;
  RecordingObserver observer;
  std::unique_ptr<TcpSocket> listener;
  std::unique_ptr<TcpSocket> socket;
  SeqNum host_iss;
  uint16_t host_port = kHostPort;
  uint16_t peer_port = kPeerPort;
  uint32_t host_ts = 0;   // raw TSval of the last segment taken
  bool broadcast = false; // the next Send() says it came by broadcast
  uint8_t hops = 64;      // the TTL that is left of what is sent, or that an ICMP error quotes
  std::vector<uint8_t> ip_header;  // of what is sent; empty: IP does not show it

 private:
  Packet Decode(const FakeIp::Sent& sent);
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_TESTING_STORY_H_
