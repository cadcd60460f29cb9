#include "netstack/sim/channel.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "netstack/sim/marking.h"
#include "netstack/wire/ethernet.h"

namespace moat::netstack::sim {
namespace {

constexpr uint64_t kSerialized = 0;  // other arguments are slots of flying frames, plus one

// Protocol numbers of IPv4 and IPv6 headers (IANA). ICMP errors and echoes of IPv6 share a number
// with neighbour discovery and group reports, so ICMPv6 counts as control, ICMPv4 does not.
bool CarriesData(const Slice& frame) {
  constexpr size_t kIpv4Protocol = kEthernetHeaderSize + 9, kIpv6Next = kEthernetHeaderSize + 6;
  if (frame.size() < kEthernetHeaderSize + 20) return false;
  const uint16_t type = LoadBe16(frame.data() + 12);
  uint8_t protocol = 0;
  if (type == ethertype::kIpv4) protocol = frame.data()[kIpv4Protocol];
  if (type == ethertype::kIpv6) protocol = frame.data()[kIpv6Next];
  return protocol == 1 || protocol == 6 || protocol == 17 || protocol == 44;
}

Duration SerializationTime(size_t bytes, uint64_t rate) {
  const auto bits = static_cast<unsigned __int128>(bytes) * 8 * 1'000'000'000;
  return Duration(static_cast<Duration::rep>((bits + rate - 1) / rate));
}

}  // namespace

Channel::Channel(EventQueue& queue, uint64_t seed, std::string_view name, uint32_t mtu,
                 const LinkDirection& plan)
    : queue_(queue),
      plan_(plan),
      max_frame_(mtu + kEthernetHeaderSize),
      data_random_(seed, std::string(name) + "/data"),
      control_random_(seed, std::string(name) + "/control") {}

bool Channel::QueueIsFull(size_t size) const {
  const uint64_t packets = plan_.queue_packets != 0 ? plan_.queue_packets
                           : plan_.queue_bytes != 0 ? UINT64_MAX
                                                    : kDefaultQueuePackets;
  if (waiting_.size() >= packets) return true;
  return plan_.queue_bytes != 0 && waiting_bytes_ + size > plan_.queue_bytes;
}

void Channel::Send(Slice frame) {
  ++counters_.offered;
  counters_.offered_bytes += frame.size();
  if (frame.size() > max_frame_) {
    ++counters_.oversize;
    return;
  }
  if (!busy_ && plan_.rate == 0) {
    Launch(std::move(frame));
    return;
  }
  if (!busy_) {
    Serialize(std::move(frame));
    return;
  }
  if (QueueIsFull(frame.size())) {
    ++counters_.queue_full;
    return;
  }
  if (plan_.ecn_bytes != 0 && waiting_bytes_ > plan_.ecn_bytes && MarkCongestion(frame))
    ++counters_.marked;
  waiting_bytes_ += frame.size();
  counters_.longest_queue_bytes = std::max(counters_.longest_queue_bytes, waiting_bytes_);
  waiting_.push_back({std::move(frame), queue_.Now()});
}

void Channel::Serialize(Slice frame) {
  busy_ = true;
  const Duration time =
      plan_.rate == 0 ? Duration{0} : SerializationTime(frame.size(), plan_.rate);
  serializing_ = std::move(frame);
  queue_.After(time, this, kSerialized);
}

void Channel::OnEvent(uint64_t argument) {
  if (argument != kSerialized) {
    const size_t slot = argument - 1;
    Slice frame = std::move(flying_[slot]);
    free_slots_.push_back(slot);
    Arrive(std::move(frame));
    return;
  }
  Launch(std::move(serializing_));
  busy_ = false;
  if (waiting_.empty()) return;
  Waiting next = std::move(waiting_.front());
  waiting_.pop_front();
  waiting_bytes_ -= next.frame.size();
  counters_.longest_wait = std::max(counters_.longest_wait, queue_.Now() - next.since);
  Serialize(std::move(next.frame));
}

void Channel::Launch(Slice frame) {
  if (leaves_) leaves_(frame);
  if (!up_) {
    ++counters_.down;
    return;
  }
  Stream& random = CarriesData(frame) ? data_random_ : control_random_;
  if (random.Roll(plan_.loss)) {
    ++counters_.lost;
    return;
  }
  if (random.Roll(plan_.corrupt)) {
    ++counters_.corrupted;
    frame = Corrupted(frame, random);
  }
  Time arrival = queue_.Now() + plan_.delay;
  if (plan_.jitter.count() > 0) {
    arrival += Duration(
        static_cast<Duration::rep>(random.Uniform(static_cast<uint64_t>(plan_.jitter.count()))));
  }
  if (random.Roll(plan_.reorder)) {
    ++counters_.reordered;
    arrival += plan_.reorder_by;
  } else {
    last_arrival_ = arrival = std::max(arrival, last_arrival_);
  }
  if (random.Roll(plan_.duplicate)) {
    ++counters_.duplicated;
    Fly(Slice::Copy(frame.span()), arrival);
  }
  Fly(std::move(frame), arrival);
}

// A receiver may keep frames, so the original stays as it is.
Slice Channel::Corrupted(const Slice& frame, Stream& random) {
  Slice copy = Slice::Copy(frame.span());
  if (copy.size() <= kEthernetHeaderSize) return copy;
  const size_t bits = (copy.size() - kEthernetHeaderSize) * 8;
  const uint64_t bit = random.Uniform(bits);
  copy.mutable_data()[kEthernetHeaderSize + bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
  return copy;
}

void Channel::Fly(Slice frame, Time arrival) {
  if (free_slots_.empty()) {
    if (flying_.size() == kMaxInFlight) {
      ++counters_.overflow;
      return;
    }
    free_slots_.push_back(flying_.size());
    flying_.emplace_back();
  }
  const size_t slot = free_slots_.back();
  free_slots_.pop_back();
  flying_[slot] = std::move(frame);
  queue_.At(arrival, this, slot + 1);
}

void Channel::Arrive(Slice frame) {
  if (!up_) {
    ++counters_.down;
    return;
  }
  ++counters_.delivered;
  counters_.delivered_bytes += frame.size();
  Digest(frame);
  if (arrives_) arrives_(frame);
  deliver_(std::move(frame));
}

void Channel::Digest(const Slice& frame) {
  constexpr uint64_t kFactor = 0x9e3779b97f4a7c15;
  uint64_t hash = digest_ ^ static_cast<uint64_t>(queue_.elapsed().count());
  const auto mix = [&](uint64_t word) {
    hash = (hash ^ word) * kFactor;
    hash ^= hash >> 29;
  };
  mix(frame.size());
  const uint8_t* at = frame.data();
  size_t left = frame.size();
  for (; left >= 8; left -= 8, at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, at, 8);
    mix(word);
  }
  uint64_t rest = 0;
  std::memcpy(&rest, at, left);
  mix(rest);
  digest_ = hash;
}

}  // namespace moat::netstack::sim
