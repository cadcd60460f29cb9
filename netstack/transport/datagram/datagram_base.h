// What UDP and ping sockets have in common: names, the receive and error queues, readiness,
// options, groups, and the decisions about one outgoing datagram. A protocol adds its header and
// its table.
#ifndef MOAT_NETSTACK_TRANSPORT_DATAGRAM_DATAGRAM_BASE_H_
#define MOAT_NETSTACK_TRANSPORT_DATAGRAM_DATAGRAM_BASE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>

#include "netstack/socket/datagram_socket.h"
#include "netstack/transport/datagram/memberships.h"
#include "netstack/transport/datagram/receive_queue.h"
#include "netstack/transport/datagram/settings.h"
#include "netstack/transport/environment.h"
#include "netstack/transport/ip_options.h"
#include "netstack/transport/ports.h"
#include "netstack/transport/transport_protocol.h"

namespace moat::netstack {

class DatagramBase : public DatagramSocket {
 public:
  uint64_t id() const override { return id_; }
  Family family() const override { return family_; }
  void SetObserver(SocketObserver* observer) override { observer_ = observer; }
  uint32_t Ready() const override;

  Error Bind(const Endpoint& local) override;
  Error Connect(const Endpoint& remote) override;
  Error Disconnect() override;
  Endpoint Local() const override;
  Result<Endpoint> Remote() const override;
  Error Shutdown(ShutdownHow how) override;

  Result<Datagram> Receive() override;
  size_t ReadableBytes() const override;
  std::optional<QueuedError> TakeQueuedError() override;
  void SetQueueErrors(bool enabled) override { queue_errors_ = enabled; }
  Error TakeError() override;

  const SocketOptions& options() const override { return options_; }
  void SetOptions(const SocketOptions& options) override;
  const DatagramOptions& datagram_options() const override { return datagram_options_; }
  void SetDatagramOptions(const DatagramOptions& options) override;
  std::optional<PathMtuNotice> TakePathMtu() override;
  Error JoinGroup(const IpAddress& group, InterfaceIndex interface) override;
  Error LeaveGroup(const IpAddress& group, InterfaceIndex interface) override;
  Error ChangeSource(SourceChange change, const IpAddress& group, const IpAddress& source,
                     InterfaceIndex interface) override;
  Error SetSourceFilter(const IpAddress& group, InterfaceIndex interface,
                        SourceFilter filter) override;
  Result<SourceFilter> GetSourceFilter(const IpAddress& group, InterfaceIndex interface) override;

  // --- For the protocol's table ------------------------------------------------------------------
  const IpAddress& local_address() const { return local_; }
  uint16_t local_port() const { return reservation_.port(); }
  const std::optional<Endpoint>& remote() const { return remote_; }
  // Whether packets of `family` may reach this socket at all.
  bool TakesFamily(Family family) const {
    return family == local_.family() || (IsDualStackAny() && family == Family::kIpv4);
  }
  // An IPv6 socket at the wildcard that takes IPv4 too.
  bool IsDualStackAny() const {
    return family_ == Family::kIpv6 && !options_.v6_only && local_.is_v6() &&
           local_.IsUnspecified();
  }
  // The device that it is bound to, by option or by a link-local address; 0: any.
  InterfaceIndex device() const {
    return options_.bound_device != 0 ? options_.bound_device : scope_;
  }
  bool TakesInterface(InterfaceIndex interface) const {
    return device() == 0 || device() == interface;
  }

  // Whether what came from `source` to a group on `interface` is for this socket.
  bool TakesFromGroup(const IpAddress& group, const IpAddress& source,
                      InterfaceIndex interface) const {
    return memberships_.Wants(group, source, interface)
        .value_or(group.is_v4() ? options_.multicast_all : options_.multicast_all_v6);
  }

  enum class Delivery : uint8_t {
    kQueued,
    kFull,      // the receive queue, by SO_RCVBUF
    kNoMemory,  // the stack's budget
  };
  // `bytes` is the memory that the payload keeps alive.
  Delivery Deliver(Datagram datagram, size_t bytes);
  // An ICMP error about a datagram of this socket. `quoted_payload` follows the transport header.
  void DeliverError(const IcmpErrorIn& error, uint16_t remote_port,
                    std::span<const uint8_t> quoted_payload);
  SocketInfo Info(SocketInfo::Type type) const;

 protected:
  DatagramBase(TransportEnvironment& environment, DatagramSettings& settings, Family family,
               PortSpace space, uint64_t id);
  ~DatagramBase() override;

  // The way of one datagram, decided from the socket and the call.
  struct Outgoing {
    RouteRef route;
    uint16_t port = 0;
    uint8_t hop_limit = 0;
    uint8_t traffic_class = 0;
    bool dont_fragment = false;
    uint32_t flow_label = 0;  // IPv6
    const Ipv4Options* ip_options = nullptr;  // null: none
  };
  // `transport_size` counts header and payload of the largest packet. Binds an ephemeral port.
  Result<Outgoing> PrepareSend(const SendControl& control, size_t transport_size);
  // Puts the IP options into a packet, by way of `room`.
  void AddIpOptions(const Outgoing& outgoing, Ipv4Options& room, IpPacketOut& packet) const {
    if (outgoing.ip_options == nullptr) [[likely]] return;
    packet.options = LeavingIpOptions(environment_, *outgoing.route, *outgoing.ip_options, room);
  }
  // What a failed IpSender::Send() becomes for the caller.
  Error SendOutcome(Error error, const Outgoing& outgoing);

  // Adds to and removes from the protocol's table; the names do not change in between.
  virtual void Insert() = 0;
  virtual void Remove() = 0;
  // For protocols whose sockets cannot take both families.
  virtual bool can_be_dual_stack() const { return true; }
  // A datagram was refused by the queue below; count it.
  virtual void OnSendDropped(Family family) = 0;

  bool bound() const { return reservation_.held(); }
  bool send_shut_down() const { return shutdown_write_; }
  const TransportEnvironment& environment() const { return environment_; }

 private:
  static constexpr size_t kMaxQueuedErrors = 64;

  Error JudgeBindAddress(const Endpoint& local) const;
  // Checks the family, replaces the wildcard by loopback (as Linux does) and the scope by a device.
  Result<Endpoint> ResolveRemote(Endpoint remote) const;
  Error Reserve(uint16_t port);
  Error AutoBind();
  bool IsBroadcast(const IpAddress& address) const;
  RouteQuery QueryFor(const Endpoint& remote, const SendControl& control) const;
  Result<RouteRef> RouteFor(const RouteQuery& query);
  InterfaceIndex DefaultInterface(const IpAddress& destination) const;
  uint32_t FlowLabel(const Route& route, uint16_t port, const SendControl& control);
  // `whole`: not in fragments, whatever path MTU discovery allows.
  Error JudgeSize(const Route& route, size_t transport_size, bool whole, bool* dont_fragment);
  void QueueError(QueuedError error);
  void QueueLocalError(Error error, const Route& route, uint16_t port);
  size_t receive_limit() const;
  Memberships::Limits GroupLimits(const IpAddress& group) const;
  InterfaceIndex GroupDevice(InterfaceIndex interface) const {
    return interface != 0 ? interface : options_.bound_device;
  }
  void Notify();

  TransportEnvironment& environment_;
  DatagramSettings& settings_;
  const Family family_;
  const PortSpace space_;
  const uint64_t id_;

  // Names. `local_` is the wildcard of the socket's family until bound or connected.
  PortReservation reservation_;
  IpAddress local_;
  std::optional<Endpoint> remote_;
  InterfaceIndex scope_ = 0;
  bool address_bound_ = false;  // by bind(): outlives a disconnect
  bool port_bound_ = false;

  // The last route, good for the same query, and the flow label that goes with it and a port.
  static constexpr uint32_t kNoLabel = ~0u;
  RouteQuery route_query_;
  RouteRef route_;
  uint32_t flow_label_ = kNoLabel;
  uint16_t flow_label_port_ = 0;

  ReceiveQueue queue_;
  std::deque<QueuedError> errors_;
  Error pending_error_ = Error::kOk;
  bool queue_errors_ = false;
  bool shutdown_read_ = false;
  bool shutdown_write_ = false;

  SocketOptions options_;
  DatagramOptions datagram_options_;
  std::optional<PathMtuNotice> path_mtu_;
  Memberships memberships_;
  SocketObserver* observer_ = nullptr;
  uint32_t told_ready_ = ready::kWritable;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_TRANSPORT_DATAGRAM_DATAGRAM_BASE_H_
