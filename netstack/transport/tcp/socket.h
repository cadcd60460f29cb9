// The handle that the user holds: fresh, bound, listening, connecting, connected or dead. It owns
// what a socket is before it is a connection, and points to the connection or listener afterwards.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_SOCKET_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_SOCKET_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "netstack/socket/tcp_socket.h"
#include "netstack/transport/ports.h"
#include "netstack/transport/tcp/core.h"
#include "netstack/transport/tcp/listener.h"

namespace moat::netstack::tcp {

class Socket final : public TcpSocket {
 public:
  Socket(Core& core, Family family);
  Socket(Core& core, Family family, Connection* accepted);
  ~Socket() override;

  uint64_t id() const override { return id_; }
  Family family() const override { return family_; }
  void SetObserver(SocketObserver* observer) override;
  uint32_t Ready() const override;

  Error Bind(const Endpoint& local) override;
  Error Connect(const Endpoint& remote) override;
  Error Disconnect() override;
  Error Listen(int backlog) override;
  Result<std::unique_ptr<TcpSocket>> Accept() override;
  Endpoint Local() const override;
  Result<Endpoint> Remote() const override;
  TcpState state() const override;

  size_t WriteSpace() const override;
  Error Write(Slice data, bool more) override;
  Error WriteUrgent(Slice data) override;
  size_t Peek(std::span<std::span<const uint8_t>> pieces) const override;
  size_t ReadableBytes() const override;
  std::optional<int32_t> UrgentEnd() const override;
  void Consume(size_t n) override;
  bool AtEndOfStream() const override;
  Error Shutdown(ShutdownHow how) override;
  void Abort() override;
  Error TakeError() override;

  const SocketOptions& options() const override { return settings().socket; }
  void SetOptions(const SocketOptions& options) override;
  const TcpOptions& tcp_options() const override { return settings().tcp; }
  void SetTcpOptions(const TcpOptions& options) override;
  Error SetCongestionControl(std::string_view name) override;
  std::string_view congestion_control() const override;
  TcpInfo Info() const override;
  Result<std::vector<uint8_t>> TakeSavedSyn(size_t room) override;
  size_t UnackedBytes() const override;
  size_t UnsentBytes() const override;

 private:
  // What a socket that Accept() returned never needs, unless it is disconnected.
  struct Unconnected {
    Unconnected(Family family, SharedSettings initial) : settings(std::move(initial)) {
      bound.address = IpAddress::Any(family);
    }

    SharedSettings settings;            // null while the connection or the listener has them
    PortReservation port;
    Endpoint bound;                     // what Bind() was told, with the port that was found
    bool explicitly_bound = false;
    std::string congestion_control;     // chosen before there was a connection
  };

  const Settings& settings() const;
  void Apply(const Settings& settings);
  Error CheckFamily(const Endpoint& endpoint) const;
  Error BindTo(const Endpoint& local);
  Error ReservePort(const FlowKey& key, const Endpoint& remote, PortReservation* port);
  void DropConnection();
  InterfaceIndex DeviceFor(const Endpoint& endpoint) const;

  Core& core_;
  const uint64_t id_;
  const Family family_;
  Connection* connection_ = nullptr;    // the core's; given back by Close()
  std::unique_ptr<Listener> listener_;
  SocketObserver* observer_ = nullptr;
  std::unique_ptr<Unconnected> own_;    // null for an accepted connection
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_SOCKET_H_
