// A simulation as a value: nodes, links, what happens to the links, and traffic. parser.h makes one
// from text; Simulate() (simulation.h) runs it. README.md has the grammar and what each word means.
#ifndef MOAT_NETSTACK_SIM_SCENARIO_H_
#define MOAT_NETSTACK_SIM_SCENARIO_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "netstack/base/time.h"
#include "netstack/wire/address.h"

namespace moat::netstack::sim {

// Limits of a scenario. They bound memory, not what is sensible.
inline constexpr size_t kMaxNodes = 1000;
inline constexpr size_t kMaxLinks = 4000;
inline constexpr size_t kMaxFlows = 10'000;
inline constexpr size_t kMaxEvents = 10'000;
inline constexpr size_t kMaxSettings = 10'000;
inline constexpr size_t kMaxNodesPerSegment = 250;

enum class NodeKind : uint8_t {
  kHost,    // a stack
  kRouter,  // a stack that forwards
  kSwitch,  // learns where stations are; no address of its own
};

struct NodeSpec {
  std::string name;
  NodeKind kind = NodeKind::kHost;
  bool offload = false;  // the stack sends super-segments, which the interface cuts
  int line = 0;
};

inline constexpr uint64_t kDefaultQueuePackets = 1000;

// One direction of a link. Order of effects: queue, rate, then loss, corruption, duplication,
// delay.
struct LinkDirection {
  uint64_t rate = 0;  // bits per second of whole Ethernet frames; 0: no limit, no queue
  Duration delay{0};               // propagation
  Duration jitter{0};              // uniform in [0, jitter), added to the delay. Order is kept
  uint32_t loss = 0;               // parts per million, here and below
  uint32_t reorder = 0;            // share of frames that are held back by reorder_by
  Duration reorder_by = std::chrono::milliseconds(5);
  uint32_t duplicate = 0;
  uint32_t corrupt = 0;            // one bit behind the Ethernet header is turned
  // Limits of the frames that wait for the link; drop-tail. 0: none, but for kDefaultQueuePackets
  // when neither is given.
  uint64_t queue_bytes = 0;
  uint64_t queue_packets = 0;
  // An ECN-capable packet that finds more than this waiting is marked CE. 0: none is.
  uint64_t ecn_bytes = 0;
};

struct LinkSpec {
  std::string name;
  size_t a = 0, b = 0;  // indices of nodes
  uint32_t mtu = 1500;  // IP packet; larger frames are dropped, interfaces at its ends have it
  LinkDirection forth;  // a to b
  LinkDirection back;
  int line = 0;
};

struct SettingSpec {
  size_t node = 0;
  std::string name;  // a sysctl's, below net.
  std::string value;
  int line = 0;
};

enum class FlowKind : uint8_t { kBulk, kRequests, kUdp, kPing };

struct FlowSpec {
  std::string name;
  FlowKind kind = FlowKind::kBulk;
  size_t from = 0, to = 0;
  Family family = Family::kIpv4;
  Duration start{0};
  // TCP.
  std::string congestion;      // empty: the stack's default
  uint64_t bytes = 1'000'000;  // bulk
  uint64_t mss = 0;
  uint64_t send_buffer = 0, receive_buffer = 0;  // 0: the stack's default, autotuned
  // Requests and pings.
  uint64_t count = 10;
  Duration interval{0};             // ping: between sends; requests: from answer to next request
  uint64_t request = 100, response = 1000;
  // UDP.
  uint64_t rate = 1'000'000;        // of payload
  uint64_t size = 1000;             // payload of a datagram, or of an echo request
  Duration duration = std::chrono::seconds(10);
  int line = 0;
};

struct LinkEvent {
  enum class Kind : uint8_t { kDown, kUp, kChange };
  Duration at{0};
  size_t link = 0;
  Kind kind = Kind::kDown;
  // kChange: what each direction is from then on, computed from what it was before.
  LinkDirection forth, back;
  int line = 0;
};

struct Scenario {
  std::string file;  // for messages
  uint64_t seed = 1;
  // Of virtual time; it ends earlier when all flows are done.
  Duration limit = std::chrono::hours(1);
  std::vector<NodeSpec> nodes;
  std::vector<LinkSpec> links;
  std::vector<SettingSpec> settings;
  std::vector<FlowSpec> flows;
  std::vector<LinkEvent> events;
};

}  // namespace moat::netstack::sim

#endif  // MOAT_NETSTACK_SIM_SCENARIO_H_
