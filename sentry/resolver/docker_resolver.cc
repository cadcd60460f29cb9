#include "sentry/resolver/docker_resolver.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sentry/base/log.h"
#include "sentry/resolver/resolver_table.h"

namespace moat::sentry {
namespace {

constexpr char kTable[] = "/proc/self/net/udp";
// The namespace holds dockerd's sockets only; a longer table is looked at as far as this.
constexpr size_t kMostTable = 64 * 1024;
constexpr netstack::Duration kLookInterval = std::chrono::seconds(1);
constexpr size_t kHeaderSize = 12;  // RFC 1035 4.1.1
constexpr int kBatch = 64;

// The first two bytes of a message: opaque, so their order does not matter.
uint16_t MessageId(std::span<const uint8_t> message) {
  uint16_t id;
  std::memcpy(&id, message.data(), sizeof(id));
  return id;
}

std::span<const uint8_t> IdBytes(const uint16_t& id) {
  return {reinterpret_cast<const uint8_t*>(&id), sizeof(id)};
}

iovec VectorOf(std::span<const uint8_t> bytes) {
  return {const_cast<uint8_t*>(bytes.data()), bytes.size()};
}

}  // namespace

DockerResolver::DockerResolver(Sandbox& sandbox)
    : sandbox_(sandbox),
      table_(open(kTable, O_RDONLY | O_CLOEXEC)),
      upstream_(sandbox.loop(), [this] { CarryAnswers(); }),
      asked_(sandbox.loop(), [this] { CarryQuestions(); }) {}

DockerResolver::~DockerResolver() { Stop(); }

uint16_t DockerResolver::FindListener() const {
  std::string text(kMostTable, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t count =
        pread(table_.get(), text.data() + size, text.size() - size, static_cast<off_t>(size));
    if (count <= 0) break;
    size += static_cast<size_t>(count);
  }
  return FindResolverPort(std::string_view(text).substr(0, size));
}

uint16_t DockerResolver::Port() {
  const netstack::Time now = sandbox_.clock().Now();
  if (now >= next_look_) {
    next_look_ = now + kLookInterval;
    const uint16_t listener = FindListener();
    if (listener != listener_) {
      Stop();
      if (listener != 0 && !Start(listener)) Stop();
    }
  }
  return listener_ != 0 ? socket_->Local().port : 0;
}

bool DockerResolver::Start(uint16_t listener) {
  listener_ = listener;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(listener);
  address.sin_addr.s_addr = htonl(0x7f00000b);
  OwnedFd upstream(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!upstream.ok() || connect(upstream.get(), reinterpret_cast<const sockaddr*>(&address),
                                   sizeof(address)) != 0) {
    return false;
  }
  if (!upstream_.Watch(std::move(upstream)) || !asked_.Open()) return false;
  socket_ = sandbox_.stack().NewUdpSocket(netstack::Family::kIpv4);
  socket_->SetObserver(this);
  if (socket_->Bind({kResolverAddress, 0}) != netstack::Error::kOk) return false;
  outside_ = std::make_unique<OutsideNames>(sandbox_);
  const absl::Status status = outside_->Start();
  if (!status.ok()) {
    Log(LogLevel::kWarn, absl::StrCat("names of the outside world: ", status.message()));
  }
  return true;
}

void DockerResolver::Stop() {
  outside_.reset();
  if (socket_ != nullptr) socket_->SetObserver(nullptr);
  socket_.reset();
  upstream_.Close();
  asked_.Close();
  questions_ = {};
  listener_ = 0;
}

DockerResolver::Question* DockerResolver::FindQuestion(uint16_t our_id) {
  const auto found =
      std::find_if(questions_.begin(), questions_.end(),
                   [our_id](const Question& q) { return q.open && q.our_id == our_id; });
  return found != questions_.end() ? &*found : nullptr;
}

void DockerResolver::CarryQuestions() {
  for (int i = 0; i < kBatch; ++i) {
    const auto datagram = socket_->Receive();
    if (!datagram.ok()) return;
    const std::span<const uint8_t> message = datagram->payload.span();
    if (message.size() < kHeaderSize) continue;
    Question& question = questions_[next_question_++ % kQuestions];
    question.open = false;
    uint16_t our_id = MessageId(message);
    // dockerd asks others with the id that it was asked with, so it must stay hard to guess.
    while (FindQuestion(our_id) != nullptr) {
      our_id = static_cast<uint16_t>(sandbox_.random().U32());
    }
    question = {datagram->source, MessageId(message), our_id, true};
    const iovec parts[] = {VectorOf(IdBytes(our_id)), VectorOf(message.subspan(sizeof(our_id)))};
    // Refused: the resolver has gone. The next question looks for it again.
    if (writev(upstream_.fd(), parts, 2) < 0 && errno == ECONNREFUSED) next_look_ = {};
  }
  asked_.Ring();  // there may be more
}

void DockerResolver::CarryAnswers() {
  for (int i = 0; i < kBatch; ++i) {
    const std::span<uint8_t> block = sandbox_.datagram_block();
    const ssize_t size = recv(upstream_.fd(), block.data(), block.size(), 0);
    if (size < 0) {
      if (errno == ECONNREFUSED) next_look_ = {};
      return;
    }
    const std::span<const uint8_t> message = block.first(static_cast<size_t>(size));
    if (message.size() < kHeaderSize) continue;
    Question* question = FindQuestion(MessageId(message));
    if (question == nullptr) continue;
    question->open = false;
    const std::span<const uint8_t> parts[] = {IdBytes(question->id),
                                              message.subspan(sizeof(question->id))};
    netstack::SendControl control;
    control.destination = question->client;
    (void)socket_->Send(parts, control);
  }
}

}  // namespace moat::sentry
