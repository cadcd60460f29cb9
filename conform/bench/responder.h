// The tester's nodes answering address resolution, so that cases about other things need not.
#ifndef MOAT_CONFORM_BENCH_RESPONDER_H_
#define MOAT_CONFORM_BENCH_RESPONDER_H_

#include <map>
#include <optional>
#include <utility>

#include "conform/bench/node.h"
#include "conform/wire/frame.h"
#include "conform/wire/packet.h"

namespace moat::conform {

class Responder {
 public:
  Responder();  // everybody of node.h answers

  void Start(const Node& node);
  void Start(int port, const Ip& ip, const Mac& mac) { macs_[{port, ip}] = mac; }
  void Stop(const Node& node);
  void StopAll() { macs_.clear(); }

  // The answer to send on the packet's port, when it asks for somebody here.
  std::optional<Frame> AnswerTo(const Packet& packet) const;

 private:
  std::optional<Frame> AnswerArp(const Packet& packet) const;
  std::optional<Frame> AnswerSolicitation(const Packet& packet) const;

  std::map<std::pair<int, Ip>, Mac> macs_;
};

}  // namespace moat::conform

#endif  // MOAT_CONFORM_BENCH_RESPONDER_H_
