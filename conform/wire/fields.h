// Every header field that cases set or judge, per protocol, as in the RFC's figures. Values of the
// fields that have names stand below their field.
#ifndef MOAT_CONFORM_WIRE_FIELDS_H_
#define MOAT_CONFORM_WIRE_FIELDS_H_

#include "conform/wire/field.h"

namespace moat::conform {

namespace eth {  // IEEE 802.3
inline constexpr Field kDestination{"ethernet.destination", Kind::kEthernet, 0, 48, Show::kMac};
inline constexpr Field kSource{"ethernet.source", Kind::kEthernet, 48, 48, Show::kMac};
inline constexpr Field kType{"ethernet.type", Kind::kEthernet, 96, 16, Show::kHex};
inline constexpr int kTypeIpv4 = 0x0800, kTypeArp = 0x0806, kTypeIpv6 = 0x86dd;
}  // namespace eth

namespace arp {  // RFC 826
inline constexpr Field kHardwareType{"arp.hardware_type", Kind::kArp, 0, 16};
inline constexpr Field kProtocolType{"arp.protocol_type", Kind::kArp, 16, 16, Show::kHex};
inline constexpr Field kHardwareLength{"arp.hardware_length", Kind::kArp, 32, 8};
inline constexpr Field kProtocolLength{"arp.protocol_length", Kind::kArp, 40, 8};
inline constexpr Field kOperation{"arp.operation", Kind::kArp, 48, 16};
inline constexpr Field kSenderMac{"arp.sender_mac", Kind::kArp, 64, 48, Show::kMac};
inline constexpr Field kSenderIp{"arp.sender_ip", Kind::kArp, 112, 32, Show::kIp4};
inline constexpr Field kTargetMac{"arp.target_mac", Kind::kArp, 144, 48, Show::kMac};
inline constexpr Field kTargetIp{"arp.target_ip", Kind::kArp, 192, 32, Show::kIp4};
inline constexpr int kRequest = 1, kReply = 2;
}  // namespace arp

namespace proto {  // IANA protocol numbers
inline constexpr int kHopByHop = 0, kIcmp = 1, kIgmp = 2, kTcp = 6, kUdp = 17, kRouting = 43,
                     kFragment = 44, kIcmpV6 = 58, kNone = 59, kDestinationOptions = 60;
}  // namespace proto

namespace ipv4 {  // RFC 791
inline constexpr Field kVersion{"ipv4.version", Kind::kIpv4, 0, 4};
inline constexpr Field kHeaderLength{"ipv4.header_length", Kind::kIpv4, 4, 4};  // in 32-bit words
inline constexpr Field kTos{"ipv4.tos", Kind::kIpv4, 8, 8, Show::kHex};
inline constexpr Field kDscp{"ipv4.dscp", Kind::kIpv4, 8, 6};
inline constexpr Field kEcn{"ipv4.ecn", Kind::kIpv4, 14, 2};
inline constexpr Field kTotalLength{"ipv4.total_length", Kind::kIpv4, 16, 16};
inline constexpr Field kId{"ipv4.id", Kind::kIpv4, 32, 16};
inline constexpr Field kReservedFlag{"ipv4.reserved_flag", Kind::kIpv4, 48, 1};
inline constexpr Field kDontFragment{"ipv4.dont_fragment", Kind::kIpv4, 49, 1};
inline constexpr Field kMoreFragments{"ipv4.more_fragments", Kind::kIpv4, 50, 1};
inline constexpr Field kFragmentOffset{"ipv4.fragment_offset", Kind::kIpv4, 51, 13};  // 8 bytes
inline constexpr Field kTtl{"ipv4.ttl", Kind::kIpv4, 64, 8};
inline constexpr Field kProtocol{"ipv4.protocol", Kind::kIpv4, 72, 8};
inline constexpr Field kChecksum{"ipv4.checksum", Kind::kIpv4, 80, 16, Show::kHex};
inline constexpr Field kSource{"ipv4.source", Kind::kIpv4, 96, 32, Show::kIp4};
inline constexpr Field kDestination{"ipv4.destination", Kind::kIpv4, 128, 32, Show::kIp4};
}  // namespace ipv4

namespace ipv6 {  // RFC 8200
inline constexpr Field kVersion{"ipv6.version", Kind::kIpv6, 0, 4};
inline constexpr Field kTrafficClass{"ipv6.traffic_class", Kind::kIpv6, 4, 8, Show::kHex};
inline constexpr Field kFlowLabel{"ipv6.flow_label", Kind::kIpv6, 12, 20, Show::kHex};
inline constexpr Field kPayloadLength{"ipv6.payload_length", Kind::kIpv6, 32, 16};
inline constexpr Field kNextHeader{"ipv6.next_header", Kind::kIpv6, 48, 8};
inline constexpr Field kHopLimit{"ipv6.hop_limit", Kind::kIpv6, 56, 8};
inline constexpr Field kSource{"ipv6.source", Kind::kIpv6, 64, 128, Show::kIp6};
inline constexpr Field kDestination{"ipv6.destination", Kind::kIpv6, 192, 128, Show::kIp6};
}  // namespace ipv6

namespace hop_by_hop {
inline constexpr Field kNextHeader{"hop-by-hop.next_header", Kind::kHopByHop, 0, 8};
inline constexpr Field kLength{"hop-by-hop.length", Kind::kHopByHop, 8, 8};
}  // namespace hop_by_hop

namespace destination_options {
inline constexpr Field kNextHeader{"destination-options.next_header", Kind::kDestinationOptions, 0,
                                   8};
inline constexpr Field kLength{"destination-options.length", Kind::kDestinationOptions, 8, 8};
}  // namespace destination_options

namespace routing {
inline constexpr Field kNextHeader{"routing.next_header", Kind::kRouting, 0, 8};
inline constexpr Field kLength{"routing.length", Kind::kRouting, 8, 8};
inline constexpr Field kType{"routing.type", Kind::kRouting, 16, 8};
inline constexpr Field kSegmentsLeft{"routing.segments_left", Kind::kRouting, 24, 8};
}  // namespace routing

namespace fragment {
inline constexpr Field kNextHeader{"fragment.next_header", Kind::kFragment, 0, 8};
inline constexpr Field kReserved{"fragment.reserved", Kind::kFragment, 8, 8};
inline constexpr Field kOffset{"fragment.offset", Kind::kFragment, 16, 13};  // 8 bytes
inline constexpr Field kReserved2{"fragment.reserved2", Kind::kFragment, 29, 2};
inline constexpr Field kMore{"fragment.more", Kind::kFragment, 31, 1};
inline constexpr Field kId{"fragment.id", Kind::kFragment, 32, 32, Show::kHex};
}  // namespace fragment

namespace icmp4 {  // RFC 792, RFC 950, RFC 1191
inline constexpr Field kType{"icmpv4.type", Kind::kIcmp4, 0, 8};
inline constexpr Field kCode{"icmpv4.code", Kind::kIcmp4, 8, 8};
inline constexpr Field kChecksum{"icmpv4.checksum", Kind::kIcmp4, 16, 16, Show::kHex};
inline constexpr Field kRest{"icmpv4.rest", Kind::kIcmp4, 32, 32, Show::kHex};
inline constexpr Field kId{"icmpv4.id", Kind::kIcmp4, 32, 16};
inline constexpr Field kSequence{"icmpv4.sequence", Kind::kIcmp4, 48, 16};
inline constexpr Field kPointer{"icmpv4.pointer", Kind::kIcmp4, 32, 8};
inline constexpr Field kMtu{"icmpv4.mtu", Kind::kIcmp4, 48, 16};
inline constexpr Field kGateway{"icmpv4.gateway", Kind::kIcmp4, 32, 32, Show::kIp4};
inline constexpr Field kMask{"icmpv4.mask", Kind::kIcmp4, 64, 32, Show::kIp4};
inline constexpr Field kOriginate{"icmpv4.originate", Kind::kIcmp4, 64, 32};
inline constexpr Field kReceive{"icmpv4.receive", Kind::kIcmp4, 96, 32};
inline constexpr Field kTransmit{"icmpv4.transmit", Kind::kIcmp4, 128, 32};
inline constexpr int kEchoReply = 0, kUnreachable = 3, kSourceQuench = 4, kRedirect = 5, kEcho = 8,
                     kTimeExceeded = 11, kParameterProblem = 12, kTimestamp = 13,
                     kTimestampReply = 14, kInformation = 15, kInformationReply = 16,
                     kAddressMask = 17, kAddressMaskReply = 18;
inline constexpr int kNetwork = 0, kHost = 1, kProtocol = 2, kPort = 3, kFragmentationNeeded = 4,
                     kSourceRouteFailed = 5;
}  // namespace icmp4

namespace igmp {  // RFC 2236, RFC 3376
inline constexpr Field kType{"igmp.type", Kind::kIgmp, 0, 8, Show::kHex};
inline constexpr Field kMaxResponse{"igmp.max_response", Kind::kIgmp, 8, 8};
inline constexpr Field kChecksum{"igmp.checksum", Kind::kIgmp, 16, 16, Show::kHex};
inline constexpr Field kGroup{"igmp.group", Kind::kIgmp, 32, 32, Show::kIp4};
// Version 3 queries.
inline constexpr Field kReserved{"igmp.reserved", Kind::kIgmp, 64, 4};
inline constexpr Field kSuppress{"igmp.suppress", Kind::kIgmp, 68, 1};
inline constexpr Field kRobustness{"igmp.robustness", Kind::kIgmp, 69, 3};
inline constexpr Field kQueryInterval{"igmp.query_interval", Kind::kIgmp, 72, 8};
inline constexpr Field kSourceCount{"igmp.source_count", Kind::kIgmp, 80, 16};
// Version 3 reports.
inline constexpr Field kRecordCount{"igmp.record_count", Kind::kIgmp, 48, 16};
inline constexpr int kQuery = 0x11, kReportV1 = 0x12, kReportV2 = 0x16, kLeave = 0x17,
                     kReportV3 = 0x22;
}  // namespace igmp

namespace udp {  // RFC 768
inline constexpr Field kSourcePort{"udp.source_port", Kind::kUdp, 0, 16};
inline constexpr Field kDestinationPort{"udp.destination_port", Kind::kUdp, 16, 16};
inline constexpr Field kLength{"udp.length", Kind::kUdp, 32, 16};
inline constexpr Field kChecksum{"udp.checksum", Kind::kUdp, 48, 16, Show::kHex};
}  // namespace udp

namespace tcp {  // RFC 9293
inline constexpr Field kSourcePort{"tcp.source_port", Kind::kTcp, 0, 16};
inline constexpr Field kDestinationPort{"tcp.destination_port", Kind::kTcp, 16, 16};
inline constexpr Field kSequence{"tcp.sequence", Kind::kTcp, 32, 32};
inline constexpr Field kAcknowledgment{"tcp.acknowledgment", Kind::kTcp, 64, 32};
inline constexpr Field kDataOffset{"tcp.data_offset", Kind::kTcp, 96, 4};  // in 32-bit words
inline constexpr Field kReserved{"tcp.reserved", Kind::kTcp, 100, 4};
inline constexpr Field kFlags{"tcp.flags", Kind::kTcp, 104, 8, Show::kHex};
inline constexpr Field kWindow{"tcp.window", Kind::kTcp, 112, 16};
inline constexpr Field kChecksum{"tcp.checksum", Kind::kTcp, 128, 16, Show::kHex};
inline constexpr Field kUrgentPointer{"tcp.urgent_pointer", Kind::kTcp, 144, 16};
inline constexpr int kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16, kUrg = 32, kEce = 64,
                     kCwr = 128;
}  // namespace tcp

namespace icmp6 {  // RFC 4443, RFC 4861, RFC 2710, RFC 3810
inline constexpr Field kType{"icmpv6.type", Kind::kIcmp6, 0, 8};
inline constexpr Field kCode{"icmpv6.code", Kind::kIcmp6, 8, 8};
inline constexpr Field kChecksum{"icmpv6.checksum", Kind::kIcmp6, 16, 16, Show::kHex};
inline constexpr Field kRest{"icmpv6.rest", Kind::kIcmp6, 32, 32, Show::kHex};
inline constexpr Field kId{"icmpv6.id", Kind::kIcmp6, 32, 16};
inline constexpr Field kSequence{"icmpv6.sequence", Kind::kIcmp6, 48, 16};
inline constexpr Field kMtu{"icmpv6.mtu", Kind::kIcmp6, 32, 32};
inline constexpr Field kPointer{"icmpv6.pointer", Kind::kIcmp6, 32, 32};
// Neighbour solicitation, advertisement, redirect.
inline constexpr Field kTarget{"icmpv6.target", Kind::kIcmp6, 64, 128, Show::kIp6};
inline constexpr Field kRouterFlag{"icmpv6.router_flag", Kind::kIcmp6, 32, 1};
inline constexpr Field kSolicitedFlag{"icmpv6.solicited_flag", Kind::kIcmp6, 33, 1};
inline constexpr Field kOverrideFlag{"icmpv6.override_flag", Kind::kIcmp6, 34, 1};
inline constexpr Field kRedirectDestination{"icmpv6.redirect_destination", Kind::kIcmp6, 192, 128,
                                            Show::kIp6};
// Router advertisement.
inline constexpr Field kCurHopLimit{"icmpv6.cur_hop_limit", Kind::kIcmp6, 32, 8};
inline constexpr Field kManagedFlag{"icmpv6.managed_flag", Kind::kIcmp6, 40, 1};
inline constexpr Field kOtherFlag{"icmpv6.other_flag", Kind::kIcmp6, 41, 1};
inline constexpr Field kPreference{"icmpv6.preference", Kind::kIcmp6, 43, 2};  // RFC 4191
inline constexpr Field kRouterLifetime{"icmpv6.router_lifetime", Kind::kIcmp6, 48, 16};
inline constexpr Field kReachableTime{"icmpv6.reachable_time", Kind::kIcmp6, 64, 32};
inline constexpr Field kRetransTimer{"icmpv6.retrans_timer", Kind::kIcmp6, 96, 32};
// Multicast listener discovery.
inline constexpr Field kMaxResponse{"icmpv6.max_response", Kind::kIcmp6, 32, 16};
inline constexpr Field kGroup{"icmpv6.group", Kind::kIcmp6, 64, 128, Show::kIp6};
inline constexpr Field kSuppress{"icmpv6.suppress", Kind::kIcmp6, 196, 1};  // version 2 query
inline constexpr Field kRobustness{"icmpv6.robustness", Kind::kIcmp6, 197, 3};
inline constexpr Field kQueryInterval{"icmpv6.query_interval", Kind::kIcmp6, 200, 8};
inline constexpr Field kSourceCount{"icmpv6.source_count", Kind::kIcmp6, 208, 16};
inline constexpr Field kRecordCount{"icmpv6.record_count", Kind::kIcmp6, 48, 16};  // v2 report
inline constexpr int kUnreachable = 1, kPacketTooBig = 2, kTimeExceeded = 3, kParameterProblem = 4,
                     kEcho = 128, kEchoReply = 129, kMldQuery = 130, kMldReport = 131,
                     kMldDone = 132, kRouterSolicitation = 133, kRouterAdvertisement = 134,
                     kNeighborSolicitation = 135, kNeighborAdvertisement = 136, kRedirect = 137,
                     kMldReportV2 = 143;
inline constexpr int kNoRoute = 0, kProhibited = 1, kBeyondScope = 2, kAddress = 3, kPort = 4;
}  // namespace icmp6

}  // namespace moat::conform

#endif  // MOAT_CONFORM_WIRE_FIELDS_H_
