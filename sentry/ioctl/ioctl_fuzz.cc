// Interface requests with arbitrary numbers over arbitrary memory.
#include <linux/sockios.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "sentry/abi/bytes.h"
#include "sentry/ioctl/interface_ioctl.h"
#include "sentry/netlink/fake_view.h"
#include "test/fuzz/seeds.h"

namespace moat::sentry {
namespace {

// Memory from address 0 on; what lies beyond is unmapped.
class FuzzMemory final : public IoctlMemory {
 public:
  explicit FuzzMemory(std::span<const uint8_t> bytes) : bytes_(bytes.begin(), bytes.end()) {}
  bool Read(uint64_t address, std::span<uint8_t> out) const override {
    if (address > bytes_.size() || out.size() > bytes_.size() - address) return false;
    std::copy_n(bytes_.begin() + static_cast<ptrdiff_t>(address), out.size(), out.begin());
    return true;
  }
  bool Write(uint64_t address, std::span<const uint8_t> data) const override {
    if (address > bytes_.size() || data.size() > bytes_.size() - address) return false;
    std::copy(data.begin(), data.end(), bytes_.begin() + static_cast<ptrdiff_t>(address));
    return true;
  }

 private:
  mutable std::vector<uint8_t> bytes_;
};

}  // namespace
}  // namespace moat::sentry

std::vector<std::vector<uint8_t>> FuzzSeeds() {
  using namespace moat::sentry;  // NOLINT: the hook's name is fixed
  std::vector<std::vector<uint8_t>> seeds;
  for (int number :
       {SIOCGIFCONF, SIOCGIFNAME, SIOCGIFFLAGS, SIOCGIFADDR, SIOCGIFHWADDR, SIOCGARP}) {
    for (const char* name : {"lo", "eth0", "eth0:1"}) {
      std::vector<uint8_t> seed(3 + 128);
      seed[0] = static_cast<uint8_t>(number);
      seed[1] = 1;
      std::memcpy(seed.data() + 3, name, strlen(name));
      seeds.push_back(seed);
    }
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace moat::sentry;  // NOLINT: the entry point's name is fixed
  if (size < 4) return 0;
  static const FakeView* const view = [] {
    auto* made = new FakeView();
    made->AddLoopback();
    made->AddEthernet(2, "eth0");
    made->AddAddress(2, "172.17.0.2/16");
    return made;
  }();
  const uint32_t request = 0x8900u + data[0] + (data[1] % 4 == 0 ? 0x200u : 0u);
  const auto family = (data[1] & 8) != 0 ? moat::netstack::Family::kIpv6
                                         : moat::netstack::Family::kIpv4;
  const FuzzMemory memory(std::span<const uint8_t>(data + 3, size - 3));
  (void)InterfaceIoctl(request, data[2] % 8, family, *view, memory);
  return 0;
}
