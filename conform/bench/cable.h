// The wire between tester and device, and the time on it: in memory on a fake clock, or a veth.
#ifndef MOAT_CONFORM_BENCH_CABLE_H_
#define MOAT_CONFORM_BENCH_CABLE_H_

#include <optional>

#include "conform/wire/packet.h"

namespace moat::conform {

struct SeenFrame {
  int port = 0;
  Duration time{};
  Bytes bytes;
};

class Cable {
 public:
  virtual ~Cable() = default;
  virtual Duration Now() const = 0;  // since the case began
  virtual void Send(int port, const Bytes& frame) = 0;
  // The next frame from the device, waiting for it until `deadline`; absent when none came.
  virtual std::optional<SeenFrame> Receive(Duration deadline) = 0;
  // How long a frame may take into a device that is busy: waited for before the device is told to
  // act, so that it acts after what was sent.
  virtual Duration settle_time() const { return Duration(0); }
};

}  // namespace moat::conform

#endif  // MOAT_CONFORM_BENCH_CABLE_H_
