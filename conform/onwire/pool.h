// Runs cases in processes of their own, several at a time: most of a case's time is waiting, and a
// case that crashes or hangs takes nothing with it.
#ifndef MOAT_CONFORM_ONWIRE_POOL_H_
#define MOAT_CONFORM_ONWIRE_POOL_H_

#include <functional>
#include <string>
#include <vector>

#include "conform/bench/case.h"
#include "conform/onwire/wire_device.h"

namespace moat::conform {

struct Job {
  const Case* c = nullptr;
  std::string stack;  // kind of the device
};

struct JobResult {
  Job job;
  std::string outcome;  // of OutcomeName()
  std::string reason;
  std::string trace;    // lines; only of what did not pass
  int attempts = 1;
  int seconds = 0;      // that the last attempt took
};

struct PoolOptions {
  Programs programs;
  int parallel = 4;
  int timeout_seconds = 300;  // of one case
  std::string pcap_directory;  // empty: no captures
};

// From here on a signal that would end the process (SIGINT, SIGTERM, SIGHUP) ends RunJobs()
// instead.
void CatchSignals();
// The one that came; 0: none.
int CaughtSignal();

// Results in the order of the jobs; `progress` is told as they come. After a signal the cases are
// killed and the results are of no use.
std::vector<JobResult> RunJobs(const std::vector<Job>& jobs, const PoolOptions& options,
                               const std::function<void(const JobResult&)>& progress);

}  // namespace moat::conform

#endif  // MOAT_CONFORM_ONWIRE_POOL_H_
