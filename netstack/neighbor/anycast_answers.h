// Advertisements of anycast addresses that wait a random while (RFC 4861 7.2.7), so that not all
// the nodes that have the address answer at the same moment.
#ifndef MOAT_NETSTACK_NEIGHBOR_ANYCAST_ANSWERS_H_
#define MOAT_NETSTACK_NEIGHBOR_ANYCAST_ANSWERS_H_

#include <cstddef>
#include <map>

#include "netstack/base/random.h"
#include "netstack/base/time.h"
#include "netstack/base/timer.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

struct AnycastAnswer {
  InterfaceIndex interface = 0;
  IpAddress target;     // the anycast address
  IpAddress solicitor;  // unspecified: it probes for the address
};

class AnycastAnswers {
 public:
  static constexpr size_t kMaxWaiting = 64;  // as Linux (proxy_qlen)

  class Host {
   public:
    virtual ~Host() = default;
    // The answer is due. What it is about may have changed meanwhile.
    virtual void AnswerDue(const AnycastAnswer& answer) = 0;
  };

  AnycastAnswers(const Clock& clock, Random& random, TimerQueue& timers, Host& host)
      : clock_(clock),
        random_(random),
        host_(host),
        timer_(timers, MemberTimer<&AnycastAnswers::OnTimer>, this) {}

  // False: too many are waiting, this one is dropped.
  bool Add(const AnycastAnswer& answer);

 private:
  void OnTimer();

  const Clock& clock_;
  Random& random_;
  Host& host_;
  std::multimap<Time, AnycastAnswer> waiting_;  // by when they are due
  Timer timer_;                                 // armed for the first of them
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_NEIGHBOR_ANYCAST_ANSWERS_H_
