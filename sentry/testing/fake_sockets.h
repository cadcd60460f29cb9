// netstack socket handles that only hold values: for tests of what the sentry does around them.
#ifndef MOAT_SENTRY_TESTING_FAKE_SOCKETS_H_
#define MOAT_SENTRY_TESTING_FAKE_SOCKETS_H_

#include <memory>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "netstack/socket/datagram_socket.h"
#include "netstack/socket/tcp_socket.h"

namespace moat::sentry {

class FakeTcpSocket : public netstack::TcpSocket {
 public:
  explicit FakeTcpSocket(netstack::Family family) : family_(family) {}

  uint64_t id() const override { return 77; }
  netstack::Family family() const override { return family_; }
  void SetObserver(netstack::SocketObserver*) override {}
  uint32_t Ready() const override { return 0; }
  netstack::Error Bind(const netstack::Endpoint& local) override {
    local_ = local;
    return netstack::Error::kOk;
  }
  netstack::Error Connect(const netstack::Endpoint& remote) override {
    remote_ = remote;
    state_ = netstack::TcpState::kEstablished;
    return netstack::Error::kOk;
  }
  netstack::Error Disconnect() override { return netstack::Error::kOk; }
  netstack::Error Listen(int) override {
    state_ = netstack::TcpState::kListen;
    return netstack::Error::kOk;
  }
  netstack::Result<std::unique_ptr<netstack::TcpSocket>> Accept() override {
    return netstack::Error::kWouldBlock;
  }
  netstack::Endpoint Local() const override { return local_; }
  netstack::Result<netstack::Endpoint> Remote() const override {
    if (remote_.port == 0) return netstack::Error::kNotConnected;
    return remote_;
  }
  netstack::TcpState state() const override { return state_; }
  size_t WriteSpace() const override { return 0; }
  netstack::Error Write(netstack::Slice, bool) override { return netstack::Error::kNotConnected; }
  netstack::Error WriteUrgent(netstack::Slice) override { return netstack::Error::kNotConnected; }
  size_t Peek(std::span<std::span<const uint8_t>>) const override { return 0; }
  size_t ReadableBytes() const override { return readable; }
  std::optional<int32_t> UrgentEnd() const override { return std::nullopt; }
  void Consume(size_t) override {}
  bool AtEndOfStream() const override { return false; }
  netstack::Error Shutdown(netstack::ShutdownHow) override { return netstack::Error::kOk; }
  void Abort() override {}
  netstack::Error TakeError() override { return std::exchange(error, netstack::Error::kOk); }
  const netstack::SocketOptions& options() const override { return options_; }
  void SetOptions(const netstack::SocketOptions& options) override { options_ = options; }
  const netstack::TcpOptions& tcp_options() const override { return tcp_options_; }
  void SetTcpOptions(const netstack::TcpOptions& options) override { tcp_options_ = options; }
  netstack::Error SetCongestionControl(std::string_view name) override {
    if (name != "cubic" && name != "reno") return netstack::Error::kInvalid;
    congestion_ = name;
    return netstack::Error::kOk;
  }
  std::string_view congestion_control() const override { return congestion_; }
  netstack::TcpInfo Info() const override { return info; }
  netstack::Result<std::vector<uint8_t>> TakeSavedSyn(size_t room) override {
    if (saved_syn.size() > room) return netstack::Error::kMessageSize;
    return std::exchange(saved_syn, {});
  }
  size_t UnackedBytes() const override { return unacked; }
  size_t UnsentBytes() const override { return unsent; }

  netstack::Error error = netstack::Error::kOk;
  netstack::TcpInfo info;
  size_t readable = 0, unacked = 0, unsent = 0;
  std::vector<uint8_t> saved_syn;

 private:
  netstack::Family family_;
  netstack::SocketOptions options_;
  netstack::TcpOptions tcp_options_;
  netstack::Endpoint local_, remote_;
  netstack::TcpState state_ = netstack::TcpState::kClosed;
  std::string congestion_ = "cubic";
};

class FakeDatagramSocket final : public netstack::DatagramSocket {
 public:
  explicit FakeDatagramSocket(netstack::Family family) : family_(family) {}

  uint64_t id() const override { return 78; }
  netstack::Family family() const override { return family_; }
  void SetObserver(netstack::SocketObserver*) override {}
  uint32_t Ready() const override { return 0; }
  netstack::Error Bind(const netstack::Endpoint& local) override {
    local_ = local;
    return netstack::Error::kOk;
  }
  netstack::Error Connect(const netstack::Endpoint& remote) override {
    remote_ = remote;
    return netstack::Error::kOk;
  }
  netstack::Error Disconnect() override { return netstack::Error::kOk; }
  netstack::Endpoint Local() const override { return local_; }
  netstack::Result<netstack::Endpoint> Remote() const override {
    if (remote_.port == 0) return netstack::Error::kNotConnected;
    return remote_;
  }
  netstack::Error Shutdown(netstack::ShutdownHow) override { return netstack::Error::kOk; }
  netstack::Error Send(std::span<const std::span<const uint8_t>>,
                       const netstack::SendControl&) override {
    return netstack::Error::kOk;
  }
  netstack::Result<netstack::Datagram> Receive() override { return netstack::Error::kWouldBlock; }
  size_t ReadableBytes() const override { return readable; }
  std::optional<netstack::QueuedError> TakeQueuedError() override { return std::nullopt; }
  void SetQueueErrors(bool enabled) override { queue_errors = enabled; }
  netstack::Error TakeError() override { return std::exchange(error, netstack::Error::kOk); }
  const netstack::SocketOptions& options() const override { return options_; }
  void SetOptions(const netstack::SocketOptions& options) override { options_ = options; }
  const netstack::DatagramOptions& datagram_options() const override { return datagram_options_; }
  void SetDatagramOptions(const netstack::DatagramOptions& options) override {
    datagram_options_ = options;
  }
  std::optional<netstack::PathMtuNotice> TakePathMtu() override { return std::nullopt; }
  void SetReceiveOffload(bool enabled) override { receive_offload = enabled; }
  netstack::Error JoinGroup(const netstack::IpAddress& group,
                            netstack::InterfaceIndex interface) override {
    if (interface != 1) return netstack::Error::kNoDevice;  // no route, no other interface
    return groups_.try_emplace({group, interface}, netstack::SourceFilter::Everything()).second
               ? netstack::Error::kOk
               : netstack::Error::kAddressInUse;
  }
  netstack::Error LeaveGroup(const netstack::IpAddress& group,
                             netstack::InterfaceIndex interface) override {
    const bool routed = group.is_v6() || group.IsUnspecified() || group.IsLoopback();
    if (interface != 1 && !routed) return netstack::Error::kNoDevice;
    return groups_.erase({group, interface}) != 0 ? netstack::Error::kOk
                                                  : netstack::Error::kAddressNotAvailable;
  }
  // Any source is taken, and every change but of one that is not a member.
  netstack::Error ChangeSource(netstack::SourceChange change, const netstack::IpAddress& group,
                               const netstack::IpAddress& source,
                               netstack::InterfaceIndex interface) override {
    using netstack::SourceChange;
    if (interface != 1) return netstack::Error::kNoDevice;
    const auto member = groups_.find({group, interface});
    if (member == groups_.end() && change != SourceChange::kJoin) return netstack::Error::kInvalid;
    netstack::SourceFilter& filter = groups_[{group, interface}];
    filter.exclude = change == SourceChange::kBlock || change == SourceChange::kUnblock;
    if (change == SourceChange::kJoin || change == SourceChange::kBlock) {
      filter.sources.push_back(source);
      filter.Normalize();
    } else {
      std::erase(filter.sources, source);
    }
    return netstack::Error::kOk;
  }
  netstack::Error SetSourceFilter(const netstack::IpAddress& group,
                                  netstack::InterfaceIndex interface,
                                  netstack::SourceFilter filter) override {
    if (interface != 1) return netstack::Error::kNoDevice;
    const auto member = groups_.find({group, interface});
    if (member == groups_.end()) return netstack::Error::kInvalid;
    filter.Normalize();
    member->second = std::move(filter);
    return netstack::Error::kOk;
  }
  netstack::Result<netstack::SourceFilter> GetSourceFilter(
      const netstack::IpAddress& group, netstack::InterfaceIndex interface) override {
    if (interface != 1) return netstack::Error::kNoDevice;
    const auto member = groups_.find({group, interface});
    if (member == groups_.end()) return netstack::Error::kAddressNotAvailable;
    return member->second;
  }

  netstack::Error error = netstack::Error::kOk;
  size_t readable = 0;
  bool queue_errors = false, receive_offload = false;

 private:
  netstack::Family family_;
  netstack::SocketOptions options_;
  netstack::DatagramOptions datagram_options_;
  netstack::Endpoint local_, remote_;
  std::map<std::pair<netstack::IpAddress, netstack::InterfaceIndex>, netstack::SourceFilter>
      groups_;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_TESTING_FAKE_SOCKETS_H_
