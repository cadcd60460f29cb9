// How many connections of the container were given data lately and have not answered yet. The event
// loop asks: several open answers come one after the other, and are cheaper taken together.
#ifndef MOAT_SENTRY_SOCKET_ANSWER_GAUGE_H_
#define MOAT_SENTRY_SOCKET_ANSWER_GAUGE_H_

#include <cstdint>

namespace moat::sentry {

class AnswerGauge {
 public:
  // A connection's part of the gauge.
  class Mark {
   private:
    friend class AnswerGauge;
    uint32_t round_ = 0;  // of the gauge, when data was delivered; 0: nothing open
  };

  void Delivered(Mark& mark) {
    if (mark.round_ == round_) return;
    mark.round_ = round_;
    ++open_;
  }
  // Also when the connection ends.
  void Answered(Mark& mark) {
    if (mark.round_ == round_) {
      --open_;
      ++answered_;
    }
    mark.round_ = 0;
  }
  // Those that are open are not waited for any more.
  void Forget() {
    open_ = 0;
    if (++round_ == 0) round_ = 1;
  }

  uint32_t open() const { return open_; }
  uint64_t answered() const { return answered_; }  // ever

 private:
  uint32_t round_ = 1;
  uint32_t open_ = 0;
  uint64_t answered_ = 0;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_SOCKET_ANSWER_GAUGE_H_
