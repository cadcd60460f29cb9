#include "netstack/transport/packet/packet_endpoint.h"

#include <algorithm>
#include <cstring>

#include "netstack/base/memory_budget.h"
#include "netstack/transport/datagram/pieces.h"
#include "netstack/transport/datagram/receive_queue.h"
#include "netstack/transport/packet/packet_protocol.h"
#include "netstack/wire/ethernet.h"

namespace moat::netstack {
namespace {

constexpr size_t kMacSize = 6;
constexpr size_t kVlanTag = 4;  // that a frame may be longer by

// Copies `out.size()` bytes of a frame, from `skipped` on.
void CopyFrame(const TappedFrame& frame, size_t skipped, std::span<uint8_t> out) {
  const auto take = [&](std::span<const uint8_t> piece) {
    const size_t skip = std::min(skipped, piece.size());
    skipped -= skip;
    piece = piece.subspan(skip);
    const size_t size = std::min(piece.size(), out.size());
    if (size != 0) std::memcpy(out.data(), piece.data(), size);
    out = out.subspan(size);
  };
  take(frame.head);
  for (const auto& piece : frame.rest) take(piece);
}

LinkName NameOf(const TappedFrame& frame) {
  LinkName name;
  name.protocol = frame.protocol;
  name.interface = frame.interface;
  name.link_type = frame.link_type;
  name.type = frame.type;
  if (frame.link_header_size != 0) {
    name.size = kMacSize;
    std::copy(frame.source.bytes.begin(), frame.source.bytes.end(), name.address.begin());
  }
  return name;
}

}  // namespace

PacketEndpoint::PacketEndpoint(PacketProtocol& owner, bool raw, uint16_t protocol, uint64_t id)
    : owner_(owner), raw_(raw), id_(id), protocol_(protocol) {
  owner_.Insert(this);
}

PacketEndpoint::~PacketEndpoint() {
  owner_.environment_.memory->Release(charged_ + FilterCharge());
  owner_.Remove(this);
}

uint32_t PacketEndpoint::Ready() const {
  uint32_t bits = ready::kWritable;
  if (!queue_.empty()) bits |= ready::kReadable;
  if (pending_error_ != Error::kOk) bits |= ready::kError;
  return bits;
}

void PacketEndpoint::Notify() {
  const uint32_t now = Ready();
  const uint32_t newly = now & ~told_ready_;
  told_ready_ = now;
  if (newly != 0 && observer_ != nullptr) observer_->OnReady(newly);
}

void PacketEndpoint::Fail(Error error) {
  pending_error_ = error;
  told_ready_ &= ~ready::kError;
  Notify();
}

Error PacketEndpoint::TakeError() {
  const Error error = std::exchange(pending_error_, Error::kOk);
  told_ready_ &= Ready();
  return error;
}

// --- Names ---------------------------------------------------------------------------------------

Error PacketEndpoint::Bind(uint16_t protocol, InterfaceIndex interface) {
  bool up = true;
  if (interface != 0) {
    const auto found = owner_.frames_.FindFrameInterface(interface);
    if (!found.has_value()) return Error::kNoDevice;
    up = found->up;
  }
  const bool same =
      interface == interface_ && !detached_ && (protocol == 0 || protocol == protocol_);
  if (protocol != 0) protocol_ = protocol;
  interface_ = interface;
  interface_up_ = up;
  detached_ = false;
  owner_.Reconsider();
  if (!up && protocol_ != 0 && !same) Fail(Error::kNetworkDown);
  return Error::kOk;
}

LinkName PacketEndpoint::Local() const {
  LinkName name;
  name.protocol = protocol_;
  name.interface = detached_ ? -1 : interface_;
  if (interface_ == 0 || detached_) return name;
  const auto found = owner_.frames_.FindFrameInterface(interface_);
  if (!found.has_value()) return name;
  name.link_type = found->link_type;
  if (found->link_header_size == 0) return name;
  name.size = kMacSize;
  std::copy(found->mac.bytes.begin(), found->mac.bytes.end(), name.address.begin());
  return name;
}

void PacketEndpoint::InterfaceChanged(const InterfaceInfo& interface, bool removed) {
  if (removed) {
    std::erase_if(members_, [&](const Member& member) {
      return member.membership.interface == interface.index;
    });
  }
  if (interface_ != interface.index || detached_) return;
  const bool goes_down = interface_up_ && (removed || !interface.up);
  interface_up_ = interface.up && !removed;
  if (removed) {
    detached_ = true;
    owner_.Reconsider();
  }
  if (goes_down && protocol_ != 0) Fail(Error::kNetworkDown);
}

// --- Receiving -----------------------------------------------------------------------------------

bool PacketEndpoint::Wants(const TappedFrame& frame) const {
  if (frame.origin == this || !Takes(frame.interface, frame.protocol)) return false;
  if (frame.type != FrameType::kOutgoing) return true;
  return protocol_ == frame_protocol::kAll && !ignore_outgoing_;
}

size_t PacketEndpoint::Wanted(const TappedFrame& frame, size_t skipped, size_t size) const {
  if (!filter_.has_value()) return size;
  return std::min<size_t>(size, filter_->Run({.head = frame.head,
                                              .rest = frame.rest,
                                              .start = skipped,
                                              .network = frame.link_header_size,
                                              .protocol = frame.protocol,
                                              .packet_type = static_cast<uint8_t>(frame.type),
                                              .interface = static_cast<uint32_t>(frame.interface),
                                              .hardware_type = frame.link_type,
                                              .random = owner_.environment_.random->U32()}));
}

void PacketEndpoint::See(const TappedFrame& frame) {
  if (!Wants(frame)) return;
  const size_t skipped = raw_ ? 0 : frame.link_header_size;
  size_t size = frame.head.size();
  for (const auto& piece : frame.rest) size += piece.size();
  size -= skipped;
  const size_t wanted = Wanted(frame, skipped, size);
  if (wanted != 0) Queue(frame, skipped, size, wanted);
}

Error PacketEndpoint::SetFilter(std::optional<ClassicBpf> filter) {
  MemoryBudget& memory = *owner_.environment_.memory;
  // Both are there for a moment, so the new one has to fit beside the old one.
  if (filter.has_value() && !memory.TryCharge(MemoryUse::kTables, filter->footprint())) {
    return Error::kNoMemory;
  }
  memory.Release(FilterCharge());
  filter_ = std::move(filter);
  return Error::kOk;
}

size_t PacketEndpoint::receive_limit() const {
  // As on Linux a set value is doubled to make room for bookkeeping; the default is used as it is.
  if (options_.receive_buffer != 0) return size_t{options_.receive_buffer} * 2;
  return static_cast<size_t>(owner_.settings_.receive_default->value());
}

void PacketEndpoint::Queue(const TappedFrame& frame, size_t skipped, size_t size, size_t wanted) {
  ++statistics_.packets;
  const size_t charge = sizeof(Queued) + sizeof(Storage) + wanted + ReceiveQueue::kOverhead;
  const bool fits = queue_.empty() || charged_ + charge <= receive_limit();
  if (!fits || !owner_.environment_.memory->TryCharge(MemoryUse::kDatagrams, charge)) {
    ++statistics_.drops;
    ++owner_.dropped_;
    return;
  }
  CapturedFrame captured;
  captured.bytes = Slice::Allocate(wanted);
  CopyFrame(frame, skipped, {captured.bytes.mutable_data(), wanted});
  captured.source = NameOf(frame);
  captured.original_size = static_cast<uint32_t>(size);
  captured.network_offset = static_cast<uint16_t>(frame.link_header_size - skipped);
  captured.checksum_missing = frame.checksum_missing;
  captured.checksum_valid = frame.checksum_valid;
  captured.tcp_segments = frame.tcp_segments;
  captured.received = owner_.environment_.clock->Now();
  queue_.push_back({std::move(captured), charge});
  charged_ += charge;
  ++owner_.captured_;
  Notify();
}

Result<CapturedFrame> PacketEndpoint::Receive() {
  if (queue_.empty()) return Error::kWouldBlock;
  Queued first = std::move(queue_.front());
  queue_.pop_front();
  charged_ -= first.charge;
  owner_.environment_.memory->Release(first.charge);
  if (queue_.empty()) told_ready_ = Ready();
  return std::move(first.frame);
}

size_t PacketEndpoint::ReadableBytes() const {
  return queue_.empty() ? 0 : queue_.front().frame.bytes.size();
}

// --- Sending -------------------------------------------------------------------------------------

Error PacketEndpoint::Send(std::span<const std::span<const uint8_t>> payload,
                           const std::optional<LinkName>& to) {
  const InterfaceIndex index = to.has_value() ? to->interface : interface_;
  std::optional<FrameInterface> out;
  if (index != 0 && (to.has_value() || !detached_)) out = owner_.frames_.FindFrameInterface(index);
  if (!out.has_value()) return Error::kNotConnected;
  if (!out->up) return Error::kNetworkDown;
  LinkName name = to.value_or(LinkName{});
  if (!to.has_value()) name.protocol = protocol_;
  return SendOn(*out, payload, name, to.has_value());
}

Error PacketEndpoint::SendOn(const FrameInterface& out,
                             std::span<const std::span<const uint8_t>> payload, const LinkName& to,
                             bool addressed) {
  const size_t header = raw_ ? 0 : out.link_header_size;
  const size_t size = TotalSize(payload);
  const size_t limit = out.mtu + (raw_ ? out.link_header_size : 0);
  if (size > limit + kVlanTag) return Error::kMessageSize;
  if (size < (raw_ ? out.link_header_size : 0) || header + size == 0) return Error::kInvalid;
  Slice frame = Slice::Allocate(header + size);
  uint8_t* bytes = frame.mutable_data();
  if (header != 0) {
    MacAddress mac;
    if (addressed) {
      std::copy_n(to.address.begin(), kMacSize, mac.bytes.begin());
    } else if (out.link_type != link_type::kLoopback) {
      return Error::kInvalid;
    }
    const bool has_length =
        to.protocol == frame_protocol::k802_3 || to.protocol == frame_protocol::k802_2;
    EmitEthernet(bytes, mac, out.mac, has_length ? static_cast<uint16_t>(size) : to.protocol);
  }
  uint8_t* at = bytes + header;
  for (const auto& piece : payload) at = std::copy(piece.begin(), piece.end(), at);
  const std::optional<EthernetView> ethernet =
      out.link_header_size == 0 ? std::nullopt : EthernetView::Parse(frame.span());
  const bool tagged = raw_ && ethernet.has_value() && ethernet->ethertype() == ethertype::kVlan;
  if (size > limit && !tagged) return Error::kMessageSize;
  return owner_.frames_.SendFrame(out.index, frame.span(), this);
}

// --- Memberships ---------------------------------------------------------------------------------

Error PacketEndpoint::Join(const PacketMembership& membership) {
  const auto found = owner_.frames_.FindFrameInterface(membership.interface);
  if (!found.has_value()) return Error::kNoDevice;
  const size_t address = found->link_header_size == 0 ? 0 : kMacSize;
  if (membership.size > address) return Error::kInvalid;
  for (Member& member : members_) {
    if (member.membership != membership) continue;
    ++member.count;
    return Error::kOk;
  }
  const bool by_address = membership.kind == PacketMembership::Kind::kMulticast ||
                          membership.kind == PacketMembership::Kind::kUnicast;
  if (by_address && membership.size != address) return Error::kInvalid;
  if (members_.size() >= kMostMemberships) return Error::kNoBuffers;
  members_.push_back({membership, 1});
  return Error::kOk;
}

void PacketEndpoint::Leave(const PacketMembership& membership) {
  for (size_t i = 0; i < members_.size(); ++i) {
    if (members_[i].membership != membership) continue;
    if (--members_[i].count == 0) members_.erase(members_.begin() + static_cast<ptrdiff_t>(i));
    return;
  }
}

}  // namespace moat::netstack
