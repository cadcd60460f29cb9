#include "sentry/netlink/message.h"

#include <linux/netlink.h>

#include <algorithm>
#include <utility>

namespace moat::sentry {
namespace {

static_assert(sizeof(NetlinkHeader) == sizeof(nlmsghdr));

constexpr size_t kAlignment = 4;
constexpr size_t kHeaderSize = sizeof(NetlinkHeader);
constexpr size_t kAttributeHeaderSize = 4;

size_t Aligned(size_t size) { return (size + kAlignment - 1) & ~(kAlignment - 1); }

}  // namespace

std::span<const uint8_t> NetlinkMessage::Attributes(size_t size) const {
  const size_t offset = Aligned(size);
  return offset >= body.size() ? std::span<const uint8_t>() : body.subspan(offset);
}

bool NetlinkReader::Next(NetlinkMessage* message) {
  if (rest_.size() < kHeaderSize) {
    malformed_ = malformed_ || !rest_.empty();
    return false;
  }
  std::memcpy(&message->header, rest_.data(), kHeaderSize);
  const size_t length = message->header.length;
  if (length < kHeaderSize || length > rest_.size()) {
    malformed_ = true;
    rest_ = {};
    return false;
  }
  message->body = rest_.subspan(kHeaderSize, length - kHeaderSize);
  rest_ = rest_.subspan(std::min(Aligned(length), rest_.size()));
  return true;
}

std::string_view NetlinkAttribute::Text() const {
  const auto* text = reinterpret_cast<const char*>(value.data());
  return {text, value.empty() ? 0 : strnlen(text, value.size())};
}

bool NetlinkAttributes::Next(NetlinkAttribute* attribute) {
  if (rest_.size() < kAttributeHeaderSize) return false;
  uint16_t length = 0;
  std::memcpy(&length, rest_.data(), sizeof(length));
  std::memcpy(&attribute->type, rest_.data() + 2, sizeof(attribute->type));
  attribute->type &= NLA_TYPE_MASK;
  if (length < kAttributeHeaderSize || length > rest_.size()) {
    rest_ = {};
    return false;
  }
  attribute->value = rest_.subspan(kAttributeHeaderSize, length - kAttributeHeaderSize);
  rest_ = rest_.subspan(std::min(Aligned(length), rest_.size()));
  return true;
}

void NetlinkWriter::Begin(uint16_t type, uint16_t flags, uint32_t sequence, uint32_t port) {
  message_ = bytes_.size();
  Fixed(NetlinkHeader{
      .length = 0, .type = type, .flags = flags, .sequence = sequence, .port = port});
}

void NetlinkWriter::Attribute(uint16_t type, std::span<const uint8_t> value) {
  const auto length = static_cast<uint16_t>(kAttributeHeaderSize + value.size());
  Append({reinterpret_cast<const uint8_t*>(&length), sizeof(length)});
  Append({reinterpret_cast<const uint8_t*>(&type), sizeof(type)});
  Append(value);
  Pad();
}

void NetlinkWriter::Text(uint16_t type, std::string_view text) {
  std::vector<uint8_t> value(text.begin(), text.end());
  value.push_back(0);
  Attribute(type, value);
}

size_t NetlinkWriter::BeginNested(uint16_t type) {
  const size_t start = bytes_.size();
  Attribute(type, {});
  return start;
}

void NetlinkWriter::EndNested(size_t start) {
  const auto length = static_cast<uint16_t>(bytes_.size() - start);
  std::memcpy(&bytes_[start], &length, sizeof(length));
}

void NetlinkWriter::End() {
  const auto length = static_cast<uint32_t>(bytes_.size() - message_);
  std::memcpy(&bytes_[message_], &length, sizeof(length));
  Pad();
}

std::vector<uint8_t> NetlinkWriter::Take() { return std::exchange(bytes_, {}); }

void NetlinkWriter::Append(std::span<const uint8_t> bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

void NetlinkWriter::Pad() { bytes_.resize(Aligned(bytes_.size())); }

}  // namespace moat::sentry
