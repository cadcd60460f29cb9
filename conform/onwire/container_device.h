// A device in a container: an OCI runtime joins the namespace, and the agent is the container's
// only program.
#ifndef MOAT_CONFORM_ONWIRE_CONTAINER_DEVICE_H_
#define MOAT_CONFORM_ONWIRE_CONTAINER_DEVICE_H_

#include <string>
#include <vector>

#include "conform/onwire/wire_device.h"

namespace moat::conform {

class ContainerDevice : public WireDevice {
 public:
  using WireDevice::WireDevice;
  ~ContainerDevice() override;

  // Takes away what a device has in its directory below the scratch: the container, and the
  // directory. Also of a device whose process was killed.
  static void Remove(const std::string& directory);

 protected:
  // `runtime`: the program and its options, before --root.
  absl::Status StartContainer(const std::vector<std::string>& runtime, const Programs& programs);
  const std::string& id() const { return id_; }
  const std::string& directory() const { return directory_; }

 private:
  absl::Status WriteBundle(const Programs& programs);

  std::string id_;
  std::string directory_;  // bundle and state; removed at the end
};

}  // namespace moat::conform

#endif  // MOAT_CONFORM_ONWIRE_CONTAINER_DEVICE_H_
