// Random programs over random packets, here and in the kernel: a filter on a Unix datagram socket
// sees the payload. Compared is which programs are accepted, and what they say.
#include <linux/filter.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netstack/bpf/classic_bpf.h"
#include "netstack/bpf/random_program.h"

namespace moat::netstack {
namespace {

constexpr size_t kPacketSize = 64;

static_assert(sizeof(sock_filter) == sizeof(BpfInstruction));

std::string TextOf(const std::vector<BpfInstruction>& program) {
  std::ostringstream text;
  for (const BpfInstruction& i : program) {
    text << std::hex << "{0x" << i.code << ", " << int{i.jump_true} << ", " << int{i.jump_false}
         << ", 0x" << i.constant << "} ";
  }
  return text.str();
}

class Kernel {
 public:
  Kernel() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends_.data()), 0); }
  ~Kernel() {
    for (int end : ends_) close(end);
  }
  bool Attach(std::vector<BpfInstruction>& program) const {
    sock_fprog value{static_cast<unsigned short>(program.size()),
                     reinterpret_cast<sock_filter*>(program.data())};
    return setsockopt(ends_[1], SOL_SOCKET, SO_ATTACH_FILTER, &value, sizeof(value)) == 0;
  }
  // Bytes that arrive, 0 when the packet is refused.
  size_t Pass(std::span<const uint8_t> packet) const {
    std::array<uint8_t, 2 * kPacketSize> buffer;
    EXPECT_EQ(write(ends_[0], packet.data(), packet.size()), static_cast<ssize_t>(packet.size()));
    const ssize_t size = read(ends_[1], buffer.data(), buffer.size());
    return size < 0 ? 0 : static_cast<size_t>(size);
  }

 private:
  std::array<int, 2> ends_{};
};

TEST(ClassicBpfOracle, AgreesWithTheKernel) {
  const Kernel kernel;
  std::mt19937 random(7);
  std::array<uint8_t, kPacketSize> packet;
  std::array<uint8_t, 48> bytes;
  int accepted = 0, wanted_some = 0;
  for (int round = 0; round < 20000; ++round) {
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    for (uint8_t& byte : packet) byte = static_cast<uint8_t>(random());
    std::vector<BpfInstruction> program =
        ProgramOf(std::span(bytes).first(4 * (1 + random() % (bytes.size() / 4))));
    // What is asked about a packet besides its bytes differs between a Unix socket and a packet
    // socket.
    const bool asks = std::any_of(program.begin(), program.end(), [](const BpfInstruction& i) {
      return static_cast<int32_t>(i.constant) < 0 && (i.code & 7) <= 1;
    });
    if (asks) continue;
    const Result<ClassicBpf> ours = ClassicBpf::Verify(program);
    ASSERT_EQ(ours.ok(), kernel.Attach(program)) << TextOf(program);
    if (!ours.ok()) continue;
    ++accepted;
    const uint32_t wanted = ours->Run({.head = packet});
    wanted_some += wanted != 0 ? 1 : 0;
    ASSERT_EQ(std::min<size_t>(wanted, packet.size()), kernel.Pass(packet)) << TextOf(program);
  }
  EXPECT_GT(accepted, 1000);
  EXPECT_GT(wanted_some, 300);
}

}  // namespace
}  // namespace moat::netstack
