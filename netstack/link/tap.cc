#include "netstack/link/tap.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "netstack/link/segment.h"
#include "netstack/link/vnet_header.h"

namespace moat::netstack {
namespace {

constexpr size_t kEthernetHeader = 14;
constexpr size_t kMaxPieces = 64;
constexpr unsigned kUso = 0x20 | 0x40;  // TUN_F_USO4 | TUN_F_USO6 (Linux 6.2)

absl::Status FromErrno(int error, const char* what) {
  const std::string text = absl::StrCat(what, ": ", std::strerror(error));
  if (error == EPERM || error == EACCES) return absl::PermissionDeniedError(text);
  if (error == ENOENT || error == ENODEV) return absl::NotFoundError(text);
  if (error == EBUSY) return absl::AlreadyExistsError(text);
  return absl::InternalError(text);
}

}  // namespace

absl::StatusOr<std::unique_ptr<TapLink>> TapLink::Open(const std::string& name) {
  if (name.empty() || name.size() >= IFNAMSIZ) {
    return absl::InvalidArgumentError("a TAP device's name has 1 to 15 bytes");
  }
  const int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return FromErrno(errno, "/dev/net/tun");
  std::unique_ptr<TapLink> link(new TapLink(fd));
  ifreq request{};
  std::memcpy(request.ifr_name, name.data(), name.size());
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  if (ioctl(fd, TUNSETIFF, &request) != 0) return FromErrno(errno, "TUNSETIFF");
  const int header_size = kVnetHeaderSize;
  if (ioctl(fd, TUNSETVNETHDRSZ, &header_size) != 0) return FromErrno(errno, "TUNSETVNETHDRSZ");
  const unsigned offloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
  link->udp_gso_ = ioctl(fd, TUNSETOFFLOAD, offloads | kUso) == 0;
  if (!link->udp_gso_ && ioctl(fd, TUNSETOFFLOAD, offloads) != 0) {
    return FromErrno(errno, "TUNSETOFFLOAD");
  }
  return link;
}

TapLink::~TapLink() { close(fd_); }

LinkCapabilities TapLink::capabilities() const {
  return {.has_ethernet_header = true, .tx_checksum_offload = true, .max_gso_bytes = 65535};
}

bool TapLink::Write(const TxFrame& frame) {
  std::array<uint8_t, kVnetHeaderSize> vnet = EncodeVnetHeader(frame);
  std::array<iovec, kMaxPieces + 2> pieces;
  size_t count = 0;
  const auto add = [&](std::span<const uint8_t> bytes) {
    pieces[count++] = {const_cast<uint8_t*>(bytes.data()), bytes.size()};
  };
  add(vnet);
  add(frame.headers);
  for (const auto& piece : frame.payload) add(piece);
  return writev(fd_, pieces.data(), static_cast<int>(count)) >= 0;
}

bool TapLink::Transmit(const TxFrame& frame) {
  const bool plain = frame.payload.size() <= kMaxPieces &&
                     (frame.offload.gso != GsoType::kUdp || udp_gso_);
  if (plain) return Write(frame);
  bool sent = true;
  EmitWireFrames(frame, kEthernetHeader,
                 [&](std::span<const uint8_t> bytes) { sent &= Write({.headers = bytes}); });
  return sent;
}

size_t TapLink::ReceiveBatch(std::vector<RxFrame>& frames, size_t budget) {
  size_t count = 0;
  while (count < budget) {
    const ssize_t size = read(fd_, buffer_.data(), buffer_.size());
    if (size < 0) break;
    if (static_cast<size_t>(size) <= kVnetHeaderSize) continue;
    const std::span<const uint8_t> bytes(buffer_.data(), static_cast<size_t>(size));
    RxFrame frame;
    if (!DecodeVnetHeader(bytes.first<kVnetHeaderSize>(), frame)) continue;
    frame.bytes = Slice::Copy(bytes.subspan(kVnetHeaderSize));
    frames.push_back(std::move(frame));
    ++count;
  }
  return count;
}

}  // namespace moat::netstack
