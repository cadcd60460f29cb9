#include "sentry/resolver/outside_names.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/one_message.h"
#include "sentry/resolver/kernel_detour.h"

namespace moat::sentry {
namespace {

constexpr uint16_t kDnsPort = 53;
constexpr int kBatch = 64;

netstack::Endpoint ServerEndpoint(in_addr server) {
  uint8_t bytes[sizeof(server)];
  std::memcpy(bytes, &server, sizeof(server));
  return {netstack::IpAddress::V4(bytes), kDnsPort};
}

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
  if (!fd.ok() || setsockopt(fd.get(), IPPROTO_IP, IP_TRANSPARENT, &on, sizeof(on)) != 0 ||
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
    OneMessage<in_pktinfo> message(block.data(), block.size());
    sockaddr_in client{};
    message.SetName(&client, sizeof(client));
    message.MakeRoom();
    const ssize_t size = recvmsg(asked_.fd(), message.header(), 0);
    if (size < 0) return;
    const auto info = message.Attached(IPPROTO_IP, IP_PKTINFO);
    if (!info.has_value()) continue;
    Ask(client, info->ipi_addr, block.first(static_cast<size_t>(size)));
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
  sockaddr_in client = question.client;
  in_pktinfo source{};
  source.ipi_spec_dst = question.server;
  OneMessage<in_pktinfo> answer(message.data(), message.size());
  answer.SetName(&client, sizeof(client));
  answer.Attach(IPPROTO_IP, IP_PKTINFO, source);
  (void)sendmsg(asked_.fd(), answer.header(), MSG_NOSIGNAL);
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
