#include "sentry/resolver/outside_names.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "sentry/resolver/kernel_detour.h"

namespace moat::sentry {
namespace {

constexpr uint16_t kDnsPort = 53;
constexpr int kBatch = 64;

// Where a datagram was sent to, out of its control data.
std::optional<in_addr> DestinationOf(msghdr& message) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != IPPROTO_IP || header->cmsg_type != IP_PKTINFO) continue;
    in_pktinfo info;
    std::memcpy(&info, CMSG_DATA(header), sizeof(info));
    return info.ipi_addr;
  }
  return std::nullopt;
}

netstack::Endpoint ServerEndpoint(in_addr server) {
  uint8_t bytes[sizeof(server)];
  std::memcpy(bytes, &server, sizeof(server));
  return {netstack::IpAddress::V4(bytes), kDnsPort};
}

union PacketInfoControl {
  cmsghdr align;
  char bytes[CMSG_SPACE(sizeof(in_pktinfo))];
};

}  // namespace

OutsideNames::OutsideNames(Sandbox& sandbox)
    : sandbox_(sandbox),
      asked_(sandbox.loop(), [this] { CarryQuestions(); }),
      answered_(sandbox.loop(), [this] { CarryAnswers(); }),
      expiry_(sandbox.timers(), netstack::MemberTimer<&OutsideNames::Expire>,
              this) {}

OutsideNames::~OutsideNames() { Stop(); }

absl::Status OutsideNames::Start() {
  absl::Status status = Listen();
  if (status.ok()) status = LayDetour();
  if (!status.ok()) Stop();
  return status;
}

absl::Status OutsideNames::Listen() {
  OwnedFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  constexpr char kLoopback[] = "lo";
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kDnsPort);
  // Transparent: its answers come from addresses that are not the namespace's.
  if (!fd.valid() || setsockopt(fd.get(), IPPROTO_IP, IP_TRANSPARENT, &on, sizeof(on)) != 0 ||
      setsockopt(fd.get(), IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) != 0 ||
      setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, kLoopback, sizeof(kLoopback)) != 0 ||
      bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return absl::ErrnoToStatus(errno, "a socket for dockerd's questions");
  }
  if (!asked_.Watch(std::move(fd)) || !answered_.Open()) {
    return absl::ResourceExhaustedError("no descriptors for dockerd's questions");
  }
  return absl::OkStatus();
}

void OutsideNames::Stop() {
  if (asked_.fd() >= 0) (void)TakeUpDetour();
  expiry_.Cancel();
  for (Question& question : questions_) Free(question);
  asked_.Close();
  answered_.Close();
}

void OutsideNames::CarryQuestions() {
  for (int i = 0; i < kBatch; ++i) {
    const std::span<uint8_t> block = sandbox_.datagram_block();
    iovec vector = {block.data(), block.size()};
    sockaddr_in client{};
    PacketInfoControl control;
    msghdr message{};
    message.msg_name = &client;
    message.msg_namelen = sizeof(client);
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof(control.bytes);
    const ssize_t size = recvmsg(asked_.fd(), &message, 0);
    if (size < 0) return;
    const auto server = DestinationOf(message);
    if (server.has_value()) Ask(client, *server, block.first(static_cast<size_t>(size)));
  }
}

void OutsideNames::Ask(const sockaddr_in& client, in_addr server,
                       std::span<const uint8_t> message) {
  Question* question = Find(client, server);
  if (question == nullptr) return;
  question->asked = sandbox_.clock().Now();
  if (!expiry_.armed()) expiry_.Arm(question->asked + kPatience);
  (void)question->socket->Send({&message, 1}, {});  // what is lost is asked again
}

OutsideNames::Question* OutsideNames::Find(const sockaddr_in& client, in_addr server) {
  Question* free = &questions_[0];
  for (Question& question : questions_) {
    if (question.socket == nullptr) {
      free = &question;
    } else if (question.client.sin_addr.s_addr == client.sin_addr.s_addr &&
               question.client.sin_port == client.sin_port &&
               question.server.s_addr == server.s_addr) {
      return &question;
    } else if (free->socket != nullptr && question.asked < free->asked) {
      free = &question;
    }
  }
  Free(*free);
  auto socket = sandbox_.stack().NewUdpSocket(netstack::Family::kIpv4);
  if (socket == nullptr || socket->Connect(ServerEndpoint(server)) != netstack::Error::kOk) {
    return nullptr;
  }
  socket->SetObserver(this);
  free->client = client;
  free->server = server;
  free->socket = std::move(socket);
  return free;
}

void OutsideNames::CarryAnswers() {
  bool more = false;
  for (Question& question : questions_) {
    for (int i = 0; question.socket != nullptr && i < kBatch; ++i) {
      const auto datagram = question.socket->Receive();
      if (!datagram.ok()) break;
      Answer(question, datagram->payload.span());
      more = more || i == kBatch - 1;
    }
  }
  if (more) answered_.Ring();
}

void OutsideNames::Answer(const Question& question, std::span<const uint8_t> message) {
  iovec vector = {const_cast<uint8_t*>(message.data()), message.size()};
  sockaddr_in client = question.client;
  PacketInfoControl control{};
  msghdr header{};
  header.msg_name = &client;
  header.msg_namelen = sizeof(client);
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes;
  header.msg_controllen = sizeof(control.bytes);
  in_pktinfo source{};
  source.ipi_spec_dst = question.server;
  cmsghdr* info = CMSG_FIRSTHDR(&header);
  info->cmsg_level = IPPROTO_IP;
  info->cmsg_type = IP_PKTINFO;
  info->cmsg_len = CMSG_LEN(sizeof(source));
  std::memcpy(CMSG_DATA(info), &source, sizeof(source));
  (void)sendmsg(asked_.fd(), &header, MSG_NOSIGNAL);
}

// Whoever asked has gone. An idle sandbox has neither sockets nor a timer left.
void OutsideNames::Expire() {
  const netstack::Time now = sandbox_.clock().Now();
  netstack::Time next = netstack::kNever;
  for (Question& question : questions_) {
    if (question.socket == nullptr) continue;
    if (question.asked + kPatience <= now) {
      Free(question);
    } else {
      next = std::min(next, question.asked + kPatience);
    }
  }
  if (next != netstack::kNever) expiry_.Arm(next);
}

void OutsideNames::Free(Question& question) {
  if (question.socket != nullptr) question.socket->SetObserver(nullptr);
  question.socket.reset();
}

}  // namespace moat::sentry
