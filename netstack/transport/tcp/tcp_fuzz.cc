// Segments and user calls against connections in every state (tcp_fuzz_commands.h), and what a
// bounded run of them must reach.

#include <cstdint>
#include <string>
#include <vector>

#include "netstack/transport/tcp/tcp_fuzz_commands.h"
#include "test/fuzz/goals.h"
#include "test/fuzz/seeds.h"

namespace moat::netstack::tcp {
namespace {

using Input = std::vector<uint8_t>;

struct Goal {
  const char* name;  // of a counter when there is no `reached`
  bool (*reached)(const Fuzz&) = nullptr;

  bool Reached(const Fuzz& fuzz) const {
    return reached == nullptr ? fuzz.Counter(name) != 0 : reached(fuzz);
  }
};
constexpr Goal kGoals[] = {
    {"dialled: text sent", [](const Fuzz& fuzz) { return fuzz.dialled().sent; }},
    {"dialled: text sent twice", [](const Fuzz& fuzz) { return fuzz.dialled().repeated; }},
    {"dialled: text read", [](const Fuzz& fuzz) { return fuzz.dialled().read; }},
    {"dialled: windows compared", [](const Fuzz& fuzz) { return fuzz.dialled().edges; }},
    {"accepted: text sent", [](const Fuzz& fuzz) { return fuzz.accepted().sent; }},
    {"accepted: text sent twice", [](const Fuzz& fuzz) { return fuzz.accepted().repeated; }},
    {"accepted: text read", [](const Fuzz& fuzz) { return fuzz.accepted().read; }},
    {"accepted: windows compared", [](const Fuzz& fuzz) { return fuzz.accepted().edges; }},
    {"user timeout option sent", [](const Fuzz& fuzz) { return fuzz.timeout_told(); }},
    {"user timeout option taken", [](const Fuzz& fuzz) { return fuzz.timeout_heard(); }},
    {"SYN-SENT", [](const Fuzz& fuzz) { return fuzz.states().contains("SYN-SENT"); }},
    {"SYN-RECEIVED", [](const Fuzz& fuzz) { return fuzz.states().contains("SYN-RECV"); }},
    {"FIN-WAIT-1", [](const Fuzz& fuzz) { return fuzz.states().contains("FIN-WAIT-1"); }},
    {"FIN-WAIT-2", [](const Fuzz& fuzz) { return fuzz.states().contains("FIN-WAIT-2"); }},
    {"CLOSE-WAIT", [](const Fuzz& fuzz) { return fuzz.states().contains("CLOSE-WAIT"); }},
    {"CLOSING", [](const Fuzz& fuzz) { return fuzz.states().contains("CLOSING"); }},
    {"LAST-ACK", [](const Fuzz& fuzz) { return fuzz.states().contains("LAST-ACK"); }},
    {"TIME-WAIT", [](const Fuzz& fuzz) { return fuzz.states().contains("TIME-WAIT"); }},
    {"TcpExt.TCPSackRecovery"},
    {"TcpExt.TCPRenoRecovery"},
    {"TcpExt.TCPFastRetrans"},
    {"TcpExt.TCPTimeouts"},
    {"TcpExt.TCPLossProbes"},
    {"TcpExt.TCPWinProbe"},
    {"TcpExt.TCPDSACKRecv"},
    {"TcpExt.TCPOFOQueue"},
    {"TcpExt.TCPDSACKOfoSent"},
    {"TcpExt.TCPChallengeACK"},
    {"TcpExt.SyncookiesRecv"},
    {"Tcp.EstabResets"},
    {"TcpExt.TCPKeepAlive"},
    {"TcpExt.TCPFastOpenActive"},
    {"TcpExt.TCPFastOpenPassive"},
    {"TcpExt.TCPMTUPSuccess"},
    {"TcpExt.TCPMTUPFail"},
};
FuzzGoals& Tally() {
  static FuzzGoals goals(
      [] {
        std::vector<std::string> names;
        for (const Goal& goal : kGoals) names.push_back(goal.name);
        return names;
      }(),
      /*least=*/5);
  return goals;
}

// Commands.
Input Segment(uint8_t flags, uint8_t place, uint8_t size, uint8_t rest = 0x09) {
  return {0, flags, place, size, rest};
}
Input Wait(uint8_t milliseconds, uint8_t times) { return {5, milliseconds, times, 0, 0}; }
Input Write(uint8_t size) { return {6, size, 0, 0, 0}; }
Input Shut(uint8_t how) { return {8, how, 0, 0, 0}; }
// Acknowledges `units` of 100 octets, reports `blocks` of them behind a hole.
Input Ack(uint8_t units, uint8_t blocks, uint8_t window = 255) {
  return {12, units, 10, blocks, window};
}
Input operator+(Input a, const Input& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

constexpr uint8_t kSynFlag = tcp_flag::kSyn, kAckFlag = tcp_flag::kAck;
constexpr uint8_t kSackMode = 2, kListenMode = 32, kCookieMode = 8;

// The peer's MSS is 200.
const Input kDial = Segment(kSynFlag | kAckFlag, 0, 5);
const Input kAccept =
    Segment(kSynFlag, 0, 5) + Segment(kAckFlag, 0, 0) + Input{9, 0, 0, 0, 0};

// With Accurate ECN (RFC 9768 3.1.1): which flags are set is chosen by the last octet.
constexpr uint8_t kAccEcnMode = 192, kProbeMode = 128;
const Input kDialAccEcn = Segment(kSynFlag | kAckFlag, 0, 5, 5);  // CWR
const Input kAcceptAccEcn =
    Segment(kSynFlag, 0, 5, 115) + Segment(kAckFlag, 0, 0) + Input{9, 0, 0, 0, 0};  // AE, CWR, ECE
// Text with the SYN.
const Input kFastOpen = {10, 32, 0, 0, 0};
const Input kDialEarly =
    kFastOpen + Input{11, 3, 0, 0, 0} + Write(3) + Segment(kSynFlag | kAckFlag, 0, 5);
const Input kAcceptEarly =
    kFastOpen + Segment(kSynFlag, 0, 5) + Input{9, 0, 0, 0, 0} + Segment(kAckFlag, 0, 0);

// A conversation once both sides are up; then all sorts of ends.
std::vector<Input> Talks() {
  const Input loss = Write(60) + Ack(0, 0x80) + Ack(0, 0x90) + Ack(0, 0xa0) + Ack(4, 0);
  const Input duplicates = Write(60) + Ack(0, 0) + Ack(0, 0) + Ack(0, 0) + Ack(0, 0) + Ack(0, 0);
  const Input text = Segment(kAckFlag, 0, 30) + Segment(kAckFlag, 0, 30) + Input{7, 255, 0, 0, 0};
  const Input fin = Segment(kAckFlag | tcp_flag::kFin, 0, 0);
  return {
      loss + Wait(255, 20) + Ack(15, 0),
      duplicates + Wait(255, 20),
      Write(20) + Wait(255, 1) + Wait(255, 8) + Ack(8, 0) + Ack(32 + 2, 0x08),
      Ack(0, 0, 0) + Write(10) + Wait(255, 30),
      Input{0, kAckFlag, 1, 2, 9} + Write(10) + Input{10, 0, 8, 0, 60} + Write(10) + Wait(255, 30),
      text + Segment(kAckFlag, 120, 20) + Segment(kAckFlag, 120, 20) + text,
      Segment(kSynFlag | kAckFlag, 1, 1) + Segment(tcp_flag::kRst, 0, 0),
      Write(5) + fin + Shut(1) + Ack(15, 0),
      Shut(1) + fin + Wait(255, 2),
      Shut(1) + Segment(kAckFlag, 0, 0, 0x0c) + Ack(15, 0) + fin,
      Input{10, 0, 0x11, 0, 0} + Wait(255, 255) + Wait(255, 255),
      Write(5) + Ack(3, 0) + Shut(1) + Segment(kAckFlag, 0, 9) + Input{11, 3, 0, 0, 0},
  };
}

// A peer with a large MSS that takes all that it is sent; `late`: nothing of the fifth round.
Input Bulk(bool late) {
  Input bulk = Segment(kSynFlag | kAckFlag, 0, 70);
  for (int round = 0; round < 12; ++round) {
    const uint8_t units = late && round == 5 ? 0 : 15;
    bulk = bulk + Write(255) + Input{12, units, 255, 0, 255} + Wait(10, 1);
  }
  return bulk + Wait(255, 60);
}

}  // namespace
}  // namespace moat::netstack::tcp

std::vector<std::vector<uint8_t>> FuzzSeeds() {
  using namespace moat::netstack::tcp;  // NOLINT: this is their test
  std::vector<std::vector<uint8_t>> seeds;
  for (const Input& talk : Talks()) {
    seeds.push_back(Input{0} + kDial + talk);
    seeds.push_back(Input{kSackMode} + kDial + talk);
    seeds.push_back(Input{kListenMode | kSackMode | 1} + kAccept + talk);
    seeds.push_back(Input{kListenMode | kCookieMode} + kAccept + talk);
    seeds.push_back(Input{kAccEcnMode | kSackMode} + kDialAccEcn + talk);
    seeds.push_back(Input{kListenMode | kAccEcnMode | kSackMode} + kAcceptAccEcn + talk);
    seeds.push_back(Input{kListenMode | kSackMode} + kAcceptEarly + talk);
    seeds.push_back(Input{kSackMode} + kDialEarly + talk);
  }
  // The peer opens while the first SYN waits for text.
  seeds.push_back(Input{0} + kFastOpen + Input{11, 3, 0, 0, 0} + Segment(kSynFlag, 0, 5) +
                  Wait(255, 20));
  for (const bool late : {false, true}) {
    for (const uint8_t more : {0, 1, 4, 5, 16, 17}) {  // other options, another algorithm
      seeds.push_back(Input{static_cast<uint8_t>(kProbeMode | kSackMode | more)} + Bulk(late));
    }
  }
  return seeds;
}

std::vector<std::string> FuzzUnreached() {
  using namespace moat::netstack::tcp;  // NOLINT: this is their test
  return Tally().Unreached();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace moat::netstack::tcp;  // NOLINT: this is their test
  Fuzz fuzz;
  fuzz.Run({data, size});
  Tally().Count([&](size_t i) { return kGoals[i].Reached(fuzz); });
  return 0;
}
