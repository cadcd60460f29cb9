// TCP (RFC 9293): the protocol of one stack. Hands out sockets, takes segments and ICMP errors from
// IP.
//
// Read connection.h next: it says which file does what.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_TCP_PROTOCOL_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_TCP_PROTOCOL_H_

#include <memory>
#include <vector>

#include "netstack/socket/tcp_socket.h"
#include "netstack/transport/environment.h"
#include "netstack/transport/transport_protocol.h"

namespace moat::netstack {

namespace tcp {
class Core;
}  // namespace tcp

// Which timers of a connection run: who waits without one waits for ever.
struct TcpTimers {
  uint64_t id = 0;           // SocketInfo::id
  bool send = false;         // retransmission, probes of all sorts, SYNs
  bool acknowledge = false;  // a delayed ACK
  bool idle = false;         // keepalive, the end of FIN-WAIT-2 and of TIME-WAIT
};

class TcpProtocol : public TransportProtocol {
 public:
  // Registers its sysctls and counters. `environment.groups` is not used.
  explicit TcpProtocol(const TransportEnvironment& environment);
  // No socket may be left; connections that live on without one are forgotten silently.
  ~TcpProtocol() override;

  std::unique_ptr<TcpSocket> NewSocket(Family family);

  // Always handled: TCP answers what nobody wants with a RST of its own.
  Disposition Receive(const IpPacketIn& packet) override;
  void ReceiveError(const IcmpErrorIn& error) override;
  bool MayHaveSent(const IcmpErrorIn& error) const override;
  // Its connections are reset, and their users told kConnectionAborted.
  void GiveUpAddress(const IpAddress& address, InterfaceIndex interface) override;

  // End of a batch of Receive() and socket calls: sends acknowledgements and window updates that
  // were held back for it.
  void Flush();

  // Stack::NoteArrivals().
  void NoteArrivals(size_t waited);

  // Listeners, connections, and what is in TIME-WAIT.
  void ListSockets(std::vector<SocketInfo>* out) const;
  // Of connections and TIME-WAIT, for tests.
  std::vector<TcpTimers> ListTimers() const;

 private:
  std::unique_ptr<tcp::Core> core_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_TCP_PROTOCOL_H_
