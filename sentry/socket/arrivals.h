// What is known about the messages that lie in a container's queue: each carries a 64-bit tag (as
// the uid and gid of SCM_CREDENTIALS, which only recvmsg() with a control buffer sees), and this
// ring holds the rest by tag.
//
// The queue is first in, first out, so tags come back in order; the ones that a plain read() took
// are noticed when a later one is received with its tag. A program that only calls read() never
// does that: so the ring says when it has grown (due()), and is told how many messages the queue
// can hold at most (Keep()). Then its memory is a fraction of what the kernel holds for the queue,
// which SO_RCVBUF bounds. Bounded besides: the oldest is forgotten first.
#ifndef MOAT_SENTRY_SOCKET_ARRIVALS_H_
#define MOAT_SENTRY_SOCKET_ARRIVALS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

namespace moat::sentry {

template <typename Known>
class ArrivalRing {
 public:
  static constexpr size_t kMost = 4096;
  static constexpr size_t kFew = 64;  // entries that are not worth a look at the queue

  // Tags are never 0, and both halves are valid uids.
  uint64_t Push(Known known) {
    const uint64_t number = next_++;
    ++unseen_;
    const uint64_t tag = (number >> kHalf & kHalfMask) << 32 | (number & kHalfMask);
    if (entries_.size() >= kMost) entries_.pop_front();
    entries_.push_back({tag, std::move(known)});
    return tag;
  }
  // Takes the entry of `tag`, and drops what is older. With `peek` everything stays.
  std::optional<Known> Take(uint64_t tag, bool peek) {
    size_t older = 0;
    while (older < entries_.size() && entries_[older].tag < tag) ++older;
    if (older == entries_.size() || entries_[older].tag != tag) return std::nullopt;
    if (peek) return entries_[older].known;
    std::optional<Known> known(std::move(entries_[older].known));
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<ptrdiff_t>(older) + 1);
    return known;
  }
  // The last one pushed did not go out after all.
  void PopLast() { entries_.pop_back(); }
  // The queue has been seen empty.
  void Clear() { entries_.clear(); }
  // Whether it is time to ask how long the queue is, and to call Keep().
  bool due() const { return entries_.size() >= kFew && unseen_ >= entries_.size() / 2; }
  // The queue has at most the `most` youngest messages. The next look is due when the ring has
  // doubled.
  void Keep(size_t most) {
    if (entries_.size() > most) {
      entries_.erase(entries_.begin(), entries_.end() - static_cast<ptrdiff_t>(most));
      entries_.shrink_to_fit();
    }
    unseen_ = 0;
  }
  size_t size() const { return entries_.size(); }

 private:
  // 30 bits in either half: far from the invalid uid 0xffffffff.
  static constexpr uint32_t kHalf = 30;
  static constexpr uint64_t kHalfMask = (1ull << kHalf) - 1;

  struct Entry {
    uint64_t tag;
    Known known;
  };
  std::deque<Entry> entries_;
  uint64_t next_ = 1;
  size_t unseen_ = 0;  // pushed since the last look
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_SOCKET_ARRIVALS_H_
