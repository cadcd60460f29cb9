// The directory where devices keep what they need on disk, for one run of the tester. It goes at
// the end with all that is in it, also what belonged to a case whose process was killed.
#ifndef MOAT_CONFORM_ONWIRE_SCRATCH_H_
#define MOAT_CONFORM_ONWIRE_SCRATCH_H_

#include "absl/status/status.h"
#include "conform/onwire/wire_device.h"

namespace moat::conform {

class Scratch {
 public:
  // `programs` is borrowed; its `scratch` is set by Make().
  explicit Scratch(Programs& programs) : programs_(programs) {}
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  absl::Status Make();

 private:
  Programs& programs_;
};

}  // namespace moat::conform

#endif  // MOAT_CONFORM_ONWIRE_SCRATCH_H_
