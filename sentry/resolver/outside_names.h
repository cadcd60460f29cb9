// Carries what dockerd asks name servers of the outside world, as the container would: through the
// stack.
//
// dockerd's questions arrive at one kernel socket (kernel_detour.h). Each gets a socket of the
// stack for itself, connected to the server that was meant, so that answers are told apart by ports
// that nobody can guess; what comes goes back with the server's address as its source. Messages are
// not looked into. IPv4 name servers and UDP only.
//
// Thread rule: the sandbox's lock.
#ifndef MOAT_SENTRY_RESOLVER_OUTSIDE_NAMES_H_
#define MOAT_SENTRY_RESOLVER_OUTSIDE_NAMES_H_

#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "netstack/base/time.h"
#include "netstack/base/timer.h"
#include "netstack/socket/datagram_socket.h"
#include "sentry/resolver/loop_source.h"
#include "sentry/sandbox.h"

namespace moat::sentry {

class OutsideNames final : public netstack::SocketObserver {
 public:
  explicit OutsideNames(Sandbox& sandbox);
  ~OutsideNames() override;

  // In the configured network namespace, with CAP_NET_ADMIN. After an error nothing is carried.
  absl::Status Start();
  void Stop();

  void OnReady(uint32_t) override { answered_.Ring(); }  // of one of the stack's sockets

 private:
  // Of one of dockerd's sockets.
  struct Question {
    sockaddr_in client{};
    in_addr server{};
    netstack::Time asked = netstack::kTimeZero;
    std::unique_ptr<netstack::DatagramSocket> socket;  // null: free
  };
  // dockerd asks at most a hundred at a time; with more, the oldest is given up.
  static constexpr size_t kQuestions = 128;
  // dockerd waits four seconds.
  static constexpr netstack::Duration kPatience = std::chrono::seconds(5);

  absl::Status Listen();
  void CarryQuestions();
  void CarryAnswers();
  void Ask(const sockaddr_in& client, in_addr server, std::span<const uint8_t> message);
  // The question of that socket of dockerd's, the one open already or a new one; null without a
  // socket.
  Question* Find(const sockaddr_in& client, in_addr server);
  void Answer(const Question& question, std::span<const uint8_t> message);
  void Expire();
  void Free(Question& question);

  Sandbox& sandbox_;
  LoopSource asked_;
  Bell answered_;
  netstack::Timer expiry_;
  std::array<Question, kQuestions> questions_;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_RESOLVER_OUTSIDE_NAMES_H_
