// The names of counters: in the groups of /proc/net/snmp, snmp6 and netstat only those that Linux
// has (6.18), and whatever else is counted in groups that Linux does not have.
#include <set>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "netstack/stack/stack_test_world.h"

namespace moat::netstack {
namespace {

struct Group {
  const char* name;
  const char* counters;
};

constexpr Group kLinux[] = {
    {"Ip",
     "Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos "
     "InDiscards InDelivers OutRequests OutDiscards OutNoRoutes ReasmTimeout ReasmReqds ReasmOKs "
     "ReasmFails FragOKs FragFails FragCreates OutTransmits"},
    {"IpExt",
     "InNoRoutes InTruncatedPkts InMcastPkts OutMcastPkts InBcastPkts OutBcastPkts InOctets "
     "OutOctets InMcastOctets OutMcastOctets InBcastOctets OutBcastOctets InCsumErrors "
     "InNoECTPkts InECT1Pkts InECT0Pkts InCEPkts ReasmOverlaps"},
    {"Ip6",
     "InReceives InHdrErrors InTooBigErrors InNoRoutes InAddrErrors InUnknownProtos "
     "InTruncatedPkts InDiscards InDelivers OutForwDatagrams OutRequests OutDiscards OutNoRoutes "
     "ReasmTimeout ReasmReqds ReasmOKs ReasmFails FragOKs FragFails FragCreates InMcastPkts "
     "OutMcastPkts InOctets OutOctets InMcastOctets OutMcastOctets InBcastOctets OutBcastOctets "
     "InNoECTPkts InECT1Pkts InECT0Pkts InCEPkts OutTransmits"},
    {"Icmp",
     "InMsgs InErrors InCsumErrors InDestUnreachs InTimeExcds InParmProbs InSrcQuenchs "
     "InRedirects InEchos InEchoReps InTimestamps InTimestampReps InAddrMasks InAddrMaskReps "
     "OutMsgs OutErrors OutRateLimitGlobal OutRateLimitHost OutDestUnreachs OutTimeExcds "
     "OutParmProbs OutSrcQuenchs OutRedirects OutEchos OutEchoReps OutTimestamps "
     "OutTimestampReps OutAddrMasks OutAddrMaskReps"},
    {"Icmp6",
     "InMsgs InErrors OutMsgs OutErrors InCsumErrors OutRateLimitHost InDestUnreachs "
     "InPktTooBigs InTimeExcds InParmProblems InEchos InEchoReplies InGroupMembQueries "
     "InGroupMembResponses InGroupMembReductions InRouterSolicits InRouterAdvertisements "
     "InNeighborSolicits InNeighborAdvertisements InRedirects InMLDv2Reports OutDestUnreachs "
     "OutPktTooBigs OutTimeExcds OutParmProblems OutEchos OutEchoReplies OutGroupMembQueries "
     "OutGroupMembResponses OutGroupMembReductions OutRouterSolicits OutRouterAdvertisements "
     "OutNeighborSolicits OutNeighborAdvertisements OutRedirects OutMLDv2Reports"},
    {"Tcp",
     "RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets "
     "CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors"},
    {"Udp",
     "InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors "
     "IgnoredMulti MemErrors"},
    {"Udp6",
     "InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors "
     "IgnoredMulti MemErrors"},
    {"TcpExt",
     "SyncookiesSent SyncookiesRecv SyncookiesFailed EmbryonicRsts PruneCalled RcvPruned OfoPruned "
     "OutOfWindowIcmps LockDroppedIcmps ArpFilter TW TWRecycled TWKilled PAWSActive PAWSEstab "
     "BeyondWindow TSEcrRejected PAWSOldAck PAWSTimewait DelayedACKs DelayedACKLocked "
     "DelayedACKLost ListenOverflows ListenDrops TCPHPHits TCPPureAcks TCPHPAcks TCPRenoRecovery "
     "TCPSackRecovery TCPSACKReneging TCPSACKReorder TCPRenoReorder TCPTSReorder TCPFullUndo "
     "TCPPartialUndo TCPDSACKUndo TCPLossUndo TCPLostRetransmit TCPRenoFailures TCPSackFailures "
     "TCPLossFailures TCPFastRetrans TCPSlowStartRetrans TCPTimeouts TCPLossProbes "
     "TCPLossProbeRecovery TCPRenoRecoveryFail TCPSackRecoveryFail TCPRcvCollapsed "
     "TCPBacklogCoalesce TCPDSACKOldSent TCPDSACKOfoSent TCPDSACKRecv TCPDSACKOfoRecv "
     "TCPAbortOnData TCPAbortOnClose TCPAbortOnMemory TCPAbortOnTimeout TCPAbortOnLinger "
     "TCPAbortFailed TCPMemoryPressures TCPMemoryPressuresChrono TCPSACKDiscard "
     "TCPDSACKIgnoredOld TCPDSACKIgnoredNoUndo TCPSpuriousRTOs TCPMD5NotFound TCPMD5Unexpected "
     "TCPMD5Failure TCPSackShifted TCPSackMerged TCPSackShiftFallback TCPBacklogDrop "
     "PFMemallocDrop TCPMinTTLDrop TCPDeferAcceptDrop IPReversePathFilter TCPTimeWaitOverflow "
     "TCPReqQFullDoCookies TCPReqQFullDrop TCPRetransFail TCPRcvCoalesce TCPOFOQueue TCPOFODrop "
     "TCPOFOMerge TCPChallengeACK TCPSYNChallenge TCPFastOpenActive TCPFastOpenActiveFail "
     "TCPFastOpenPassive TCPFastOpenPassiveFail TCPFastOpenListenOverflow TCPFastOpenCookieReqd "
     "TCPFastOpenBlackhole TCPSpuriousRtxHostQueues BusyPollRxPackets TCPAutoCorking "
     "TCPFromZeroWindowAdv TCPToZeroWindowAdv TCPWantZeroWindowAdv TCPSynRetrans "
     "TCPOrigDataSent TCPHystartTrainDetect TCPHystartTrainCwnd TCPHystartDelayDetect "
     "TCPHystartDelayCwnd TCPACKSkippedSynRecv TCPACKSkippedPAWS TCPACKSkippedSeq "
     "TCPACKSkippedFinWait2 TCPACKSkippedTimeWait TCPACKSkippedChallenge TCPWinProbe TCPKeepAlive "
     "TCPMTUPFail TCPMTUPSuccess TCPDelivered TCPDeliveredCE TCPAckCompressed TCPZeroWindowDrop "
     "TCPRcvQDrop TCPWqueueTooBig TCPFastOpenPassiveAltKey TcpTimeoutRehash "
     "TcpDuplicateDataRehash TCPDSACKRecvSegs TCPDSACKIgnoredDubious TCPMigrateReqSuccess "
     "TCPMigrateReqFailure TCPPLBRehash TCPAORequired TCPAOBad TCPAOKeyNotFound TCPAOGood "
     "TCPAODroppedIcmps"},
};

// Groups of ours, with what each is.
constexpr std::string_view kOwn[] = {
    "Drop",     // why packets were dropped (ip/drops.h, neighbor/)
    "Memory",   // refused by the budget, or a table at its limit
    "Arp",      "Neigh4", "Neigh6", "Ndp", "Igmp", "Mld",
    "Packet",   "Ping",   "Raw",  // sockets
    "TcpMoat",  // what Linux's TCP does not count
};

std::set<std::string> LinuxNames() {
  std::set<std::string> names;
  for (const Group& group : kLinux) {
    for (absl::string_view name : absl::StrSplit(group.counters, ' ')) {
      names.insert(absl::StrCat(group.name, ".", name));
    }
  }
  return names;
}

bool IsLinuxGroup(std::string_view group) {
  for (const Group& known : kLinux) {
    if (group == known.name) return true;
  }
  return false;
}

bool IsOwnGroup(std::string_view group) {
  for (std::string_view own : kOwn) {
    if (group == own) return true;
  }
  return false;
}

TEST(CounterNames, OfLinuxsGroupsAreLinuxs) {
  StackWorld world;
  const std::set<std::string> linux_names = LinuxNames();
  size_t checked = 0;
  for (const auto& [name, value] : world.stack.Counters()) {
    const std::string group = name.substr(0, name.find('.'));
    if (IsLinuxGroup(group)) {
      EXPECT_TRUE(linux_names.contains(name)) << name << " is not a counter of Linux";
      ++checked;
    } else {
      EXPECT_TRUE(IsOwnGroup(group)) << name << " is in no known group";
    }
  }
  EXPECT_GT(checked, 150u);
}

}  // namespace
}  // namespace moat::netstack
