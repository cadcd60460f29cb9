// One direction of a link: a drop-tail queue, a rate, and what can befall a frame on its way.
//
// A frame waits in the queue, where it may be marked CE (ECN), is serialized at the rate, may be
// lost, corrupted, duplicated, and arrives after delay and jitter. While the link is down, what
// leaves the queue and what would arrive is lost.
#ifndef MOAT_NETSTACK_SIM_CHANNEL_H_
#define MOAT_NETSTACK_SIM_CHANNEL_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string_view>
#include <vector>

#include "netstack/packet/slice.h"
#include "netstack/sim/event_queue.h"
#include "netstack/sim/random.h"
#include "netstack/sim/scenario.h"

namespace moat::netstack::sim {

struct ChannelCounters {
  uint64_t offered = 0, offered_bytes = 0;      // given to it
  uint64_t delivered = 0, delivered_bytes = 0;  // copies included
  // Why a frame did not arrive.
  uint64_t oversize = 0, queue_full = 0, lost = 0, down = 0, overflow = 0;
  uint64_t corrupted = 0, duplicated = 0, reordered = 0;
  uint64_t marked = 0;  // CE instead of a later loss
  uint64_t longest_queue_bytes = 0;
  Duration longest_wait{0};  // in the queue

  uint64_t missing() const { return oversize + queue_full + lost + down + overflow; }
};

class Channel : public EventTarget {
 public:
  using Deliver = std::function<void(Slice frame)>;
  using Tap = std::function<void(const Slice& frame)>;

  // Frames that are under way at once; more are dropped and counted as overflow.
  static constexpr size_t kMaxInFlight = 1 << 20;

  // `name` selects the stream of randomness. `queue` is borrowed.
  Channel(EventQueue& queue, uint64_t seed, std::string_view name, uint32_t mtu,
          const LinkDirection& plan);

  void SetDeliver(Deliver deliver) { deliver_ = std::move(deliver); }
  // Called with each frame as it leaves the queue, and as it arrives.
  void SetTaps(Tap leaves, Tap arrives) {
    leaves_ = std::move(leaves);
    arrives_ = std::move(arrives);
  }

  void Send(Slice frame);
  // From now on; frames that are being serialized or are under way keep their times.
  void Change(const LinkDirection& plan) { plan_ = plan; }
  void SetUp(bool up) { up_ = up; }

  const ChannelCounters& counters() const { return counters_; }
  uint64_t digest() const { return digest_; }  // of what arrived, and when

  void OnEvent(uint64_t argument) override;

 private:
  struct Waiting {
    Slice frame;
    Time since;
  };

  bool QueueIsFull(size_t size) const;
  void Serialize(Slice frame);
  void Launch(Slice frame);
  void Fly(Slice frame, Time arrival);
  void Arrive(Slice frame);
  Slice Corrupted(const Slice& frame, Stream& random);
  void Digest(const Slice& frame);

  EventQueue& queue_;
  LinkDirection plan_;
  const size_t max_frame_;
  bool up_ = true;
  Deliver deliver_;
  Tap leaves_, arrives_;
  // What befalls TCP, UDP and echoes does not depend on how many neighbour or group messages there
  // are.
  Stream data_random_, control_random_;
  ChannelCounters counters_;
  uint64_t digest_ = 0;

  std::deque<Waiting> waiting_;
  uint64_t waiting_bytes_ = 0;
  bool busy_ = false;
  Slice serializing_;
  Time last_arrival_{};  // of frames that are not held back
  std::vector<Slice> flying_;  // by slot
  std::vector<size_t> free_slots_;
};

}  // namespace moat::netstack::sim

#endif  // MOAT_NETSTACK_SIM_CHANNEL_H_
