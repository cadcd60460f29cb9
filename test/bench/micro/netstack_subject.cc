#include "test/bench/micro/netstack_subject.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <utility>

namespace moat::bench {

using netstack::Error;
using netstack::Family;
using netstack::IpAddress;
using netstack::Slice;
namespace ready = netstack::ready;

namespace {
constexpr netstack::InterfaceIndex kEth0 = 2;
constexpr auto kTick = std::chrono::milliseconds(1);
constexpr int kBacklog = 4096;
}  // namespace

// A listening or an accepted socket with its program.
class NetstackSubject::Server final : public netstack::SocketObserver {
 public:
  Server(NetstackSubject& subject, std::unique_ptr<netstack::TcpSocket> socket, bool echo)
      : subject_(subject), socket_(std::move(socket)), echo_(echo) {
    socket_->SetObserver(this);
    if (socket_->Ready() != 0) Note();
  }

  void OnReady(uint32_t) override { Note(); }

  void Serve() {
    noted_ = false;
    if (socket_->state() == netstack::TcpState::kListen) {
      AcceptAll();
    } else if (!Read()) {
      subject_.Remove(this);
    }
  }

  size_t Write(size_t size) {
    size = std::min(size, socket_->WriteSpace());
    if (size == 0) return 0;
    Slice data = Slice::Allocate(size);
    std::memset(data.mutable_data(), 'x', size);
    Require(socket_->Write(std::move(data), false) == Error::kOk);
    return size;
  }

 private:
  friend class NetstackSubject;

  void Note() {
    if (std::exchange(noted_, true)) return;
    subject_.ready_.push_back(this);
  }

  void AcceptAll() {
    for (auto socket = socket_->Accept(); socket.ok(); socket = socket_->Accept()) {
      subject_.last_ =
          subject_.Adopt(std::make_unique<Server>(subject_, std::move(*socket), echo_));
    }
  }

  // False: the peer is done.
  bool Read() {
    std::array<std::span<const uint8_t>, 16> pieces;
    while (socket_->ReadableBytes() != 0) {
      const size_t count = socket_->Peek(pieces);
      size_t read = 0;
      for (const auto& piece : std::span(pieces).first(count)) {
        if (echo_) Require(socket_->Write(Slice::Copy(piece), false) == Error::kOk);
        read += piece.size();
      }
      socket_->Consume(read);
    }
    return !socket_->AtEndOfStream() && (socket_->Ready() & ready::kClosed) == 0;
  }

  NetstackSubject& subject_;
  std::unique_ptr<netstack::TcpSocket> socket_;
  size_t index_ = 0;  // in subject_.servers_
  const bool echo_;
  bool noted_ = false;
};

bool NetstackSubject::PlainLink::Transmit(const netstack::TxFrame& frame) {
  bytes.resize(frame.size());
  uint8_t* out = std::copy(frame.headers.begin(), frame.headers.end(), bytes.data());
  for (const auto& piece : frame.payload) out = std::copy(piece.begin(), piece.end(), out);
  sink->OnFrame(bytes);
  return true;
}

NetstackSubject::NetstackSubject() {
  netstack::InterfaceOptions options;
  options.index = kEth0;
  options.name = "eth0";
  options.mac = kSubjectMac;
  options.mtu = kMtu;
  options.link = &link_;
  Require(stack_.AddInterface(options).ok());
  Require(stack_.AddAddress(kEth0, {kSubjectAddress, 24}, {}).ok());
  netstack::RouteInfo others;
  others.destination = {IpAddress::Any(Family::kIpv4), 0};
  others.gateway = kPeerAddress;
  others.interface = kEth0;
  Require(stack_.AddRoute(others).ok());
}

NetstackSubject::~NetstackSubject() = default;

NetstackSubject::Server* NetstackSubject::Adopt(std::unique_ptr<Server> server) {
  server->index_ = servers_.size();
  servers_.push_back(std::move(server));
  return servers_.back().get();
}

void NetstackSubject::Remove(Server* server) {
  if (last_ == server) last_ = nullptr;
  const size_t index = server->index_;
  std::swap(servers_[index], servers_.back());
  servers_[index]->index_ = index;
  servers_.pop_back();
}

void NetstackSubject::Receive(std::span<const uint8_t> frame) {
  netstack::RxFrame received;
  received.bytes = Slice::Copy(frame);
  stack_.Receive(kEth0, std::move(received));
}

void NetstackSubject::Settle() {
  if (udp_ != nullptr) {
    for (auto datagram = udp_->Receive(); datagram.ok(); datagram = udp_->Receive()) {
      const std::span<const uint8_t> payload = datagram->payload.span();
      netstack::SendControl back;
      back.destination = datagram->source;
      Require(udp_->Send({&payload, 1}, back) == Error::kOk);
    }
  }
  for (size_t i = 0; i < ready_.size(); ++i) ready_[i]->Serve();
  ready_.clear();
  stack_.Flush();
}

void NetstackSubject::Tick() {
  clock_.Advance(kTick);
  stack_.RunTimers();
}

void NetstackSubject::EchoUdp(uint16_t port) {
  udp_ = stack_.NewUdpSocket(Family::kIpv4);
  Require(udp_->Bind({.address = IpAddress::Any(Family::kIpv4), .port = port}) == Error::kOk);
}

void NetstackSubject::Listen(uint16_t port, bool echo) {
  auto socket = stack_.NewTcpSocket(Family::kIpv4);
  Require(socket->Bind({.address = IpAddress::Any(Family::kIpv4), .port = port}) == Error::kOk);
  Require(socket->Listen(kBacklog) == Error::kOk);
  Adopt(std::make_unique<Server>(*this, std::move(socket), echo));
  ++listeners_;
}

size_t NetstackSubject::Write(size_t size) { return last_ == nullptr ? 0 : last_->Write(size); }

}  // namespace moat::bench
