#include "netstack/packet/slice.h"

#include <cstdlib>
#include <new>

namespace moat::netstack {

Storage* Storage::New(size_t capacity) {
  void* block = std::malloc(sizeof(Storage) + capacity);
  if (block == nullptr) std::abort();
  return new (block) Storage(capacity);
}

void Storage::Unref() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  this->~Storage();
  std::free(this);
}

}  // namespace moat::netstack
