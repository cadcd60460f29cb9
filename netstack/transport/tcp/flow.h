// The flow table: which connection, or TIME-WAIT remainder of one, a segment belongs to.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_FLOW_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_FLOW_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/container/flat_hash_set.h"
#include "netstack/base/random.h"
#include "netstack/wire/address.h"

namespace moat::netstack::tcp {

struct FlowKey {
  IpAddress local;
  IpAddress remote;
  uint16_t local_port = 0;
  uint16_t remote_port = 0;
  InterfaceIndex scope = 0;  // of a link-local IPv6 peer, which is another host on another link
  bool operator==(const FlowKey&) const = default;
};

// What the table holds pointers to.
struct Flow {
  enum class Kind : uint8_t { kConnection, kTimeWait };

  Flow(Kind kind, const FlowKey& key) : key(key), kind(kind) {}
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;

  FlowKey key;
  Kind kind;
  uint8_t minimum_hops = 0;   // what arrives with a smaller TTL is dropped (RFC 5082)
  InterfaceIndex device = 0;  // bound to it: other interfaces' segments are not for this flow
};

// Outsiders choose the keys, so the hash is seeded by a secret: three multiplications of 128 bits
// (folded), each with key material, are fast and give no handle without the seed.
class FlowHasher {
 public:
  using is_transparent = void;
  explicit FlowHasher(Random& random) {
    for (uint64_t& seed : seed_) seed = random.U64();
  }

  size_t operator()(const FlowKey& key) const {
    const uint64_t ports = static_cast<uint64_t>(key.local_port) << 16 | key.remote_port;
    uint64_t hash = Mix(Load(key.remote, 0) ^ seed_[0], Load(key.remote, 8) ^ ports ^ seed_[1]);
    hash ^= Mix(Load(key.local, 0) ^ seed_[2], Load(key.local, 8) ^ seed_[3] ^ hash);
    return Mix(hash ^ seed_[4], ports ^ seed_[5]);
  }
  size_t operator()(const Flow* flow) const { return (*this)(flow->key); }

 private:
  static uint64_t Load(const IpAddress& address, size_t offset) {
    uint64_t value;
    std::memcpy(&value, address.data() + offset, sizeof(value));
    return value;
  }
  static uint64_t Mix(uint64_t a, uint64_t b) {
    __extension__ using Uint128 = unsigned __int128;
    const Uint128 product = static_cast<Uint128>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }

  uint64_t seed_[6];
};

struct FlowEqual {
  using is_transparent = void;
  bool operator()(const Flow* a, const Flow* b) const { return a == b; }
  bool operator()(const Flow* a, const FlowKey& b) const { return a->key == b; }
  bool operator()(const FlowKey& a, const Flow* b) const { return a == b->key; }
};

// Keys are unique. Does not own.
class FlowTable {
 public:
  explicit FlowTable(Random& random) : flows_(0, FlowHasher(random)) {}

  Flow* Find(const FlowKey& key) const {
    const auto it = flows_.find(key);
    return it == flows_.end() ? nullptr : *it;
  }
  bool Contains(const FlowKey& key) const { return flows_.contains(key); }
  // False when the key is taken.
  bool Insert(Flow* flow) {
    if (flows_.contains(flow->key)) return false;
    flows_.insert(flow);
    return true;
  }
  // Harmless when `flow` is not in the table.
  void Erase(Flow* flow) {
    const auto it = flows_.find(flow->key);
    if (it != flows_.end() && *it == flow) flows_.erase(it);
  }
  size_t size() const { return flows_.size(); }
  size_t HashOf(const FlowKey& key) const { return flows_.hash_function()(key); }
  auto begin() const { return flows_.begin(); }
  auto end() const { return flows_.end(); }

 private:
  absl::flat_hash_set<Flow*, FlowHasher, FlowEqual> flows_;
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_FLOW_H_
