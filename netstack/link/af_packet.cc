#include "netstack/link/af_packet.h"

#include <arpa/inet.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "netstack/link/segment.h"
#include "netstack/link/vnet_header.h"

namespace moat::netstack {
namespace {

constexpr uint32_t kFrameSize = 2048;
constexpr uint32_t kBlockSize = 1 << 16;
constexpr uint32_t kFramesPerBlock = kBlockSize / kFrameSize;
constexpr uint32_t kMaxFrame =
    1 << 18;                      // sanity bound of tp_len; BIG TCP packets end at 512 KiB / 2
constexpr size_t kMacsSize = 12;  // what precedes a VLAN tag
constexpr size_t kVlanTagSize = 4;
constexpr size_t kMaxPieces = 64;

absl::Status FromErrno(int error, const char* what) {
  const std::string text = absl::StrCat(what, ": ", std::strerror(error));
  switch (error) {
    case EPERM:
    case EACCES: return absl::PermissionDeniedError(text);
    case ENODEV:
    case ENXIO: return absl::NotFoundError(text);
    case ENOMEM:
    case ENOBUFS: return absl::ResourceExhaustedError(text);
    default: return absl::InternalError(text);
  }
}

template <typename T>
bool Set(int fd, int level, int option, const T& value) {
  return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

// Does the device take segments to cut? Around the queueing disciplines the kernel does not cut
// them in its place: packet_direct_xmit() drops what would have to be cut in software. Unknown
// counts as yes.
bool DeviceSegments(int fd, InterfaceIndex interface) {
  ifreq request{};
  request.ifr_ifindex = interface;
  if (ioctl(fd, SIOCGIFNAME, &request) != 0) return true;
  ethtool_value value{ETHTOOL_GTSO, 0};
  request.ifr_data = reinterpret_cast<char*>(&value);
  return ioctl(fd, SIOCETHTOOL, &request) != 0 || value.data != 0;
}

}  // namespace

// Views a ring frame: tpacket2_hdr at its start, the frame at tp_mac, virtio_net_hdr just before
// it.
struct AfPacketLink::Slot {
  tpacket2_hdr* header;

  uint32_t status() const { return __atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE); }
  void Release() const {
    __atomic_store_n(&header->tp_status, uint32_t{TP_STATUS_KERNEL}, __ATOMIC_RELEASE);
  }
  const uint8_t* frame() const {
    return reinterpret_cast<const uint8_t*>(header) + header->tp_mac;
  }
  std::span<const uint8_t, kVnetHeaderSize> vnet() const {
    return std::span<const uint8_t, kVnetHeaderSize>(frame() - kVnetHeaderSize, kVnetHeaderSize);
  }
  // The tag that the device took off, as four bytes; its size is 0 when there was none.
  size_t VlanTag(std::array<uint8_t, kVlanTagSize>& tag) const {
    if ((header->tp_status & TP_STATUS_VLAN_VALID) == 0) return 0;
    const bool has_tpid = (header->tp_status & TP_STATUS_VLAN_TPID_VALID) != 0;
    const uint16_t tpid = htons(has_tpid ? header->tp_vlan_tpid : ETH_P_8021Q);
    const uint16_t tci = htons(header->tp_vlan_tci);
    std::memcpy(tag.data(), &tpid, 2);
    std::memcpy(tag.data() + 2, &tci, 2);
    return kVlanTagSize;
  }
};

AfPacketLink::Slot AfPacketLink::SlotAt(uint32_t index) const {
  return {reinterpret_cast<tpacket2_hdr*>(ring_ + size_t{index} * kFrameSize)};
}

absl::StatusOr<std::unique_ptr<AfPacketLink>> AfPacketLink::Open(const AfPacketOptions& options) {
  if (options.ring_frames == 0 || options.ring_frames % kFramesPerBlock != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("ring_frames must be a multiple of ", kFramesPerBlock));
  }
  // Protocol 0: nothing is delivered before everything is set up and bind() names the protocol.
  const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return FromErrno(errno, "socket(AF_PACKET)");
  std::unique_ptr<AfPacketLink> link(new AfPacketLink(fd, options));
  if (absl::Status status = link->SetUp(); !status.ok()) return status;
  return link;
}

AfPacketLink::~AfPacketLink() {
  if (ring_ != nullptr) munmap(ring_, ring_size_);
  close(fd_);
}

absl::Status AfPacketLink::SetUp() {
  interface_ = options_.index != 0
                   ? options_.index
                   : static_cast<InterfaceIndex>(if_nametoindex(options_.name.c_str()));
  if (interface_ == 0) {
    return absl::NotFoundError(absl::StrCat("no interface \"", options_.name, "\""));
  }
  const int one = 1;
  if (!Set(fd_, SOL_PACKET, PACKET_VNET_HDR, one)) return FromErrno(errno, "PACKET_VNET_HDR");
  const int version = TPACKET_V2;
  if (!Set(fd_, SOL_PACKET, PACKET_VERSION, version)) return FromErrno(errno, "PACKET_VERSION");
  if (!Set(fd_, SOL_PACKET, PACKET_COPY_THRESH, one)) return FromErrno(errno, "PACKET_COPY_THRESH");
  if (!Set(fd_, SOL_PACKET, PACKET_IGNORE_OUTGOING, one)) {
    return FromErrno(errno, "PACKET_IGNORE_OUTGOING");
  }
  if (!Set(fd_, SOL_PACKET, PACKET_QDISC_BYPASS, one)) {
    return FromErrno(errno, "PACKET_QDISC_BYPASS");
  }
  // The forced variants need CAP_NET_ADMIN in the initial namespace; else the system's limit
  // applies.
  const int receive = static_cast<int>(options_.receive_buffer);
  const int send = static_cast<int>(options_.send_buffer);
  if (!Set(fd_, SOL_SOCKET, SO_RCVBUFFORCE, receive)) Set(fd_, SOL_SOCKET, SO_RCVBUF, receive);
  if (!Set(fd_, SOL_SOCKET, SO_SNDBUFFORCE, send)) Set(fd_, SOL_SOCKET, SO_SNDBUF, send);
  if (absl::Status status = MapRing(); !status.ok()) return status;

  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = interface_;
  if (bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    return FromErrno(errno, "bind(AF_PACKET)");
  }
  if (!DeviceSegments(fd_, interface_)) max_gso_bytes_ = 0;
  return absl::OkStatus();
}

absl::Status AfPacketLink::MapRing() {
  tpacket_req request{};
  request.tp_block_size = kBlockSize;
  request.tp_block_nr = options_.ring_frames / kFramesPerBlock;
  request.tp_frame_size = kFrameSize;
  request.tp_frame_nr = options_.ring_frames;
  if (!Set(fd_, SOL_PACKET, PACKET_RX_RING, request)) return FromErrno(errno, "PACKET_RX_RING");
  ring_size_ = size_t{request.tp_block_size} * request.tp_block_nr;
  void* ring = mmap(nullptr, ring_size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
  if (ring == MAP_FAILED) return FromErrno(errno, "mmap of the packet ring");
  ring_ = static_cast<uint8_t*>(ring);
  return absl::OkStatus();
}

LinkCapabilities AfPacketLink::capabilities() const {
  if (!options_.offloads) return {};
  return {
      .has_ethernet_header = true, .tx_checksum_offload = true, .max_gso_bytes = max_gso_bytes_};
}

// --- Receiving ---------------------------------------------------------------------------------

bool AfPacketLink::TakeFromRing(const Slot& slot, RxFrame& frame) {
  if (!DecodeVnetHeader(slot.vnet(), frame)) {
    ++statistics_.malformed;
    return false;
  }
  const size_t size = slot.header->tp_snaplen;
  std::array<uint8_t, kVlanTagSize> tag;
  const size_t tag_size = slot.VlanTag(tag);
  frame.bytes = Slice::Allocate(size + tag_size);
  uint8_t* out = frame.bytes.mutable_data();
  const size_t head = tag_size == 0 ? 0 : std::min(size, kMacsSize);
  std::memcpy(out, slot.frame(), head);
  std::memcpy(out + head, tag.data(), tag_size);
  std::memcpy(out + head + tag_size, slot.frame() + head, size - head);
  return true;
}

bool AfPacketLink::TakeFromSocket(const Slot& slot, RxFrame& frame) {
  const size_t size = std::min(slot.header->tp_len, kMaxFrame);
  std::array<uint8_t, kVlanTagSize> tag;
  const size_t tag_size = slot.VlanTag(tag);
  frame.bytes = Slice::Allocate(size + tag_size);
  uint8_t* out = frame.bytes.mutable_data();
  const size_t head = tag_size == 0 ? 0 : kMacsSize;
  std::array<uint8_t, kVnetHeaderSize> vnet;
  std::array<iovec, 3> pieces = {iovec{vnet.data(), vnet.size()}, iovec{out, head},
                                 iovec{out + head + tag_size, size - head}};
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.size();
  ssize_t received = recvmsg(fd_, &message, MSG_DONTWAIT);
  if (received < 0 && errno != EAGAIN) {
    // A pending socket error (the device went down) comes first and is reported once.
    received = recvmsg(fd_, &message, MSG_DONTWAIT);
  }
  if (received != static_cast<ssize_t>(size + kVnetHeaderSize)) {
    ++statistics_.truncated;
    return false;
  }
  std::memcpy(out + head, tag.data(), tag_size);
  if (DecodeVnetHeader(vnet, frame)) return true;
  ++statistics_.malformed;
  return false;
}

size_t AfPacketLink::ReceiveBatch(std::vector<RxFrame>& frames, size_t budget) {
  size_t count = 0, bytes = 0;
  while (count < budget && bytes < kBatchBytes) {
    const Slot slot = SlotAt(next_frame_);
    const uint32_t status = slot.status();
    if ((status & TP_STATUS_USER) == 0) break;
    RxFrame frame;
    bool taken = false;
    if ((status & TP_STATUS_COPY) != 0) {
      taken = TakeFromSocket(slot, frame);
    } else if (slot.header->tp_snaplen < slot.header->tp_len) {
      ++statistics_.truncated;  // no room in the receive buffer: only its beginning is here
    } else {
      taken = TakeFromRing(slot, frame);
    }
    slot.Release();
    next_frame_ = (next_frame_ + 1) % options_.ring_frames;
    if (!taken) continue;
    bytes += frame.bytes.size();
    frames.push_back(std::move(frame));
    ++count;
  }
  if (count == 0) ClearSocketError();
  statistics_.frames += count;
  statistics_.batches += count != 0 ? 1 : 0;
  return count;
}

// A device that goes down leaves ENETDOWN, which keeps the descriptor readable. When it was
// removed, the kernel has also forgotten the binding.
void AfPacketLink::ClearSocketError() {
  int error = 0;
  socklen_t size = sizeof(error);
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == 0) return;
  sockaddr_ll address{};
  socklen_t address_size = sizeof(address);
  getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &address_size);
  gone_ = address.sll_ifindex != interface_;
}

AfPacketStatistics AfPacketLink::Statistics() {
  tpacket_stats kernel{};
  socklen_t size = sizeof(kernel);
  // Reading resets the kernel's own counts.
  if (getsockopt(fd_, SOL_PACKET, PACKET_STATISTICS, &kernel, &size) == 0) {
    statistics_.dropped += kernel.tp_drops;
  }
  return statistics_;
}

// --- Sending -----------------------------------------------------------------------------------

int AfPacketLink::SendOnce(const TxFrame& frame) {
  std::array<uint8_t, kVnetHeaderSize> vnet = EncodeVnetHeader(frame);
  std::array<iovec, kMaxPieces + 2> pieces;
  size_t count = 0;
  const auto add = [&](std::span<const uint8_t> bytes) {
    pieces[count++] = {const_cast<uint8_t*>(bytes.data()), bytes.size()};
  };
  add(vnet);
  add(frame.headers);
  for (const auto& piece : frame.payload) add(piece);
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = count;
  return sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 ? 0 : errno;
}

bool AfPacketLink::Transmit(const TxFrame& frame) {
  const bool together = frame.offload.gso == GsoType::kNone && FrameOutbox::Takes(frame);
  if (!together || !outbox_.HasRoom(frame)) Flush();
  if (!together) return SendAlone(frame);
  outbox_.Add(frame);
  return true;
}

void AfPacketLink::Flush() {
  if (!outbox_.empty()) statistics_.send_errors += outbox_.Send(fd_);
}

bool AfPacketLink::SendAlone(const TxFrame& frame) {
  const bool udp_gso = frame.offload.gso == GsoType::kUdp;
  if (frame.payload.size() > kMaxPieces || (udp_gso && device_refuses_udp_gso_)) {
    return SendInSoftware(frame);
  }
  int error = SendOnce(frame);
  if (error == ENETDOWN) error = SendOnce(frame);  // the first call took a stale error away
  if (error == 0) return true;
  if (error == EINVAL && frame.offload.gso != GsoType::kNone) {
    // Kernels before 6.2 know no UDP_L4 here.
    if (udp_gso) device_refuses_udp_gso_ = true;
    return SendInSoftware(frame);
  }
  ++statistics_.send_errors;
  return false;
}

bool AfPacketLink::SendInSoftware(const TxFrame& frame) {
  constexpr size_t kEthernetHeader = 14;
  if (frame.offload.gso != GsoType::kNone) ++statistics_.software_gso;
  bool sent = true;
  EmitWireFrames(frame, kEthernetHeader, [&](std::span<const uint8_t> bytes) {
    if (SendOnce({.headers = bytes}) != 0) sent = false;
  });
  if (!sent) ++statistics_.send_errors;
  return sent;
}

}  // namespace moat::netstack
