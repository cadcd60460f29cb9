#include "netstack/wire/igmp.h"

#include <algorithm>
#include <cstring>

#include "netstack/wire/bytes.h"
#include "netstack/wire/icmpv6.h"

namespace moat::netstack {
namespace {

constexpr uint32_t kV1ResponseMs = 10000;  // RFC 3376 7.2.1
constexpr size_t kReportHeader = 8;

IpAddress AddressAt(const uint8_t* at, size_t size) {
  return size == 4 ? IpAddress::V4(at) : IpAddress::V6(at);
}

// What follows the group in the newest versions: flags, interval, the number of sources, they.
bool ReadTail(std::span<const uint8_t> tail, size_t address_size, GroupQuery* query) {
  if (tail.size() < 4) return false;
  const size_t count = LoadBe16(tail.data() + 2);
  if (tail.size() < 4 + count * address_size) return false;
  query->robustness = tail[0] & 7;
  query->interval_seconds = IgmpCode(tail[1]);
  query->sources.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    query->sources.push_back(AddressAt(tail.data() + 4 + i * address_size, address_size));
  }
  return true;
}

std::optional<GroupQuery> Checked(GroupQuery query) {
  const bool general = query.group.IsUnspecified();
  if (!general && !query.group.IsMulticast()) return std::nullopt;
  if (general) query.sources.clear();  // which a general query does not have
  return query;
}

// Messages that fill up record by record.
class Reports {
 public:
  Reports(size_t address_size, size_t room) : address_size_(address_size), room_(room) {}

  // How many sources a record can have that is added now.
  size_t SourcesThatFit() const {
    const size_t used = messages_.empty() ? room_ : messages_.back().size();
    const size_t head = 4 + address_size_;
    return used + head > room_ ? 0 : (room_ - used - head) / address_size_;
  }
  size_t MostSources() const { return (room_ - kReportHeader - 4) / address_size_ - 1; }
  bool HasRoom() const {
    return !messages_.empty() && messages_.back().size() + 4 + address_size_ <= room_;
  }
  void Begin() {
    std::vector<uint8_t>& message = messages_.emplace_back(kReportHeader);
    message[0] = address_size_ == 4 ? igmp_type::kV3Report : icmpv6_type::kMldV2Report;
  }
  void Add(GroupRecordType type, const IpAddress& group, std::span<const IpAddress> sources) {
    std::vector<uint8_t>& message = messages_.back();
    const size_t at = message.size();
    message.resize(at + 4 + address_size_ * (1 + sources.size()));
    uint8_t* to = message.data() + at;
    to[0] = static_cast<uint8_t>(type);
    StoreBe16(to + 2, static_cast<uint16_t>(sources.size()));
    std::memcpy(to + 4, group.data(), address_size_);
    for (const IpAddress& source : sources) {
      to += address_size_;
      std::memcpy(to + 4, source.data(), address_size_);
    }
    StoreBe16(message.data() + 6, static_cast<uint16_t>(LoadBe16(message.data() + 6) + 1));
  }
  std::vector<std::vector<uint8_t>> Take() { return std::move(messages_); }

 private:
  size_t address_size_;
  size_t room_;
  std::vector<std::vector<uint8_t>> messages_;
};

}  // namespace

std::optional<GroupQuery> ParseIgmpQuery(std::span<const uint8_t> message) {
  if (message.size() < kIgmpV2Size || message[0] != igmp_type::kQuery) return std::nullopt;
  GroupQuery query;
  query.group = IpAddress::V4(message.data() + 4);
  const uint8_t code = message[1];
  query.response_ms = IgmpCode(code) * 100;
  if (message.size() == kIgmpV2Size) {
    query.version = code == 0 ? GroupProtocolVersion::kV1 : GroupProtocolVersion::kV2;
    query.response_ms = code == 0 ? kV1ResponseMs : uint32_t{code} * 100;
  } else if (!ReadTail(message.subspan(kIgmpV2Size), 4, &query)) {
    return std::nullopt;
  }
  return Checked(std::move(query));
}

std::optional<GroupQuery> ParseMldQuery(std::span<const uint8_t> message) {
  if (message.size() < kMldV1Size || message[0] != icmpv6_type::kMldQuery) return std::nullopt;
  GroupQuery query;
  query.group = IpAddress::V6(message.data() + 8);
  const uint16_t code = LoadBe16(message.data() + 4);
  query.response_ms = MldResponseMilliseconds(code);
  if (message.size() == kMldV1Size) {
    query.version = GroupProtocolVersion::kV2;
    query.response_ms = code;
  } else if (!ReadTail(message.subspan(kMldV1Size), 16, &query)) {
    return std::nullopt;
  }
  return Checked(std::move(query));
}

std::vector<std::vector<uint8_t>> EmitGroupReports(std::span<const GroupRecord> records,
                                                   size_t room) {
  if (records.empty()) return {};
  Reports reports(records.front().group.size(), room);
  for (const GroupRecord& record : records) {
    const bool excludes = record.type == GroupRecordType::kIsExclude ||
                          record.type == GroupRecordType::kToExclude;
    std::span<const IpAddress> left = record.sources;
    if (excludes) left = left.first(std::min(left.size(), reports.MostSources()));
    do {
      // A record is not begun where it would have to be cut and another message would hold more.
      const bool cut = reports.SourcesThatFit() < left.size();
      if (!reports.HasRoom() || cut) reports.Begin();
      const size_t count = std::min(left.size(), reports.MostSources());
      reports.Add(record.type, record.group, left.first(count));
      left = left.subspan(count);
    } while (!left.empty());
  }
  return reports.Take();
}

}  // namespace moat::netstack
