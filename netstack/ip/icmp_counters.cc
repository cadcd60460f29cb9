#include "netstack/ip/icmp_counters.h"

#include <span>
#include <string_view>

#include "netstack/wire/family_name.h"
#include "netstack/wire/icmpv4.h"
#include "netstack/wire/icmpv6.h"

namespace moat::netstack {
namespace {

struct Row {
  uint8_t type;
  std::string_view in, out;
};

constexpr Row kV4[] = {
    {icmpv4_type::kDestinationUnreachable, "Icmp.InDestUnreachs", "Icmp.OutDestUnreachs"},
    {icmpv4_type::kTimeExceeded, "Icmp.InTimeExcds", "Icmp.OutTimeExcds"},
    {icmpv4_type::kParameterProblem, "Icmp.InParmProbs", "Icmp.OutParmProbs"},
    {icmpv4_type::kSourceQuench, "Icmp.InSrcQuenchs", "Icmp.OutSrcQuenchs"},
    {icmpv4_type::kRedirect, "Icmp.InRedirects", "Icmp.OutRedirects"},
    {icmpv4_type::kEchoRequest, "Icmp.InEchos", "Icmp.OutEchos"},
    {icmpv4_type::kEchoReply, "Icmp.InEchoReps", "Icmp.OutEchoReps"},
    {icmpv4_type::kTimestampRequest, "Icmp.InTimestamps", "Icmp.OutTimestamps"},
    {icmpv4_type::kTimestampReply, "Icmp.InTimestampReps", "Icmp.OutTimestampReps"},
    {icmpv4_type::kAddressMaskRequest, "Icmp.InAddrMasks", "Icmp.OutAddrMasks"},
    {icmpv4_type::kAddressMaskReply, "Icmp.InAddrMaskReps", "Icmp.OutAddrMaskReps"},
};

constexpr Row kV6[] = {
    {icmpv6_type::kDestinationUnreachable, "Icmp6.InDestUnreachs", "Icmp6.OutDestUnreachs"},
    {icmpv6_type::kPacketTooBig, "Icmp6.InPktTooBigs", "Icmp6.OutPktTooBigs"},
    {icmpv6_type::kTimeExceeded, "Icmp6.InTimeExcds", "Icmp6.OutTimeExcds"},
    {icmpv6_type::kParameterProblem, "Icmp6.InParmProblems", "Icmp6.OutParmProblems"},
    {icmpv6_type::kEchoRequest, "Icmp6.InEchos", "Icmp6.OutEchos"},
    {icmpv6_type::kEchoReply, "Icmp6.InEchoReplies", "Icmp6.OutEchoReplies"},
    {icmpv6_type::kMldQuery, "Icmp6.InGroupMembQueries", "Icmp6.OutGroupMembQueries"},
    {icmpv6_type::kMldReport, "Icmp6.InGroupMembResponses", "Icmp6.OutGroupMembResponses"},
    {icmpv6_type::kMldDone, "Icmp6.InGroupMembReductions", "Icmp6.OutGroupMembReductions"},
    {icmpv6_type::kRouterSolicitation, "Icmp6.InRouterSolicits", "Icmp6.OutRouterSolicits"},
    {icmpv6_type::kRouterAdvertisement, "Icmp6.InRouterAdvertisements",
     "Icmp6.OutRouterAdvertisements"},
    {icmpv6_type::kNeighborSolicitation, "Icmp6.InNeighborSolicits", "Icmp6.OutNeighborSolicits"},
    {icmpv6_type::kNeighborAdvertisement, "Icmp6.InNeighborAdvertisements",
     "Icmp6.OutNeighborAdvertisements"},
    {icmpv6_type::kRedirect, "Icmp6.InRedirects", "Icmp6.OutRedirects"},
    {icmpv6_type::kMldV2Report, "Icmp6.InMLDv2Reports", "Icmp6.OutMLDv2Reports"},
};

}  // namespace

IcmpCounters::IcmpCounters(CounterTable& table, Family family)
    : in_messages(table, NameFor(family, "Icmp.InMsgs", "Icmp6.InMsgs")),
      in_errors(table, NameFor(family, "Icmp.InErrors", "Icmp6.InErrors")),
      in_checksum_errors(table, NameFor(family, "Icmp.InCsumErrors", "Icmp6.InCsumErrors")),
      out_messages(table, NameFor(family, "Icmp.OutMsgs", "Icmp6.OutMsgs")),
      out_errors(table, NameFor(family, "Icmp.OutErrors", "Icmp6.OutErrors")) {
  const std::span<const Row> rows = family == Family::kIpv4 ? std::span<const Row>(kV4)
                                                            : std::span<const Row>(kV6);
  for (const Row& row : rows) {
    counters_.push_back(std::make_unique<Counter>(table, row.in));
    in_[row.type] = counters_.back().get();
    counters_.push_back(std::make_unique<Counter>(table, row.out));
    out_[row.type] = counters_.back().get();
  }
}

}  // namespace moat::netstack
