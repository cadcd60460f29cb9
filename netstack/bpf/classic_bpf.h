// Classic BPF (Linux's Documentation/networking/filter.rst; McCanne and Jacobson, 1993): programs
// that look at one packet and say how many bytes of it are wanted.
//
// A program is verified when it is made: every jump goes forward and stays inside, the last
// instruction returns, scratch memory is written before it is read, nothing divides by a constant
// of zero. So Run() ends after at most as many steps as there are instructions, and touches nothing
// but its input. The rules are those of bpf_check_classic() in Linux, as behaviour.
//
//   Result<ClassicBpf> filter = ClassicBpf::Verify(instructions);
//   const uint32_t wanted = filter->Run({.head = frame, .network = 14});
#ifndef MOAT_NETSTACK_BPF_CLASSIC_BPF_H_
#define MOAT_NETSTACK_BPF_CLASSIC_BPF_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "netstack/base/error.h"

namespace moat::netstack {

// struct sock_filter.
struct BpfInstruction {
  uint16_t code = 0;
  uint8_t jump_true = 0;   // instructions to skip
  uint8_t jump_false = 0;
  uint32_t constant = 0;   // k

  bool operator==(const BpfInstruction&) const = default;
};

// A packet, gathered, and what the program can ask about it besides its bytes (SKF_AD_*). Borrowed.
struct BpfInput {
  std::span<const uint8_t> head{};                    // from the link header on
  std::span<const std::span<const uint8_t>> rest{};   // what follows, in pieces
  // In the packet: what offset 0 of the program means (SOCK_DGRAM: the network header).
  size_t start = 0;
  size_t network = 0;  // in the packet: SKF_NET_OFF
  uint16_t protocol = 0;
  uint8_t packet_type = 0;
  uint32_t interface = 0;
  uint16_t hardware_type = 0;
  uint32_t random = 0;

  size_t size() const;  // of the whole packet
};

class ClassicBpf {
 public:
  static constexpr size_t kMostInstructions = 4096;  // BPF_MAXINSNS

  // kInvalid: empty, too long, or it breaks a rule. SKF_AD_NLATTR, _NLATTR_NEST and _PAY_OFFSET are
  // refused; SKF_AD_MARK, _QUEUE, _RXHASH, _CPU and _VLAN_* read as zero.
  static Result<ClassicBpf> Verify(std::span<const BpfInstruction> program);

  // Bytes that the program wants, counted from `start`; 0: the packet is not for it. A load outside
  // of the packet and a division by zero end the program with 0.
  uint32_t Run(const BpfInput& input) const;

  size_t size() const { return program_.size(); }
  // Bytes of the heap.
  size_t footprint() const { return program_.capacity() * sizeof(BpfInstruction); }

 private:
  explicit ClassicBpf(std::vector<BpfInstruction> program) : program_(std::move(program)) {}

  std::vector<BpfInstruction> program_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_BPF_CLASSIC_BPF_H_
