// A path-compressed binary trie (Patricia) from IP prefixes of one family to values. Lookup visits
// at most one node per distinguishing bit: a million routes cost some twenty nodes.
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
  int Bit(int index) const {
    return static_cast<int>(index < 64 ? high >> (63 - index) & 1 : low >> (127 - index) & 1);
  }
  bool SharesBits(const TrieKey& other, int length) const {
    return CommonBits(other) >= length;
  }
  int CommonBits(const TrieKey& other) const {
    if (high != other.high) return std::countl_zero(high ^ other.high);
    return 64 + (low == other.low ? 64 : std::countl_zero(low ^ other.low));
  }
};

template <typename Value>
class PrefixTrie {
 public:
  // The value at exactly this prefix, made when absent.
  Value& GetOrInsert(const TrieKey& address, int length) {
    const TrieKey key = address.Masked(length);
    std::unique_ptr<Node>* slot = &root_;
    while (*slot != nullptr) {
      Node& node = **slot;
      const int common = std::min({key.CommonBits(node.key), length, node.length});
      if (common < node.length) return Split(*slot, key, length, common);
      if (node.length == length) return Fill(node);
      slot = &node.children[key.Bit(node.length)];
    }
    *slot = MakeNode(key, length);
    return Fill(**slot);
  }

  // Null when nothing is at exactly this prefix.
  Value* Find(const TrieKey& address, int length) {
    return const_cast<Value*>(std::as_const(*this).Find(address, length));
  }
  const Value* Find(const TrieKey& address, int length) const {
    const TrieKey key = address.Masked(length);
    for (const Node* node = root_.get(); node != nullptr && node->length <= length;
         node = node->children[key.Bit(node->length)].get()) {
      if (!key.SharesBits(node->key, node->length)) return nullptr;
      if (node->length == length) return node->value.get();
    }
    return nullptr;
  }

  // Drops the value at exactly this prefix, and nodes that nothing needs any more.
  void Erase(const TrieKey& address, int length) {
    EraseFrom(root_, address.Masked(length), length);
  }

  bool empty() const { return root_ == nullptr; }

  // Offers the values of all prefixes that hold `address` to `accept`, longest first, until it
  // returns true. False when none was accepted.
  template <typename Accept>
  bool Match(const TrieKey& address, Accept accept) const {
    std::array<const Value*, 129> matches;
    int count = 0;
    for (const Node* node = root_.get(); node != nullptr;) {
      if (!address.SharesBits(node->key, node->length)) break;
      if (node->value != nullptr) matches[count++] = node->value.get();
      if (node->length >= 128) break;
      node = node->children[address.Bit(node->length)].get();
    }
    while (count > 0) {
      if (accept(*matches[--count])) return true;
    }
    return false;
  }

  template <typename Visit>
  void ForEach(Visit visit) const {
    VisitFrom(root_.get(), visit);
  }

  size_t size() const { return size_; }  // prefixes with a value

 private:
  struct Node {
    TrieKey key;
    int length = 0;
    std::unique_ptr<Value> value;  // null: only a fork
    std::unique_ptr<Node> children[2];
  };

  static std::unique_ptr<Node> MakeNode(const TrieKey& key, int length) {
    auto node = std::make_unique<Node>();
    node->key = key.Masked(length);
    node->length = length;
    return node;
  }
  Value& Fill(Node& node) {
    if (node.value == nullptr) {
      node.value = std::make_unique<Value>();
      ++size_;
    }
    return *node.value;
  }
  // Puts a node of `common` bits above `slot`: the new prefix itself, or a fork to both.
  Value& Split(std::unique_ptr<Node>& slot, const TrieKey& key, int length, int common) {
    std::unique_ptr<Node> above = MakeNode(key, common);
    const int old_side = slot->key.Bit(common);
    above->children[old_side] = std::move(slot);
    slot = std::move(above);
    if (common == length) return Fill(*slot);
    std::unique_ptr<Node>& side = slot->children[1 - old_side];
    side = MakeNode(key, length);
    return Fill(*side);
  }
  void EraseFrom(std::unique_ptr<Node>& slot, const TrieKey& key, int length) {
    if (slot == nullptr || slot->length > length || !key.SharesBits(slot->key, slot->length))
      return;
    if (slot->length < length) {
      EraseFrom(slot->children[key.Bit(slot->length)], key, length);
    } else if (slot->value != nullptr) {
      slot->value.reset();
      --size_;
    }
    if (slot->value != nullptr || (slot->children[0] != nullptr && slot->children[1] != nullptr)) {
      return;
    }
    std::unique_ptr<Node> only =
        std::move(slot->children[0] != nullptr ? slot->children[0] : slot->children[1]);
    slot = std::move(only);
  }
  template <typename Visit>
  static void VisitFrom(const Node* node, Visit& visit) {
    if (node == nullptr) return;
    if (node->value != nullptr) visit(*node->value);
    VisitFrom(node->children[0].get(), visit);
    VisitFrom(node->children[1].get(), visit);
  }

  std::unique_ptr<Node> root_;
  size_t size_ = 0;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_PREFIX_TRIE_H_
