#include "sentry/memory/remote_memory.h"

#include <sys/uio.h>

#include <algorithm>
#include <array>

namespace moat::sentry {
namespace {

// Vectors per system call (UIO_MAXIOV is 1024; a frame of this size stays on a small stack).
constexpr size_t kBatch = 64;

using CopyFunction = ssize_t (*)(pid_t, const iovec*, unsigned long, const iovec*, unsigned long,
                                 unsigned long);

iovec Vector(uint64_t address, size_t length) {
  return {reinterpret_cast<void*>(static_cast<uintptr_t>(address)), length};
}

// Copies min(size, sum of vectors) bytes between `local` and the remote vectors, batch by batch.
ssize_t Transfer(CopyFunction copy, pid_t tid, uint8_t* local, size_t size,
                 const IoVectors& remote) {
  size_t done = 0;
  size_t index = 0;
  std::array<iovec, kBatch> batch;
  while (done < size && index < remote.pieces.size()) {
    size_t count = 0;
    size_t planned = 0;
    while (count < kBatch && index < remote.pieces.size() && done + planned < size) {
      const IoVector& piece = remote.pieces[index++];
      const size_t length = std::min<uint64_t>(piece.length, size - done - planned);
      if (length == 0) continue;
      batch[count++] = Vector(piece.address, length);
      planned += length;
    }
    if (planned == 0) break;
    iovec here = {local + done, planned};
    const ssize_t copied = copy(tid, &here, 1, batch.data(), count, 0);
    if (copied < 0) return done == 0 ? -1 : static_cast<ssize_t>(done);
    done += static_cast<size_t>(copied);
    if (static_cast<size_t>(copied) < planned) break;  // the rest is not mapped
  }
  return static_cast<ssize_t>(done);
}

}  // namespace

bool RemoteMemory::Read(uint64_t address, std::span<uint8_t> out) const {
  if (out.empty()) return true;
  iovec here = {out.data(), out.size()};
  const iovec there = Vector(address, out.size());
  return process_vm_readv(tid_, &here, 1, &there, 1, 0) == static_cast<ssize_t>(out.size());
}

bool RemoteMemory::Write(uint64_t address, std::span<const uint8_t> data) const {
  if (data.empty()) return true;
  iovec here = {const_cast<uint8_t*>(data.data()), data.size()};
  const iovec there = Vector(address, data.size());
  return process_vm_writev(tid_, &here, 1, &there, 1, 0) == static_cast<ssize_t>(data.size());
}

ssize_t RemoteMemory::Gather(const IoVectors& from, std::span<uint8_t> out) const {
  return Transfer(&process_vm_readv, tid_, out.data(), out.size(), from);
}

ssize_t RemoteMemory::Scatter(std::span<const uint8_t> data, const IoVectors& to) const {
  return Transfer(&process_vm_writev, tid_, const_cast<uint8_t*>(data.data()), data.size(), to);
}

}  // namespace moat::sentry
