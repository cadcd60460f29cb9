// What is known about the messages that lie in a container's queue: each carries a 64-bit tag (as
// the uid and gid of SCM_CREDENTIALS, which only recvmsg() with a control buffer sees), and this
// ring holds the rest by tag.
//
// The queue is first in, first out, so tags come back in order; the ones that a plain read() took
// are noticed when a later one arrives. Bounded: the oldest is forgotten first.
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

  // Tags are never 0, and both halves are valid uids.
  uint64_t Push(Known known) {
    const uint64_t number = next_++;
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
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_SOCKET_ARRIVALS_H_
