#include "netstack/ip/reassembly.h"

#include <algorithm>
#include <cstring>

#include "netstack/wire/ipv4.h"

namespace moat::netstack {
namespace {

constexpr uint8_t kEct1 = 1 << 1, kEct0 = 1 << 2, kCe = 1 << 3, kNotEct = 1 << 0;
// What a packet costs beside its fragments' bytes.
constexpr size_t kPacketOverhead = 256;

}  // namespace

Reassembler::Reassembler(const Clock& clock, TimerQueue& timers, SysctlTable& sysctls,
                         MemoryBudget& budget, Host& host)
    : clock_(clock),
      budget_(budget),
      host_(host),
      lifetime_v4_(sysctls.Register(
          {.name = "ipv4.ipfrag_time", .values = {30}, .min = 1, .max = 3600})),
      lifetime_v6_(sysctls.Register(
          {.name = "ipv6.ip6frag_time", .values = {60}, .min = 1, .max = 3600})),
      memory_limit_(sysctls.Register({.name = "ipv4.ipfrag_high_thresh",
                                      .values = {4 << 20},
                                      .min = 65536,
                                      .max = 1 << 30})),
      timer_(timers, MemberTimer<&Reassembler::OnTimer>, this) {}

Duration Reassembler::Lifetime(const FragmentKey& key) const {
  return std::chrono::seconds((key.source.is_v4() ? lifetime_v4_ : lifetime_v6_)->value());
}

Reassembler::Packet& Reassembler::FindOrMake(const FragmentKey& key) {
  const auto found = by_key_.find(key);
  if (found != by_key_.end()) return *found->second;
  PacketList& list = packets_[ListOf(key)];
  Packet& packet = list.emplace_back();
  packet.key = key;
  packet.arrival = arrivals_++;
  packet.deadline = clock_.Now() + Lifetime(key);
  by_key_.emplace(key, std::prev(list.end()));
  Charge(packet, kPacketOverhead);
  ArmForOldest();
  return packet;
}

Reassembler::Outcome Reassembler::Add(Fragment fragment, Reassembled* out) {
  const size_t size = fragment.packet.size() - fragment.header_size;
  if (size == 0 || (fragment.more && size % 8 != 0)) return Outcome::kBadLength;
  // The reassembled packet must fit the length field; for IPv6 it counts what follows the header.
  const size_t uncounted = fragment.key.source.is_v4() ? 0 : 40;
  if (fragment.header_size - uncounted + fragment.offset + size > kMaxIpPacket) {
    return Outcome::kTooBig;
  }
  if (!MakeRoom(fragment.key, fragment.packet.footprint() + sizeof(Piece) + kPacketOverhead)) {
    return Outcome::kNoMemory;
  }
  Packet& packet = FindOrMake(fragment.key);
  if (packet.condemned) return Outcome::kOverlap;
  const Outcome outcome = Insert(packet, fragment);
  if (outcome != Outcome::kQueued) return outcome;
  if (!packet.end.has_value() || packet.received != *packet.end) {
    LimitMemory(packet);
    return Outcome::kQueued;
  }
  const bool good = Finish(packet, out);
  Erase(by_key_.at(fragment.key));
  return good ? Outcome::kComplete : Outcome::kBadEcn;
}

Reassembler::Outcome Reassembler::Insert(Packet& packet, Fragment& fragment) {
  Piece piece{fragment.offset, std::move(fragment.packet), fragment.header_size};
  const auto after = std::find_if(packet.pieces.begin(), packet.pieces.end(),
                                  [&](const Piece& p) { return p.offset >= piece.offset; });
  if (after != packet.pieces.end() && after->offset == piece.offset &&
      after->size() == piece.size() &&
      std::memcmp(after->data().data(), piece.data().data(), piece.size()) == 0) {
    return Outcome::kDuplicate;
  }
  if (after != packet.pieces.end() && after->offset < piece.end()) {
    return Condemn(packet, Outcome::kOverlap);
  }
  if (after != packet.pieces.begin() && std::prev(after)->end() > piece.offset) {
    return Condemn(packet, Outcome::kOverlap);
  }
  if (packet.end.has_value() && (piece.end() > *packet.end || !fragment.more)) {
    return Condemn(packet, Outcome::kBadLength);
  }
  if (!fragment.more) {
    if (!packet.pieces.empty() && packet.pieces.back().end() > piece.end()) {
      return Condemn(packet, Outcome::kBadLength);
    }
    packet.end = piece.end();
  }
  if (packet.pieces.size() >= kMaxFragments) return Condemn(packet, Outcome::kTooMany);
  if (piece.offset == 0) {
    packet.fragment_header = fragment.fragment_header;
    packet.next_header_field = fragment.next_header_field;
  }
  packet.ecn_seen |= static_cast<uint8_t>(1 << (fragment.ecn & 3));
  packet.in_group_frame |= fragment.in_group_frame;
  packet.received += piece.size();
  Charge(packet, piece.packet.footprint() + sizeof(Piece));
  packet.pieces.insert(after, std::move(piece));
  return Outcome::kQueued;
}

Reassembler::Outcome Reassembler::Condemn(Packet& packet, Outcome why) {
  packet.condemned = true;
  packet.pieces.clear();
  packet.pieces.shrink_to_fit();
  Release(packet);
  Charge(packet, kPacketOverhead);
  return why;
}

// Puts the pieces together. False when their ECN marks contradict (RFC 3168 5.3).
bool Reassembler::Finish(Packet& packet, Reassembled* out) {
  const bool marked = (packet.ecn_seen & (kEct0 | kEct1 | kCe)) != 0;
  if ((packet.ecn_seen & kNotEct) != 0 && marked) return false;
  out->ecn = 0;
  if ((packet.ecn_seen & kCe) != 0) {
    out->ecn = 3;
  } else if ((packet.ecn_seen & kEct0) != 0) {
    out->ecn = 2;
  } else if ((packet.ecn_seen & kEct1) != 0) {
    out->ecn = 1;
  }
  out->in_group_frame = packet.in_group_frame;
  const Piece& first = packet.pieces.front();
  const bool v6 = packet.key.source.is_v6();
  out->header_size = v6 ? packet.fragment_header : first.header_size;
  out->next_header_field = packet.next_header_field;
  out->next_header = v6 ? first.packet.data()[packet.fragment_header] : 0;
  out->packet = Slice::Allocate(out->header_size + *packet.end);
  uint8_t* to = out->packet.mutable_data();
  std::memcpy(to, first.packet.data(), out->header_size);
  for (const Piece& piece : packet.pieces) {
    std::memcpy(to + out->header_size + piece.offset, piece.data().data(), piece.size());
  }
  return true;
}

void Reassembler::Charge(Packet& packet, size_t bytes) {
  packet.memory += bytes;
  memory_ += bytes;
  budget_.Charge(bytes);
}

void Reassembler::Release(Packet& packet) {
  memory_ -= packet.memory;
  budget_.Release(packet.memory);
  packet.memory = 0;
}

void Reassembler::Erase(PacketList::iterator it) {
  Release(*it);
  by_key_.erase(it->key);
  packets_[ListOf(it->key)].erase(it);
  ArmForOldest();
}

Reassembler::PacketList* Reassembler::OldestList() {
  if (packets_[0].empty() && packets_[1].empty()) return nullptr;
  if (packets_[0].empty()) return &packets_[1];
  if (packets_[1].empty()) return &packets_[0];
  return packets_[0].front().arrival < packets_[1].front().arrival ? &packets_[0] : &packets_[1];
}

// Whether a fragment of `key` may be kept; the oldest packet in the making gives way for it.
bool Reassembler::MakeRoom(const FragmentKey& key, size_t bytes) {
  if (budget_.Allows(MemoryUse::kFragments, bytes)) return true;
  PacketList* list = OldestList();
  if (list == nullptr || list->front().key == key) return false;
  const FragmentKey victim = list->front().key;
  Erase(list->begin());
  host_.ReassemblyEvicted(victim);
  return budget_.Allows(MemoryUse::kFragments, bytes);
}

// Oldest first, but not the one that just grew, unless it is the only one.
void Reassembler::LimitMemory(const Packet& keep) {
  const size_t limit = static_cast<size_t>(memory_limit_->value());
  while (memory_ > limit) {
    PacketList* list = OldestList();
    if (list == nullptr) return;
    auto victim = list->begin();
    if (&*victim == &keep && std::next(victim) != list->end()) ++victim;
    const FragmentKey key = victim->key;
    const bool last = &*victim == &keep;
    Erase(victim);
    host_.ReassemblyEvicted(key);
    if (last) return;
  }
}

void Reassembler::Clear() {
  for (PacketList& list : packets_) list.clear();
  by_key_.clear();
  budget_.Release(memory_);
  memory_ = 0;
  timer_.Cancel();
}

void Reassembler::OnTimer() {
  const Time now = clock_.Now();
  for (PacketList& list : packets_) {
    while (!list.empty() && list.front().deadline <= now) {
      const Packet expired = std::move(list.front());
      Erase(list.begin());
      if (expired.condemned) continue;
      const bool tell = !expired.in_group_frame && !expired.pieces.empty() &&
                        expired.pieces.front().offset == 0;
      host_.ReassemblyTimedOut(expired.key, tell ? expired.pieces.front().packet : Slice());
    }
  }
  ArmForOldest();
}

void Reassembler::ArmForOldest() {
  Time earliest = kNever;
  for (const PacketList& list : packets_) {
    if (!list.empty()) earliest = std::min(earliest, list.front().deadline);
  }
  if (earliest == kNever) return timer_.Cancel();
  if (!timer_.armed() || timer_.deadline() != earliest) timer_.Arm(earliest);
}

}  // namespace moat::netstack
