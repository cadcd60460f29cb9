#include "netstack/link/segment.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "netstack/ip/ip_sender.h"
#include "netstack/wire/address.h"
#include "netstack/wire/bytes.h"
#include "netstack/wire/checksum.h"

namespace moat::netstack {
namespace {

constexpr size_t kIpv4Header = 20;
constexpr size_t kIpv6Header = 40;
constexpr size_t kUdpHeader = 8;
constexpr size_t kTcpHeader = 20;
constexpr uint8_t kTcpFin = 0x01, kTcpPush = 0x08, kTcpCwr = 0x80;

std::vector<uint8_t> Flatten(const TxFrame& frame) {
  std::vector<uint8_t> bytes;
  bytes.reserve(frame.size());
  bytes.insert(bytes.end(), frame.headers.begin(), frame.headers.end());
  for (const auto& piece : frame.payload) bytes.insert(bytes.end(), piece.begin(), piece.end());
  return bytes;
}

// The field holds the pseudo-header sum: summing over it completes the checksum. `zero_is_none`:
// UDP.
void CompleteChecksum(std::span<uint8_t> bytes, size_t start, size_t offset, bool zero_is_none) {
  if (start + offset + 2 > bytes.size()) return;
  uint16_t sum = ChecksumOf(bytes.subspan(start));
  if (sum == 0 && zero_is_none) sum = 0xffff;
  StoreBe16(bytes.data() + start + offset, sum);
}

bool IsUdp(const TxFrame& frame) {
  return frame.offload.gso == GsoType::kUdp || frame.offload.checksum_offset == 6;
}

class Segmenter {
 public:
  Segmenter(const TxFrame& frame, size_t link_header_size)
      : frame_(frame), bytes_(Flatten(frame)), ip_(link_header_size),
        transport_(frame.offload.checksum_start), headers_(frame.headers.size()) {}

  // Whether the headers are what the offload promises, so that the rest need not check.
  bool Valid() const {
    const TxOffload& offload = frame_.offload;
    const bool tcp = offload.gso != GsoType::kUdp;
    const size_t transport_size = tcp ? kTcpHeader : kUdpHeader;
    if (!offload.needs_checksum || offload.gso_size == 0) return false;
    if (offload.checksum_offset != (tcp ? 16 : 6)) return false;
    if (headers_ < transport_ + transport_size || transport_ <= ip_) return false;
    return transport_ >= ip_ + (is_v4() ? kIpv4Header : kIpv6Header);
  }

  void Run(absl::FunctionRef<void(std::span<const uint8_t>)> emit) {
    const size_t payload = bytes_.size() - headers_;
    const size_t step = frame_.offload.gso_size;
    std::vector<uint8_t> segment;
    for (size_t offset = 0, index = 0; offset < payload; offset += step, ++index) {
      const size_t size = std::min(step, payload - offset);
      segment.assign(bytes_.begin(), bytes_.begin() + static_cast<ptrdiff_t>(headers_));
      const uint8_t* piece = bytes_.data() + headers_ + offset;
      segment.insert(segment.end(), piece, piece + size);
      FixNetwork(segment, index);
      FixTransport(segment, offset, offset + size == payload);
      emit(segment);
    }
  }

 private:
  bool is_v4() const { return (bytes_[ip_] >> 4) == 4; }

  void FixNetwork(std::vector<uint8_t>& segment, size_t index) const {
    uint8_t* ip = segment.data() + ip_;
    if (!is_v4()) {
      StoreBe16(ip + 4, static_cast<uint16_t>(segment.size() - ip_ - kIpv6Header));
      return;
    }
    StoreBe16(ip + 2, static_cast<uint16_t>(segment.size() - ip_));
    StoreBe16(ip + 4, static_cast<uint16_t>(LoadBe16(ip + 4) + index));
    StoreBe16(ip + 10, 0);
    StoreBe16(ip + 10, ChecksumOf({ip, transport_ - ip_}));
  }

  void FixTransport(std::vector<uint8_t>& segment, size_t offset, bool last) const {
    uint8_t* header = segment.data() + transport_;
    const size_t length = segment.size() - transport_;
    const bool udp = frame_.offload.gso == GsoType::kUdp;
    if (udp) {
      StoreBe16(header + 4, static_cast<uint16_t>(length));
    } else {
      StoreBe32(header + 4, LoadBe32(header + 4) + static_cast<uint32_t>(offset));
      if (offset != 0) header[13] &= static_cast<uint8_t>(~kTcpCwr);
      if (!last) header[13] &= static_cast<uint8_t>(~(kTcpFin | kTcpPush));
    }
    uint8_t* field = header + frame_.offload.checksum_offset;
    StoreBe16(field, 0);
    const uint8_t* ip = segment.data() + ip_;
    Checksum sum;
    sum.AddPseudoHeader(is_v4() ? IpAddress::V4(ip + 12) : IpAddress::V6(ip + 8),
                        is_v4() ? IpAddress::V4(ip + 16) : IpAddress::V6(ip + 24),
                        udp ? ip_protocol::kUdp : ip_protocol::kTcp,
                        static_cast<uint32_t>(length));
    sum.Add({header, length});
    const uint16_t checksum = sum.Finish();
    StoreBe16(field, udp && checksum == 0 ? 0xffff : checksum);
  }

  const TxFrame& frame_;
  const std::vector<uint8_t> bytes_;
  const size_t ip_;
  const size_t transport_;
  const size_t headers_;
};

}  // namespace

void EmitWireFrames(const TxFrame& frame, size_t link_header_size,
                    absl::FunctionRef<void(std::span<const uint8_t> bytes)> emit) {
  const TxOffload& offload = frame.offload;
  if (offload.gso != GsoType::kNone) {
    Segmenter segmenter(frame, link_header_size);
    if (segmenter.Valid() && frame.payload_size() > offload.gso_size) return segmenter.Run(emit);
  }
  std::vector<uint8_t> bytes = Flatten(frame);
  if (offload.needs_checksum) {
    CompleteChecksum(bytes, offload.checksum_start, offload.checksum_offset, IsUdp(frame));
  }
  emit(bytes);
}

}  // namespace moat::netstack
