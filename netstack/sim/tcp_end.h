// What the ends of a TCP flow share: sockets with the flow's options, bytes in and out, and a
// meter.
#ifndef MOAT_NETSTACK_SIM_TCP_END_H_
#define MOAT_NETSTACK_SIM_TCP_END_H_

#include <cstdint>
#include <memory>
#include <string>

#include "netstack/sim/flow.h"

namespace moat::netstack::sim {

// Keeps the last figures of a socket, which are gone once its connection is.
class TcpMeter : public TimerWatcher {
 public:
  ~TcpMeter() override { Close(); }
  void Open(Host& host, const TcpSocket* socket);
  void Close();  // takes the last figures
  void Take();
  void BeforeTimers() override;
  void AfterTimers() override;

  const TcpInfo& info() const { return info_; }
  uint64_t timeouts() const { return timeouts_; }

 private:
  Host* host_ = nullptr;
  const TcpSocket* socket_ = nullptr;
  TcpInfo info_;
  uint64_t timeouts_ = 0;
  uint8_t retransmits_before_ = 0;
};

class TcpFlow;

// One end: a program with a connection.
class TcpEnd : public Program {
 public:
  TcpEnd(TcpFlow& flow, Host& host);

  TcpMeter& meter() { return meter_; }

 protected:
  TcpFlow& flow() { return flow_; }
  TcpSocket* socket() { return socket_.get(); }
  void Connect();
  void Listen();
  // True once a server's end has its connection.
  bool Accepted();
  // An error of the connection fails the flow. True when there was one.
  bool Failed();
  // Writes the pattern up to position `end` as far as there is room; true when all is written.
  bool Write(uint64_t end);
  // Reads and checks what is there. Returns how much.
  uint64_t Read();
  bool AtEnd() { return socket_->AtEndOfStream(); }
  void CloseWriting() { (void)socket_->Shutdown(ShutdownHow::kWrite); }

 private:
  void Configure(TcpSocket& socket);
  void Own(std::unique_ptr<TcpSocket> socket);

  TcpFlow& flow_;
  std::unique_ptr<TcpSocket> listener_;
  std::unique_ptr<TcpSocket> socket_;
  uint64_t written_ = 0, read_ = 0;
  TcpMeter meter_;
};

// A flow with a client on `from` and a server on `to`.
class TcpFlow : public Flow {
 public:
  using Flow::Flow;
  using Flow::AddRtt;

 protected:
  // `sender` is the end whose windows are shown; the round trips of both count.
  void MeasureTcp(TcpEnd& sender, FlowPoint& point, bool mean);
  void CloseTcp(TcpEnd& client, TcpEnd& server, bool rtt);

 private:
  Duration last_measure_{0};
};

}  // namespace moat::netstack::sim

#endif  // MOAT_NETSTACK_SIM_TCP_END_H_
