// A growing ring buffer: what TCP's queues are made of. Unlike std::deque it owns nothing while it
// is empty and new, which keeps an idle connection small, and it can insert in the middle.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_RING_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_RING_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace moat::netstack::tcp {

template <typename T>
class Ring {
 public:
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  T& operator[](size_t i) { return slots_[(head_ + i) & (capacity_ - 1)]; }
  const T& operator[](size_t i) const { return slots_[(head_ + i) & (capacity_ - 1)]; }
  T& front() { return (*this)[0]; }
  const T& front() const { return (*this)[0]; }
  T& back() { return (*this)[size_ - 1]; }
  const T& back() const { return (*this)[size_ - 1]; }

  // A new last element, which holds whatever was there: the caller sets all of it.
  T& AddBack() {
    if (size_ == capacity_) Grow();
    return (*this)[size_++];
  }
  void PushBack(T value) {
    if (size_ == capacity_) Grow();
    (*this)[size_++] = std::move(value);
  }
  void PopFront() {
    if constexpr (!std::is_trivially_destructible_v<T>) front() = T();  // what it owns goes now
    head_ = (head_ + 1) & (capacity_ - 1);
    if (--size_ == 0) ReleaseIfLarge();
  }
  void PopBack() {
    if constexpr (!std::is_trivially_destructible_v<T>) back() = T();
    if (--size_ == 0) ReleaseIfLarge();
  }
  // Inserts before index `at`, moving the shorter side.
  void Insert(size_t at, T value) {
    if (size_ == capacity_) Grow();
    ++size_;
    if (at < size_ / 2) {
      head_ = (head_ - 1) & (capacity_ - 1);
      for (size_t i = 0; i < at; ++i) (*this)[i] = std::move((*this)[i + 1]);
    } else {
      for (size_t i = size_ - 1; i > at; --i) (*this)[i] = std::move((*this)[i - 1]);
    }
    (*this)[at] = std::move(value);
  }
  // Removes `count` elements from index `at` on.
  void Erase(size_t at, size_t count) {
    for (size_t i = at; i + count < size_; ++i) (*this)[i] = std::move((*this)[i + count]);
    while (count-- > 0) PopBack();
  }
  void Clear() {
    slots_.reset();
    capacity_ = head_ = size_ = 0;
  }

  // Index of the first element for which `less(element)` is false; elements must be partitioned by
  // it.
  template <typename Less>
  size_t LowerBound(Less less) const {
    size_t low = 0;
    size_t high = size_;
    while (low < high) {
      const size_t middle = low + (high - low) / 2;
      if (less((*this)[middle])) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

 private:
  void Grow() {
    const uint32_t capacity = capacity_ == 0 ? 1 : capacity_ * 2;
    auto slots = std::make_unique<T[]>(capacity);
    for (size_t i = 0; i < size_; ++i) slots[i] = std::move((*this)[i]);
    slots_ = std::move(slots);
    capacity_ = capacity;
    head_ = 0;
  }
  void ReleaseIfLarge() {
    if (capacity_ > kMaxKept) Clear();
  }
  static constexpr size_t kMaxKept = 64;

  std::unique_ptr<T[]> slots_;
  uint32_t capacity_ = 0;  // 0 or a power of two
  uint32_t head_ = 0;
  uint32_t size_ = 0;
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_RING_H_
