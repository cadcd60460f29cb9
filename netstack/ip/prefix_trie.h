// A multibit trie from IP prefixes of one family to values: the tree bitmap of Eatherton, Varghese
// and Dittia ("Tree bitmap: hardware/software IP lookups with incremental updates", 2004) in steps
// of six bits, with paths compressed. A node is 64 octets long; on the way to one of a million IPv4
// routes are four or five.
#ifndef MOAT_NETSTACK_IP_PREFIX_TRIE_H_
#define MOAT_NETSTACK_IP_PREFIX_TRIE_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <utility>

#include "netstack/wire/address.h"
#include "netstack/wire/bytes.h"

namespace moat::netstack {

// A prefix as up to 128 bits, the first bit highest. IPv4 uses the upper 32.
struct TrieKey {
  uint64_t high = 0;
  uint64_t low = 0;

  static TrieKey Of(const IpAddress& address) {
    if (address.is_v4()) return {static_cast<uint64_t>(LoadBe32(address.data())) << 32, 0};
    return {LoadBe64(address.data()), LoadBe64(address.data() + 8)};
  }
  TrieKey Masked(int length) const {
    if (length >= 128) return *this;
    if (length >= 64) return {high, length == 64 ? 0 : low & ~uint64_t{0} << (128 - length)};
    return {length == 0 ? 0 : high & ~uint64_t{0} << (64 - length), 0};
  }
  // The six bits behind the first `depth` (0..127), the first of them highest; 0 beyond the end.
  unsigned SixBits(int depth) const {
    if (depth >= 64) return static_cast<unsigned>(low << (depth - 64) >> 58);
    const uint64_t from_low = depth == 0 ? 0 : low >> (64 - depth);
    return static_cast<unsigned>((high << depth | from_low) >> 58);
  }
  bool SharesBits(const TrieKey& other, int length) const {
    return CommonBits(other) >= length;
  }
  int CommonBits(const TrieKey& other) const {
    if (high != other.high) return std::countl_zero(high ^ other.high);
    return 64 + (low == other.low ? 64 : std::countl_zero(low ^ other.low));
  }
};

// An array whose size its owner knows by other means.
template <typename T>
class PackedArray {
 public:
  T& operator[](int index) { return items_[index]; }
  const T& operator[](int index) const { return items_[index]; }
  T& Insert(int size, int index, T item) {
    auto grown = std::make_unique<T[]>(size + 1);
    std::move(items_.get(), items_.get() + index, grown.get());
    grown[index] = std::move(item);
    std::move(items_.get() + index, items_.get() + size, grown.get() + index + 1);
    items_ = std::move(grown);
    return items_[index];
  }
  void Erase(int size, int index) {
    auto shrunk = size > 1 ? std::make_unique<T[]>(size - 1) : nullptr;
    std::move(items_.get(), items_.get() + index, shrunk.get());
    std::move(items_.get() + index + 1, items_.get() + size, shrunk.get() + index);
    items_ = std::move(shrunk);
  }

 private:
  std::unique_ptr<T[]> items_;
};

// Values are default constructible and movable. They move when others come and go.
template <typename Value>
class PrefixTrie {
 public:
  // The value at exactly this prefix, made when absent.
  Value& GetOrInsert(const TrieKey& address, int length) {
    const TrieKey key = address.Masked(length);
    const int depth = DepthOf(length);
    Node* node = &root_;
    while (node->depth < depth) {
      const unsigned bits = key.SixBits(node->depth);
      node = node->HasChild(bits) ? &ForkAbove(node->Child(bits), key, depth)
                                  : &node->AddChild(bits, Node(key, depth));
    }
    const unsigned place = PlaceOf(key, length, depth);
    if (!node->HasValue(place)) {
      node->AddValue(place);
      ++size_;
    }
    return node->ValueAt(place);
  }

  // Null when nothing is at exactly this prefix.
  Value* Find(const TrieKey& address, int length) {
    return const_cast<Value*>(std::as_const(*this).Find(address, length));
  }
  const Value* Find(const TrieKey& address, int length) const {
    const TrieKey key = address.Masked(length);
    const int depth = DepthOf(length);
    const Node* node = &root_;
    while (node != nullptr && node->depth < depth) node = node->Below(key);
    if (node == nullptr || node->depth != depth || !key.SharesBits(node->key, depth))
      return nullptr;
    const unsigned place = PlaceOf(key, length, depth);
    return node->HasValue(place) ? &node->ValueAt(place) : nullptr;
  }

  // Drops the value at exactly this prefix, and nodes that nothing needs any more.
  void Erase(const TrieKey& address, int length) {
    EraseFrom(root_, address.Masked(length), length);
  }

  bool empty() const { return size_ == 0; }

  // Offers the values of all prefixes that hold `address` to `accept`, longest first, until it
  // returns true. False when none was accepted.
  template <typename Accept>
  bool Match(const TrieKey& address, Accept accept) const {
    std::array<const Node*, kMaxNodes> path;
    int count = 0;
    for (const Node* node = &root_;
         node != nullptr && address.SharesBits(node->key, node->depth);
         node = node->Below(address)) {
      path[count++] = node;
    }
    while (count > 0) {
      const Node& node = *path[--count];
      if (node.OfferAbove(kLeaves + address.SixBits(node.depth), accept)) return true;
    }
    return false;
  }

  // In the order of addresses, shorter prefixes before those inside them.
  template <typename Visit>
  void ForEach(Visit visit) const {
    root_.VisitFrom(1, visit);
  }

  size_t size() const { return size_; }  // prefixes with a value

 private:
  static constexpr int kStep = 6;
  static constexpr int kMaxNodes = 128 / kStep + 1;  // of one path
  static constexpr unsigned kLeaves = 1 << kStep;

  // The prefixes whose lengths are `depth` + 1 to `depth` + 6 and that begin with the node's own
  // bits; the root's are 0 to 6 long. They have the places of a heap: 1 is the node's own bits,
  // 2n and 2n + 1 are n with a bit more.
  struct Node {
    TrieKey key;  // its first `depth` bits, then zeros
    uint64_t values_at[2] = {};
    uint64_t children_at = 0;  // by the six bits that follow
    PackedArray<Value> values;
    PackedArray<Node> children;
    int depth = 0;

    Node() = default;
    Node(const TrieKey& address, int bits) : key(address.Masked(bits)), depth(bits) {}

    bool HasValue(unsigned place) const { return values_at[place / 64] >> place % 64 & 1; }
    bool HasValues() const { return (values_at[0] | values_at[1]) != 0; }
    Value& ValueAt(unsigned place) { return values[ValueIndex(place)]; }
    const Value& ValueAt(unsigned place) const { return values[ValueIndex(place)]; }
    void AddValue(unsigned place) {
      values.Insert(ValueCount(), ValueIndex(place), Value());
      values_at[place / 64] |= uint64_t{1} << place % 64;
    }
    void EraseValue(unsigned place) {
      values.Erase(ValueCount(), ValueIndex(place));
      values_at[place / 64] &= ~(uint64_t{1} << place % 64);
    }

    bool HasChild(unsigned bits) const { return children_at >> bits & 1; }
    Node& Child(unsigned bits) { return children[ChildIndex(bits)]; }
    const Node& Child(unsigned bits) const { return children[ChildIndex(bits)]; }
    Node& AddChild(unsigned bits, Node child) {
      Node& added = children.Insert(ChildCount(), ChildIndex(bits), std::move(child));
      children_at |= uint64_t{1} << bits;
      return added;
    }
    void EraseChild(unsigned bits) {
      children.Erase(ChildCount(), ChildIndex(bits));
      children_at &= ~(uint64_t{1} << bits);
    }
    int ChildCount() const { return std::popcount(children_at); }
    const Node* Below(const TrieKey& address) const {
      const unsigned bits = address.SixBits(depth);
      return HasChild(bits) ? &Child(bits) : nullptr;
    }

    // The values at `leaf` and above it.
    template <typename Accept>
    bool OfferAbove(unsigned leaf, Accept& accept) const {
      if (!HasValues()) return false;
      for (unsigned place = leaf; place > 0; place /= 2) {
        if (HasValue(place) && accept(ValueAt(place))) return true;
      }
      return false;
    }
    template <typename Visit>
    void VisitFrom(unsigned place, Visit& visit) const {
      if (HasValue(place)) visit(ValueAt(place));
      if (place < kLeaves) {
        VisitFrom(2 * place, visit);
        VisitFrom(2 * place + 1, visit);
      } else if (HasChild(place - kLeaves)) {
        Child(place - kLeaves).VisitFrom(1, visit);
      }
    }

   private:
    int ValueCount() const { return std::popcount(values_at[0]) + std::popcount(values_at[1]); }
    int ValueIndex(unsigned place) const {
      const uint64_t below = (uint64_t{1} << place % 64) - 1;
      return place < 64 ? std::popcount(values_at[0] & below)
                        : std::popcount(values_at[0]) + std::popcount(values_at[1] & below);
    }
    int ChildIndex(unsigned bits) const {
      return std::popcount(children_at & ((uint64_t{1} << bits) - 1));
    }
  };

  // Of the node that has prefixes of this length.
  static int DepthOf(int length) { return length == 0 ? 0 : (length - 1) / kStep * kStep; }
  static unsigned PlaceOf(const TrieKey& key, int length, int depth) {
    return (kLeaves + key.SixBits(depth)) >> (kStep - (length - depth));
  }

  // The next node on the way from `child`'s parent to the one for `key` at `depth`: `child`, or one
  // that is put above it, since it is too deep or begins with other bits.
  static Node& ForkAbove(Node& child, const TrieKey& key, int depth) {
    const int common = std::min({key.CommonBits(child.key), depth, child.depth}) / kStep * kStep;
    if (common < child.depth) {
      Node fork(key, common);
      fork.AddChild(child.key.SixBits(common), std::move(child));
      child = std::move(fork);
    }
    return child;
  }

  void EraseFrom(Node& node, const TrieKey& key, int length) {
    const int depth = DepthOf(length);
    if (node.depth == depth) {
      const unsigned place = PlaceOf(key, length, depth);
      if (!node.HasValue(place)) return;
      node.EraseValue(place);
      --size_;
      return;
    }
    const unsigned bits = key.SixBits(node.depth);
    if (!node.HasChild(bits)) return;
    Node& child = node.Child(bits);
    if (child.depth > depth || !key.SharesBits(child.key, child.depth)) return;
    EraseFrom(child, key, length);
    if (child.HasValues() || child.ChildCount() > 1) return;
    if (child.ChildCount() == 0) {
      node.EraseChild(bits);
    } else {
      Node only = std::move(child.children[0]);
      child = std::move(only);
    }
  }

  Node root_;
  size_t size_ = 0;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_PREFIX_TRIE_H_
