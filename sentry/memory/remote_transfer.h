// Several copies from or to a container's memory in one system call, which is most of their cost.
#ifndef MOAT_SENTRY_MEMORY_REMOTE_TRANSFER_H_
#define MOAT_SENTRY_MEMORY_REMOTE_TRANSFER_H_

#include <sys/types.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "sentry/abi/msghdr.h"
#include "sentry/memory/remote_memory.h"

namespace moat::sentry {

// Collects pieces, then copies them all: Commit() is all or nothing as far as the caller is told
// (some bytes may have been written when it fails). The spans are borrowed until then.
class RemoteTransfer {
 public:
  enum class Direction : uint8_t { kRead, kWrite };

  RemoteTransfer(const RemoteMemory& memory, Direction direction)
      : tid_(memory.tid()), direction_(direction) {}

  void Read(uint64_t address, std::span<uint8_t> out) { Add(address, out.data(), out.size()); }
  void Write(uint64_t address, std::span<const uint8_t> data) {
    Add(address, const_cast<uint8_t*>(data.data()), data.size());
  }
  // Between `local` and the first local.size() bytes of the container's vectors.
  void Gather(const IoVectors& from, std::span<uint8_t> local);
  void Scatter(std::span<const uint8_t> local, const IoVectors& to);

  bool Commit();

 private:
  static constexpr size_t kMost = 32;

  void Add(uint64_t address, uint8_t* local, size_t size);
  void Flush();

  const pid_t tid_;
  const Direction direction_;
  std::array<iovec, kMost> here_;
  std::array<iovec, kMost> there_;
  size_t count_ = 0;
  size_t bytes_ = 0;
  bool failed_ = false;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_MEMORY_REMOTE_TRANSFER_H_
