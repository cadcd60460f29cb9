#include "netstack/transport/tcp/isn.h"

#include <array>
#include <cstring>

#include "netstack/wire/bytes.h"

namespace moat::netstack::tcp {
namespace {

constexpr Duration kIsnTick = std::chrono::microseconds(4);

using FlowBytes = std::array<uint8_t, 36>;

FlowBytes BytesOf(const FlowKey& flow) {
  FlowBytes bytes{};
  std::memcpy(bytes.data(), flow.local.data(), 16);
  std::memcpy(bytes.data() + 16, flow.remote.data(), 16);
  StoreBe16(bytes.data() + 32, flow.local_port);
  StoreBe16(bytes.data() + 34, flow.remote_port);
  return bytes;
}

}  // namespace

SeqNum IsnGenerator::Isn(const FlowKey& flow, Time now) const {
  const auto clock = static_cast<uint32_t>(now.time_since_epoch() / kIsnTick);
  return SeqNum(static_cast<uint32_t>(SipHash(isn_key_, BytesOf(flow))) + clock);
}

uint32_t IsnGenerator::TimestampOffset(const FlowKey& flow) const {
  const FlowBytes bytes = BytesOf(flow);
  return static_cast<uint32_t>(SipHash(timestamp_key_, std::span(bytes).first(32)));
}

}  // namespace moat::netstack::tcp
