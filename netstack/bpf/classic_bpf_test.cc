#include "netstack/bpf/classic_bpf.h"

#include <array>
#include <vector>

#include "gtest/gtest.h"

namespace moat::netstack {
namespace {

using Program = std::vector<BpfInstruction>;

constexpr BpfInstruction kAcceptAll{.code = 0x06, .constant = 0xffff};
constexpr BpfInstruction kReturnA{.code = 0x16};

uint32_t Ask(const Program& program, const BpfInput& input) {
  const Result<ClassicBpf> verified = ClassicBpf::Verify(program);
  EXPECT_TRUE(verified.ok());
  return verified.ok() ? verified->Run(input) : ~0u;
}

bool Valid(const Program& program) { return ClassicBpf::Verify(program).ok(); }

TEST(ClassicBpf, TakesWhatAFilterOfTcpdumpAsksFor) {
  // tcpdump -dd "arp or icmp"
  const Program program = {{0x28, 0, 0, 12}, {0x15, 3, 0, 0x806}, {0x15, 0, 3, 0x800},
                           {0x30, 0, 0, 23}, {0x15, 0, 1, 1},     {6, 0, 0, 262144}, {6, 0, 0, 0}};
  std::array<uint8_t, 60> frame{};
  frame[12] = 8;
  frame[13] = 6;
  EXPECT_EQ(Ask(program, {.head = frame}), 262144u);
  frame[13] = 0;
  EXPECT_EQ(Ask(program, {.head = frame}), 0u);
  frame[23] = 1;
  EXPECT_EQ(Ask(program, {.head = frame}), 262144u);
  EXPECT_EQ(Ask(program, {.head = std::span(frame).first(20)}), 0u) << "a load behind the end";
}

TEST(ClassicBpf, LoadsAcrossPieces) {
  const std::array<uint8_t, 2> head = {1, 2};
  const std::array<uint8_t, 1> one = {3};
  const std::array<uint8_t, 3> more = {4, 5, 6};
  const std::array<std::span<const uint8_t>, 3> rest = {one, std::span<const uint8_t>(), more};
  EXPECT_EQ(Ask({{0x20, 0, 0, 1}, kReturnA}, {.head = head, .rest = rest}), 0x02030405u);
  EXPECT_EQ(Ask({{0x20, 0, 0, 3}, kReturnA}, {.head = head, .rest = rest}), 0u);
  EXPECT_EQ(Ask({{0x80}, kReturnA}, {.head = head, .rest = rest}), 6u);
  EXPECT_EQ(Ask({{0x80}, kReturnA}, {.head = head, .rest = rest, .start = 2}), 4u);
  EXPECT_EQ(Ask({{0x30, 0, 0, 0}, kReturnA}, {.head = head, .rest = rest, .start = 2}), 3u);
}

TEST(ClassicBpf, OffsetsBelowZero) {
  const std::array<uint8_t, 4> packet = {1, 2, 3, 4};
  const BpfInput input = {.head = packet, .start = 2, .network = 3};
  EXPECT_EQ(Ask({{0x30, 0, 0, static_cast<uint32_t>(-0x100000)}, kReturnA}, input), 4u);
  EXPECT_EQ(Ask({{0x30, 0, 0, static_cast<uint32_t>(-0x200000) + 1}, kReturnA}, input), 2u);
  EXPECT_EQ(Ask({{0x30, 0, 0, 0x80000000}, {6, 0, 0, 9}}, input), 0u);
}

TEST(ClassicBpf, AsksAboutThePacket) {
  const BpfInput input = {.protocol = 0x806, .packet_type = 4, .interface = 7, .hardware_type = 772,
                          .random = 99};
  const auto ask = [&](uint32_t what) {
    return Ask({{0x20, 0, 0, static_cast<uint32_t>(-0x1000) + what}, kReturnA}, input);
  };
  EXPECT_EQ(ask(0), 0x806u);
  EXPECT_EQ(ask(4), 4u);
  EXPECT_EQ(ask(8), 7u);
  EXPECT_EQ(ask(28), 772u);
  EXPECT_EQ(ask(56), 99u);
  EXPECT_EQ(ask(48), 0u) << "no VLAN";
  for (uint32_t refused : {12u, 52u, 2u, 64u}) {
    EXPECT_FALSE(Valid({{0x20, 0, 0, static_cast<uint32_t>(-0x1000) + refused}, kReturnA}))
        << refused;
  }
}

TEST(ClassicBpf, TheLengthOfAnIpHeader) {
  const std::array<uint8_t, 2> packet = {0x46, 0x11};
  EXPECT_EQ(Ask({{0xb1, 0, 0, 0}, {0x87}, kReturnA}, {.head = packet}), 24u);
}

TEST(ClassicBpf, ADivisionByZeroRefusesThePacket) {
  EXPECT_EQ(Ask({{0x01, 0, 0, 0}, {0x3c}, kAcceptAll}, {}), 0u);
  EXPECT_EQ(Ask({{0x01, 0, 0, 0}, {0x9c}, kAcceptAll}, {}), 0u);
  EXPECT_FALSE(Valid({{0x34, 0, 0, 0}, kAcceptAll}));
  EXPECT_FALSE(Valid({{0x94, 0, 0, 0}, kAcceptAll}));
}

TEST(ClassicBpf, RefusesWhatMightNotEnd) {
  EXPECT_FALSE(Valid({}));
  EXPECT_FALSE(Valid({{0x00, 0, 0, 1}})) << "does not return";
  EXPECT_FALSE(Valid({{0x05, 0, 0, 1}, kAcceptAll})) << "jumps out";
  EXPECT_FALSE(Valid({{0x05, 0, 0, 0xffffffff}, kAcceptAll})) << "jumps back";
  EXPECT_FALSE(Valid({{0x15, 1, 0, 0}, kAcceptAll}));
  EXPECT_FALSE(Valid({{0x15, 0, 1, 0}, kAcceptAll}));
  EXPECT_TRUE(Valid({{0x15, 0, 0, 0}, kAcceptAll}));
  EXPECT_TRUE(Valid(Program(ClassicBpf::kMostInstructions, kAcceptAll)));
  EXPECT_FALSE(Valid(Program(ClassicBpf::kMostInstructions + 1, kAcceptAll)));
}

TEST(ClassicBpf, RefusesUnknownCodesAndOperands) {
  for (uint16_t code : {0x100, 0x38, 0x18, 0xa0, 0xb0, 0x0e, 0x0f, 0x55, 0x08}) {
    EXPECT_FALSE(Valid({{code, 0, 0, 1}, kAcceptAll})) << code;
  }
  EXPECT_FALSE(Valid({{0x64, 0, 0, 32}, kAcceptAll})) << "shift";
  EXPECT_FALSE(Valid({{0x02, 0, 0, 16}, kAcceptAll})) << "scratch";
}

TEST(ClassicBpf, ScratchIsWrittenBeforeItIsRead) {
  EXPECT_FALSE(Valid({{0x60, 0, 0, 3}, kAcceptAll}));
  EXPECT_TRUE(Valid({{0x02, 0, 0, 3}, {0x60, 0, 0, 3}, kAcceptAll}));
  // Written on one of two ways only.
  EXPECT_FALSE(Valid({{0x15, 0, 1, 0}, {0x02, 0, 0, 3}, {0x61, 0, 0, 3}, kAcceptAll}));
  // The way round it returns.
  EXPECT_TRUE(Valid({{0x15, 1, 0, 0}, kAcceptAll, {0x02, 0, 0, 3}, {0x61, 0, 0, 3}, kAcceptAll}));
}

}  // namespace
}  // namespace moat::netstack
