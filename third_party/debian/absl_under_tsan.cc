// Tells ThreadSanitizer of absl::Mutex. Debian's library is not instrumented: without this every
// access under such a lock is reported as a race. The linker sends calls of what the tree uses here
// (--wrap in .bazelrc, build:tsan); gRPC's own calls are not, and its own data is none of ours.
#include <absl/synchronization/mutex.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <sanitizer/tsan_interface.h>

extern "C" {

// Member functions by their mangled names; `this` comes first (Itanium C++ ABI).
void __real__ZN4absl7debian35Mutex4LockEv(absl::Mutex* mutex);
void __real__ZN4absl7debian35Mutex6UnlockEv(absl::Mutex* mutex);

void __wrap__ZN4absl7debian35Mutex4LockEv(absl::Mutex* mutex) {
  __real__ZN4absl7debian35Mutex4LockEv(mutex);
  __tsan_acquire(mutex);
}

void __wrap__ZN4absl7debian35Mutex6UnlockEv(absl::Mutex* mutex) {
  __tsan_release(mutex);
  __real__ZN4absl7debian35Mutex6UnlockEv(mutex);
}

// The library has the condition evaluated by whoever unlocks, unseen. Here the waiter looks by
// itself.
bool __wrap__ZN4absl7debian35Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE(
    absl::Mutex* mutex, const absl::Condition& condition, absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  while (!condition.Eval()) {
    if (absl::Now() >= deadline) return false;
    mutex->Unlock();
    absl::SleepFor(absl::Milliseconds(1));
    mutex->Lock();
  }
  return true;
}

// What libraries that are not instrumented do with descriptors and memory of their own.
const char* __tsan_default_suppressions() {
  return "called_from_lib:libgrpc_unsecure.so\n"
         "called_from_lib:libgrpc++_unsecure.so\n"
         "called_from_lib:libgpr.so\n"
         "called_from_lib:libabsl_graphcycles_internal.so\n"
         "called_from_lib:libabsl_synchronization.so\n";
}

}  // extern "C"
