// Netlink messages as bytes (netlink(7), rtnetlink(7)): a bounded reader and a writer. Values are
// in host order and every struct starts at a multiple of four.
#ifndef MOAT_SENTRY_NETLINK_MESSAGE_H_
#define MOAT_SENTRY_NETLINK_MESSAGE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace moat::sentry {

struct NetlinkHeader {  // struct nlmsghdr
  uint32_t length = 0;
  uint16_t type = 0;
  uint16_t flags = 0;
  uint32_t sequence = 0;
  uint32_t port = 0;
};

struct NetlinkMessage {
  NetlinkHeader header;
  std::span<const uint8_t> body;  // behind the header, without padding

  // The fixed part of the body. Absent when the body is shorter.
  template <typename T>
  std::optional<T> Fixed() const {
    static_assert(std::is_trivially_copyable_v<T>);
    if (body.size() < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, body.data(), sizeof(value));
    return value;
  }
  // The attributes behind a fixed part of `size` bytes; empty when there is nothing.
  std::span<const uint8_t> Attributes(size_t size) const;
};

// Walks the messages of one datagram. Stops at the first that is malformed.
class NetlinkReader {
 public:
  explicit NetlinkReader(std::span<const uint8_t> datagram) : rest_(datagram) {}

  bool Next(NetlinkMessage* message);
  // Next() returned false because of a bad length rather than the end.
  bool malformed() const { return malformed_; }

 private:
  std::span<const uint8_t> rest_;
  bool malformed_ = false;
};

struct NetlinkAttribute {
  uint16_t type = 0;  // without the nested and byte-order flags
  std::span<const uint8_t> value;

  template <typename T>
  std::optional<T> As() const {  // the first sizeof(T) bytes
    static_assert(std::is_trivially_copyable_v<T>);
    if (value.size() < sizeof(T)) return std::nullopt;
    T out;
    std::memcpy(&out, value.data(), sizeof(out));
    return out;
  }
  std::string_view Text() const;  // up to the first NUL
};

// Walks attributes. Stops at the first that is malformed.
class NetlinkAttributes {
 public:
  explicit NetlinkAttributes(std::span<const uint8_t> bytes) : rest_(bytes) {}
  bool Next(NetlinkAttribute* attribute);

 private:
  std::span<const uint8_t> rest_;
};

// Builds one datagram of any number of messages.
//
//   writer.Begin(RTM_NEWLINK, NLM_F_MULTI, sequence, port);
//   writer.Fixed(ifinfomsg{...});
//   writer.Text(IFLA_IFNAME, "eth0");
//   writer.End();
class NetlinkWriter {
 public:
  void Begin(uint16_t type, uint16_t flags, uint32_t sequence, uint32_t port);
  template <typename T>
  void Fixed(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    Append({reinterpret_cast<const uint8_t*>(&value), sizeof(value)});
  }
  void Attribute(uint16_t type, std::span<const uint8_t> value);
  template <typename T>
  void Value(uint16_t type, const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    Attribute(type, {reinterpret_cast<const uint8_t*>(&value), sizeof(value)});
  }
  void Text(uint16_t type, std::string_view text);  // NUL added
  // Returns what EndNested() wants.
  size_t BeginNested(uint16_t type);
  void EndNested(size_t start);
  void End();

  size_t size() const { return bytes_.size(); }
  std::span<const uint8_t> bytes() const { return bytes_; }
  std::vector<uint8_t> Take();

 private:
  void Append(std::span<const uint8_t> bytes);
  void Pad();

  std::vector<uint8_t> bytes_;
  size_t message_ = 0;  // where the open message starts
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_NETLINK_MESSAGE_H_
