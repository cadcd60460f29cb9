// Bounded copies from and to the memory of a container's thread (process_vm_readv(2)).
//
// Every address and length is the container's claim: nothing here allocates by one, and each copy
// is as long as the caller's own buffer. What was read is only used after the call was checked to
// be still valid (Call::Valid()), because the thread may have died and its number been reused.
#ifndef MOAT_SENTRY_MEMORY_REMOTE_MEMORY_H_
#define MOAT_SENTRY_MEMORY_REMOTE_MEMORY_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "sentry/abi/msghdr.h"

namespace moat::sentry {

class RemoteMemory {
 public:
  explicit RemoteMemory(pid_t tid) : tid_(tid) {}

  // All or nothing: false means EFAULT (or that the thread is gone). Empty spans succeed.
  bool Read(uint64_t address, std::span<uint8_t> out) const;
  bool Write(uint64_t address, std::span<const uint8_t> data) const;

  template <typename T>
  bool ReadValue(uint64_t address, T* value) const {
    static_assert(std::is_trivially_copyable_v<T>);
    return Read(address, {reinterpret_cast<uint8_t*>(value), sizeof(T)});
  }
  template <typename T>
  bool WriteValue(uint64_t address, const T& value) const {
    static_assert(std::is_trivially_copyable_v<T>);
    return Write(address, {reinterpret_cast<const uint8_t*>(&value), sizeof(T)});
  }

  // Gathers from / scatters to the container's vectors, in order, as much as both sides hold.
  // Returns the bytes copied, which are fewer when an address is bad; -1 when none could be.
  ssize_t Gather(const IoVectors& from, std::span<uint8_t> out) const;
  ssize_t Scatter(std::span<const uint8_t> data, const IoVectors& to) const;

  pid_t tid() const { return tid_; }

 private:
  pid_t tid_;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_MEMORY_REMOTE_MEMORY_H_
