// Decorates a link: every frame that passes is also written to a capture, while there is one.
//
// Frames that arrive do not pass a Link; whoever reads them calls OnReceive().
#ifndef MOAT_NETSTACK_LINK_CAPTURE_H_
#define MOAT_NETSTACK_LINK_CAPTURE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "netstack/base/time.h"
#include "netstack/link/link.h"
#include "netstack/link/pcapng.h"

namespace moat::netstack {

class CaptureLink : public Link {
 public:
  // `inner` and `clock` are borrowed. `epoch` is the wall-clock time of the clock's zero.
  CaptureLink(Link* inner, const Clock* clock, Duration epoch)
      : inner_(inner), clock_(clock), epoch_(epoch) {}

  LinkCapabilities capabilities() const override { return inner_->capabilities(); }

  bool Transmit(const TxFrame& frame) override {
    if (writer_ != nullptr) {
      pieces_.assign(1, frame.headers);
      pieces_.insert(pieces_.end(), frame.payload.begin(), frame.payload.end());
      writer_->AddFrame(interface_, Now(), PcapngWriter::Direction::kOut, pieces_);
    }
    return inner_->Transmit(frame);
  }
  void Flush() override { inner_->Flush(); }

  void OnReceive(const RxFrame& frame) {
    if (writer_ == nullptr) return;
    const std::array<std::span<const uint8_t>, 1> piece = {frame.bytes.span()};
    writer_->AddFrame(interface_, Now(), PcapngWriter::Direction::kIn, piece);
  }

  // Begins a capture (replacing a running one). Checksums that are left to the device are captured
  // as the stack leaves them.
  void Start(const std::string& name, uint32_t snap_length, PcapngWriter::Sink sink) {
    writer_ = std::make_unique<PcapngWriter>(std::move(sink));
    const uint16_t type = inner_->capabilities().has_ethernet_header ? PcapngWriter::kEthernet
                                                                      : PcapngWriter::kRawIp;
    interface_ = writer_->AddInterface(name, type, snap_length);
  }
  void Stop() { writer_.reset(); }
  bool running() const { return writer_ != nullptr; }

 private:
  Duration Now() const { return clock_->Now().time_since_epoch() + epoch_; }

  Link* inner_;
  const Clock* clock_;
  Duration epoch_;
  std::unique_ptr<PcapngWriter> writer_;
  uint32_t interface_ = 0;
  std::vector<std::span<const uint8_t>> pieces_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_LINK_CAPTURE_H_
