// Reassembly of fragments, one engine for both families. The family's input parses a fragment and
// gives it here; when the last hole closes, the whole packet comes back with the first fragment's
// header in front, still saying that it is a fragment (the family patches it).
//
// Overlaps (RFC 5722, RFC 8200 4.5, and IPv4 alike): an exact duplicate is ignored; anything else
// that overlaps condemns the packet, and what else arrives of it is dropped until its time is over.
// Bounds: ipfrag_high_thresh bytes of memory in all and what the stack's budget allows (oldest
// packets go first), kMaxFragments per packet, ipfrag_time.
#ifndef MOAT_NETSTACK_IP_REASSEMBLY_H_
#define MOAT_NETSTACK_IP_REASSEMBLY_H_

#include <list>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "netstack/base/memory_budget.h"
#include "netstack/base/sysctl.h"
#include "netstack/base/time.h"
#include "netstack/base/timer.h"
#include "netstack/packet/slice.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

struct FragmentKey {
  IpAddress source;
  IpAddress destination;
  uint32_t identification = 0;
  uint8_t protocol = 0;          // IPv4 only (RFC 791 3.2); 0 for IPv6
  InterfaceIndex interface = 0;  // link-local addresses repeat on other links
  bool operator==(const FragmentKey&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const FragmentKey& k) {
    return H::combine(std::move(h), k.source, k.destination, k.identification, k.protocol,
                      k.interface);
  }
};

struct Fragment {
  FragmentKey key;
  uint32_t offset = 0;  // bytes
  bool more = false;
  uint8_t ecn = 0;      // the two ECN bits of the header
  bool in_group_frame = false;  // see IpPacketIn; of the whole when of any fragment
  Slice packet;         // the whole fragment, IP header on
  size_t header_size = 0;  // what precedes the fragment's data: IP header, and IPv6's extensions
  // In `packet`, where the fragment header begins (IPv6) and what named it; only carried through.
  size_t fragment_header = 0;
  size_t next_header_field = 0;
};

struct Reassembled {
  Slice packet;            // per-fragment headers of the first fragment, then all data
  size_t header_size = 0;  // of those headers, IPv6's fragment header not included
  size_t next_header_field = 0;
  uint8_t next_header = 0; // IPv6: from the first fragment's fragment header
  uint8_t ecn = 0;         // RFC 3168 5.3
  bool in_group_frame = false;
};

class Reassembler {
 public:
  static constexpr int kMaxFragments = 1536;

  enum class Outcome : uint8_t {
    kComplete, kQueued, kDuplicate,
    kOverlap,   // condemned now or before
    kTooBig,    // beyond 65535 bytes
    kBadLength, // an end that contradicts another, or an empty fragment
    kTooMany,
    kNoMemory,  // the budget refused the fragment
    kBadEcn,    // RFC 3168 5.3: mixes Not-ECT with marked fragments
  };

  // Told when a packet's time is over (not when it is condemned). `first` is its first fragment's
  // packet when that arrived, else empty; also empty when the packet came in frames for several
  // stations, for then nobody is to be told (RFC 4443 2.4 (e.4)).
  class Host {
   public:
    virtual ~Host() = default;
    virtual void ReassemblyTimedOut(const FragmentKey& key, const Slice& first) = 0;
    virtual void ReassemblyEvicted(const FragmentKey& key) = 0;
  };

  Reassembler(const Clock& clock, TimerQueue& timers, SysctlTable& sysctls, MemoryBudget& budget,
              Host& host);
  ~Reassembler() { Clear(); }
  Reassembler(const Reassembler&) = delete;
  Reassembler& operator=(const Reassembler&) = delete;

  Outcome Add(Fragment fragment, Reassembled* out);
  // Forgets everything (an interface went away).
  void Clear();

  size_t memory() const { return memory_; }
  size_t size() const { return by_key_.size(); }

 private:
  struct Piece {
    uint32_t offset;
    Slice packet;
    size_t header_size;
    uint32_t size() const { return static_cast<uint32_t>(packet.size() - header_size); }
    uint32_t end() const { return offset + size(); }
    std::span<const uint8_t> data() const { return packet.span().subspan(header_size); }
  };
  struct Packet {
    FragmentKey key;
    Time deadline;
    uint64_t arrival = 0;        // order of first fragments, over both families
    std::vector<Piece> pieces;   // by offset, disjoint
    uint32_t received = 0;       // bytes
    std::optional<uint32_t> end; // known once the last fragment came
    uint8_t ecn_seen = 0;        // one bit per ECN codepoint
    size_t memory = 0;
    bool condemned = false;
    bool in_group_frame = false;
    size_t fragment_header = 0;
    size_t next_header_field = 0;
  };
  using PacketList = std::list<Packet>;

  Packet& FindOrMake(const FragmentKey& key);
  Outcome Insert(Packet& packet, Fragment& fragment);
  Outcome Condemn(Packet& packet, Outcome why);
  bool Finish(Packet& packet, Reassembled* out);
  void Charge(Packet& packet, size_t bytes);
  void Release(Packet& packet);
  void Erase(PacketList::iterator it);
  void LimitMemory(const Packet& keep);
  bool MakeRoom(const FragmentKey& key, size_t bytes);
  static int ListOf(const FragmentKey& key) { return key.source.is_v4() ? 0 : 1; }
  PacketList* OldestList();  // the one with the oldest packet; null when there is none
  Duration Lifetime(const FragmentKey& key) const;
  void OnTimer();
  void ArmForOldest();

  const Clock& clock_;
  MemoryBudget& budget_;
  Host& host_;
  const Sysctl* lifetime_v4_;
  const Sysctl* lifetime_v6_;
  const Sysctl* memory_limit_;
  PacketList packets_[2];  // IPv4, IPv6; in order of arrival, which is that of deadlines
  uint64_t arrivals_ = 0;
  absl::flat_hash_map<FragmentKey, PacketList::iterator> by_key_;
  size_t memory_ = 0;
  Timer timer_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_REASSEMBLY_H_
