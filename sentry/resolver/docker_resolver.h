// Carries DNS questions between the container and Docker's resolver, which listens on 127.0.0.11 of
// the configured network namespace: the kernel's loopback there, not the container's.
//
// As Docker does with iptables, port 53 of 127.0.0.11 stands for another one while a resolver is
// there: a socket of the stack that this class holds. Programs may so have servers of their own on
// port 53. What arrives goes out through one kernel socket, connected to the resolver and to
// nothing else; answers are told apart by the message id (RFC 1035 4.1.1), the only part of a
// message that is looked at. What the resolver does not know itself it asks through
// outside_names.h.
//
// Costs nothing but a descriptor until the container asks; then the kernel's table is read at most
// once a second. Thread rule: the sandbox's lock.
#ifndef MOAT_SENTRY_RESOLVER_DOCKER_RESOLVER_H_
#define MOAT_SENTRY_RESOLVER_DOCKER_RESOLVER_H_

#include <array>
#include <cstdint>
#include <memory>

#include "base/owned_fd.h"
#include "netstack/base/time.h"
#include "netstack/socket/datagram_socket.h"
#include "sentry/resolver/loop_source.h"
#include "sentry/resolver/outside_names.h"
#include "sentry/sandbox.h"

namespace moat::sentry {

class DockerResolver final : public netstack::SocketObserver {
 public:
  // In the configured namespace, before privileges are dropped: opens its table of sockets.
  explicit DockerResolver(Sandbox& sandbox);
  ~DockerResolver() override;

  // The port of 127.0.0.11 that stands for 53 now; 0: there is no resolver, and 53 is a port like
  // others.
  uint16_t Port();
  // The namespace is left as it was found.
  void Stop();

  void OnReady(uint32_t) override { asked_.Ring(); }  // of the stack's socket

 private:
  // Who waits for an answer. Overwritten when the table has been gone through: nobody waits that
  // long.
  struct Question {
    netstack::Endpoint client;
    uint16_t id = 0;      // the client's
    uint16_t our_id = 0;  // the same, unless somebody else waits with it
    bool open = false;
  };
  static constexpr size_t kQuestions = 256;

  uint16_t FindListener() const;
  bool Start(uint16_t listener);
  void CarryQuestions();
  void CarryAnswers();
  Question* FindQuestion(uint16_t our_id);

  Sandbox& sandbox_;
  OwnedFd table_;
  netstack::Time next_look_ = netstack::kTimeZero;
  uint16_t listener_ = 0;  // dockerd's port; 0: none
  LoopSource upstream_;
  Bell asked_;
  std::unique_ptr<netstack::DatagramSocket> socket_;
  std::array<Question, kQuestions> questions_{};
  size_t next_question_ = 0;
  std::unique_ptr<OutsideNames> outside_;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_RESOLVER_DOCKER_RESOLVER_H_
