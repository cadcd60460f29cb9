// Shared, immutable-by-convention bytes. A Storage is one heap block; a Slice is a window into it
// that keeps it alive. Received frames, queued data and reassembled packets are Slices, so that a
// payload goes from the link to the reader without a copy.
//
// The reference count is atomic because links fill storages outside the stack's lock.
#ifndef MOAT_NETSTACK_PACKET_SLICE_H_
#define MOAT_NETSTACK_PACKET_SLICE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

namespace moat::netstack {

// One block: this header and `capacity` bytes behind it.
class Storage {
 public:
  // Never null: allocation failure ends the process, limits are enforced by who queues.
  static Storage* New(size_t capacity);

  uint8_t* data() { return reinterpret_cast<uint8_t*>(this + 1); }
  size_t capacity() const { return capacity_; }
  void Ref() { references_.fetch_add(1, std::memory_order_relaxed); }
  void Unref();
  bool unique() const { return references_.load(std::memory_order_acquire) == 1; }

 private:
  explicit Storage(size_t capacity) : capacity_(capacity) {}
  std::atomic<uint32_t> references_{1};
  size_t capacity_;
};

class Slice {
 public:
  Slice() = default;
  // Takes over one reference.
  Slice(Storage* storage, size_t offset, size_t size)
      : storage_(storage), data_(storage->data() + offset), size_(size) {}
  Slice(const Slice& other) : storage_(other.storage_), data_(other.data_), size_(other.size_) {
    if (storage_ != nullptr) storage_->Ref();
  }
  Slice(Slice&& other) noexcept { Swap(other); }
  Slice& operator=(Slice other) noexcept {
    Swap(other);
    return *this;
  }
  ~Slice() {
    if (storage_ != nullptr) storage_->Unref();
  }

  static Slice Allocate(size_t size) { return Slice(Storage::New(size), 0, size); }
  static Slice Copy(std::span<const uint8_t> bytes) {
    Slice slice = Allocate(bytes.size());
    if (!bytes.empty()) std::memcpy(slice.mutable_data(), bytes.data(), bytes.size());
    return slice;
  }

  const uint8_t* data() const { return data_; }
  uint8_t* mutable_data() { return data_; }  // only while nobody else reads these bytes
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::span<const uint8_t> span() const { return {data_, size_}; }
  // Bytes of memory that this slice keeps alive; what limits are charged with.
  size_t footprint() const {
    return storage_ == nullptr ? 0 : storage_->capacity() + sizeof(Storage);
  }

  // Whether this slice alone holds its storage, and the bytes of the storage in front of it: who
  // may write, and where a longer header fits.
  bool unique() const { return storage_ != nullptr && storage_->unique(); }
  size_t headroom() const {
    return storage_ == nullptr ? 0 : static_cast<size_t>(data_ - storage_->data());
  }

  void RemovePrefix(size_t n) {
    data_ += n;
    size_ -= n;
  }
  void RemoveSuffix(size_t n) { size_ -= n; }
  Slice Sub(size_t offset, size_t size) const {
    Slice slice(*this);
    slice.data_ += offset;
    slice.size_ = size;
    return slice;
  }
  void Swap(Slice& other) noexcept {
    std::swap(storage_, other.storage_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

 private:
  Storage* storage_ = nullptr;
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_PACKET_SLICE_H_
