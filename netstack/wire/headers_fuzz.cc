// Every parser of this directory on any bytes: nothing is read beyond them, and what parses
// re-parses to the same after being emitted.

#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "netstack/wire/address.h"
#include "netstack/wire/arp.h"
#include "netstack/wire/checksum.h"
#include "netstack/wire/ethernet.h"
#include "netstack/wire/icmpv4.h"
#include "netstack/wire/igmp.h"
#include "netstack/wire/ipv4.h"
#include "netstack/wire/ipv4_options.h"
#include "netstack/wire/ipv6.h"
#include "netstack/wire/ipv6_extension.h"
#include "netstack/wire/ndp.h"
#include "netstack/wire/tcp.h"
#include "netstack/wire/tcp_options.h"
#include "test/fuzz/seeds.h"

namespace moat::netstack {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void FuzzArp(std::span<const uint8_t> bytes) {
  ArpMessage message;
  if (ParseArp(bytes, &message) != ArpParse::kOk) return;
  uint8_t again[kArpSize];
  EmitArp(message, again);
  Require(std::memcmp(again, bytes.data(), kArpSize) == 0);
}

// After recording, the octet `at` is at fault: a count that has become full, or the pointer of an
// option whose room was no whole number of slots. RFC 791 3.1 makes either an error only for the
// node that has no room left.
bool FaultOfRecording(std::span<const uint8_t> options, size_t at) {
  if (at < 2) return false;
  const bool pointer = (options[at - 2] == ipv4_option::kRecordRoute ||
                        options[at - 2] == ipv4_option::kTimestamp) &&
                       options[at] <= options[at - 1];
  return pointer || options[at] >> 4 == 15;
}

// Whatever the options are, recording stays within them, and what was well-formed remains so.
void FuzzIpv4Options(const Ipv4View& view, const Ipv4OptionScan& scan) {
  uint8_t packet[kIpv4MaxHeaderSize];
  std::memcpy(packet, view.header().data(), kIpv4HeaderSize);
  const std::span<uint8_t> options(packet + kIpv4HeaderSize, view.options().size());
  Require(LaterFragmentIpv4Options(view.options(), options.data()) <= options.size());
  const size_t size = ReflectedIpv4Options(view.options(), options.data());
  Require(size <= options.size() && size % 4 == 0);
  if (!scan.well_formed) return;
  std::memcpy(options.data(), view.options().data(), options.size());
  RecordInIpv4Options(
      options, IpAddress::V4(192, 0, 2, 1), 7,
      [](const void*, const IpAddress& address) { return (address.data()[3] & 1) != 0; }, nullptr);
  Ipv4View after;
  Require(Ipv4View::ParseQuoted({packet, view.header_size()}, &after) == Ipv4Parse::kOk);
  const Ipv4OptionScan again = ScanIpv4Options(after);
  Require(again.well_formed ||
          FaultOfRecording(after.options(), again.error_offset - kIpv4HeaderSize));
}

// What is taken from a program is well-formed, and taking it again changes nothing.
void FuzzProgramOptions(std::span<const uint8_t> bytes) {
  Ipv4Options options{};
  const Ipv4OptionVerdict verdict = TakeProgramOptions(bytes, &options);
  if (verdict != Ipv4OptionVerdict::kGood && verdict != Ipv4OptionVerdict::kPrivileged) {
    return Require(options.size == 0);
  }
  Require(options.size % 4 == 0 && options.size >= bytes.size());
  Ipv4Options again{};
  Require(TakeProgramOptions(options.span(), &again) == verdict);
  Require(again.bytes == options.bytes && again.size == options.size);
  uint8_t packet[kIpv4MaxHeaderSize];
  Ipv4Fields fields;
  fields.total_length = static_cast<uint16_t>(kIpv4HeaderSize + options.size);
  EmitIpv4(fields, packet);
  packet[0] = static_cast<uint8_t>(0x45 + options.size / 4);
  std::memcpy(packet + kIpv4HeaderSize, options.bytes.data(), options.size);
  Ipv4View view;
  Require(Ipv4View::Parse({packet, kIpv4HeaderSize + size_t{options.size}}, &view) ==
          Ipv4Parse::kOk);
  const Ipv4OptionScan scan = ScanIpv4Options(view);
  Require(scan.well_formed && !scan.source_route);
  FuzzIpv4Options(view, scan);
  const Ipv4OptionsRef returned = ReturnedIpv4Options(options.span());
  Require(returned == nullptr || returned->size <= options.size);
}

void FuzzIpv4(std::span<const uint8_t> bytes) {
  Ipv4View view;
  if (Ipv4View::Parse(bytes, &view) != Ipv4Parse::kOk) return;
  Require(view.total_length() <= bytes.size() && view.header_size() <= view.total_length());
  Require(view.header_size() + view.payload_size() == view.total_length());
  const Ipv4OptionScan scan = ScanIpv4Options(view);
  Require(scan.well_formed || scan.error_offset < view.header_size());
  (void)view.ChecksumValid();
  FuzzIpv4Options(view, scan);
}

// What is borrowed lies in the header, and what is emitted parses to the same where it fits.
void FuzzTcp(std::span<const uint8_t> bytes) {
  TcpView view;
  if (!TcpView::Parse(bytes, &view)) return;
  Require(AceOf(view.ae(), view.flags()) < 8);
  const std::span<const uint8_t> options = view.options();
  const auto within = [&options](const uint8_t* p, size_t size) {
    return size == 0 || (p >= options.data() && p + size <= options.data() + options.size());
  };
  const TcpOptionSet set = ParseTcpOptions(options);
  Require(set.sack_count <= kTcpMaxSackBlocks && set.window_scale <= kTcpMaxWindowScale);
  Require(within(set.fast_open, set.fast_open_size));
  Require(set.accecn_fields <= kTcpMaxAccEcnFields &&
          within(set.accecn, size_t{3} * set.accecn_fields));
  uint8_t again[kTcpMaxOptionsSize];
  const size_t size = EmitTcpOptions(set, again);
  Require(size <= kTcpMaxOptionsSize && size % 4 == 0 && TcpFixedOptionsSize(set) <= size);
  const TcpOptionSet other = ParseTcpOptions({again, size});
  Require(other.has_mss == set.has_mss && other.mss == set.mss);
  Require(other.has_timestamps == set.has_timestamps && other.ts_echo == set.ts_echo);
  Require(other.user_timeout == set.user_timeout);
  Require(set.user_timeout == 0 || (set.user_timeout & 0x7fff) != 0);
  const bool fits =
      TcpFixedOptionsSize(set) + TcpAccEcnSize(set.accecn_fields) <= kTcpMaxOptionsSize;
  if (set.accecn_kind == 0 || !fits) return;
  Require(other.accecn_kind == set.accecn_kind && other.accecn_fields == set.accecn_fields);
  Require(std::memcmp(other.accecn, set.accecn, size_t{3} * set.accecn_fields) == 0);
}

void FuzzIpv6(std::span<const uint8_t> bytes) {
  Ipv6View view;
  if (Ipv6View::Parse(bytes, &view) != Ipv6Parse::kOk) return;
  const std::span<const uint8_t> packet = bytes.first(view.total_length());
  const Ipv6Chain chain = WalkIpv6Chain(packet);
  Require(chain.offset <= packet.size() && chain.next_header_offset < packet.size());
  if (chain.outcome == Ipv6Chain::Outcome::kParameterProblem) {
    Require(chain.problem_pointer < packet.size());
  }
  if (chain.outcome == Ipv6Chain::Outcome::kFragment) {
    Require(chain.offset + kIpv6FragmentHeaderSize <= packet.size());
    const Ipv6FragmentHeader header = ReadIpv6FragmentHeader(packet.data() + chain.offset);
    const Ipv6Chain rest = WalkIpv6ChainFrom(
        packet, header.next_header, chain.offset + kIpv6FragmentHeaderSize, chain.offset);
    Require(rest.offset <= packet.size());
  }
}

void FuzzNdp(std::span<const uint8_t> bytes) {
  if (const auto message = ParseRouterAdvertisement(bytes)) {
    Require(message->options.prefix_count <= kMaxNdpPrefixes);
  }
  if (const auto message = ParseNeighborSolicitation(bytes)) {
    Require(!message->target.IsMulticast());
  }
  (void)ParseNeighborAdvertisement(bytes);
  (void)IcmpView::Parse(bytes);
}

// What is said about the queried sources comes out whole, in messages that are not too long.
void FuzzGroups(std::span<const uint8_t> bytes) {
  for (const auto& query : {ParseIgmpQuery(bytes), ParseMldQuery(bytes)}) {
    if (!query.has_value()) continue;
    Require(query->group.IsUnspecified() || query->group.IsMulticast());
    const size_t size = query->group.size();
    Require(query->sources.size() * size <= bytes.size());
    const GroupRecord record{query->group, GroupRecordType::kIsInclude, query->sources};
    const GroupRecord records[] = {record, {query->group}, record};
    const size_t room = 64 + bytes[0];
    size_t sources = 0;
    for (const std::vector<uint8_t>& report : EmitGroupReports(records, room)) {
      Require(report.size() <= room && report.size() >= 8);
      size_t at = 8;
      for (size_t i = LoadBe16(report.data() + 6); i > 0; --i) {
        sources += LoadBe16(report.data() + at + 2);
        at += 4 + size * (size_t{1} + LoadBe16(report.data() + at + 2));
      }
      Require(at == report.size());
    }
    Require(sources == 2 * query->sources.size());
  }
}

void FuzzText(std::span<const uint8_t> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (const auto address = IpAddress::Parse(text)) {
    Require(IpAddress::Parse(address->ToString()) == address);
  }
  if (const auto prefix = Prefix::Parse(text)) {
    Require(Prefix::Parse(prefix->ToString()) == prefix);
  }
}

}  // namespace
}  // namespace moat::netstack

// TCP headers with timestamps, AccECN and user timeout options, and IP options: bits turned at
// random rarely make them.
std::vector<std::vector<uint8_t>> FuzzSeeds() {
  std::vector<std::vector<uint8_t>> seeds;
  for (const uint8_t kind :
       {moat::netstack::tcp_option::kAccEcn0, moat::netstack::tcp_option::kAccEcn1}) {
    for (uint8_t length = 2; length < 16; ++length) {
      std::vector<uint8_t> header(20);
      header.insert(header.end(), {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, kind, length});
      for (uint8_t i = 2; i < length; ++i) header.push_back(i);
      header.resize((header.size() + 3) / 4 * 4, 1);
      header[12] = static_cast<uint8_t>(header.size() / 4 << 4 | (length & 1));
      header[13] = static_cast<uint8_t>(0x10 | length << 6);
      seeds.push_back(header);
    }
  }
  for (const uint8_t minutes : {0x00, 0x80}) {
    std::vector<uint8_t> header(20);
    header.insert(header.end(), {28, 4, minutes, 100, 1, 1, 1, 1});
    header[12] = 7 << 4;
    header[13] = 0x10;
    seeds.push_back(header);
  }
  // A route with room for an address and three octets.
  seeds.push_back({1, 1, 1, 7, 15, 9, 0, 1, 7, 7, 7, 7, 9, 0, 7, 7, 1, 0, 0});
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace moat::netstack;
  // A block of exactly this size, so that a sanitizer sees the first byte too far.
  const std::vector<uint8_t> block(data, data + size);
  const std::span<const uint8_t> bytes(block);
  FuzzArp(bytes);
  FuzzIpv4(bytes);
  FuzzProgramOptions(bytes);
  FuzzIpv6(bytes);
  FuzzTcp(bytes);
  FuzzNdp(bytes);
  FuzzGroups(bytes);
  FuzzText(bytes);
  (void)EthernetView::Parse(bytes);
  (void)ChecksumOf(bytes);
  return 0;
}
