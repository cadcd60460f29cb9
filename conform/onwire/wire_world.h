// One case on the wire: two namespaces joined by veth pairs, a device in one, the tester in the
// other. The calling process is used up: it ends in the tester's namespace. Everything made goes
// with the process.
#ifndef MOAT_CONFORM_ONWIRE_WIRE_WORLD_H_
#define MOAT_CONFORM_ONWIRE_WIRE_WORLD_H_

#include <string>

#include "absl/status/statusor.h"
#include "conform/bench/run_case.h"
#include "conform/onwire/wire_device.h"

namespace moat::conform {

// An error is the bench's own trouble, not the device's.
absl::StatusOr<Report> RunOnWire(const Case& c, const std::string& kind,
                                 const Programs& programs);

}  // namespace moat::conform

#endif  // MOAT_CONFORM_ONWIRE_WIRE_WORLD_H_
