#include "netstack/testing/channel_link.h"

#include <utility>

#include "netstack/link/segment.h"

namespace moat::netstack {

bool ChannelLink::Transmit(const TxFrame& frame) {
  if (full_) return false;
  if (sink_) {
    EmitWireFrames(frame, link_header_size(), [this](std::span<const uint8_t> b) { sink_(b); });
    return true;
  }
  Sent sent;
  sent.header_size = frame.headers.size();
  sent.offload = frame.offload;
  sent.bytes.assign(frame.headers.begin(), frame.headers.end());
  for (const auto& piece : frame.payload) {
    sent.bytes.insert(sent.bytes.end(), piece.begin(), piece.end());
  }
  sent_.push_back(std::move(sent));
  return true;
}

std::vector<std::vector<uint8_t>> ChannelLink::TakeWireFrames() {
  std::vector<std::vector<uint8_t>> frames;
  if (sent_.empty()) return frames;
  const Sent sent = std::move(sent_.front());
  sent_.pop_front();
  const std::span<const uint8_t> bytes = sent.bytes;
  const std::span<const uint8_t> payload = bytes.subspan(sent.header_size);
  const TxFrame frame{.headers = bytes.first(sent.header_size),
                      .payload = {&payload, payload.empty() ? 0u : 1u},
                      .offload = sent.offload};
  EmitWireFrames(frame, link_header_size(), [&](std::span<const uint8_t> wire) {
    frames.emplace_back(wire.begin(), wire.end());
  });
  return frames;
}

std::vector<uint8_t> ChannelLink::TakeFrame() {
  std::vector<std::vector<uint8_t>> frames = TakeWireFrames();
  return frames.empty() ? std::vector<uint8_t>() : std::move(frames.front());
}

RxFrame ReceivedFrame(std::span<const uint8_t> bytes) { return {.bytes = Slice::Copy(bytes)}; }

}  // namespace moat::netstack
