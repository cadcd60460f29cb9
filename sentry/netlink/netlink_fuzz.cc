// Everything that reads netlink bytes: the server (the container's requests) and the decoders of
// the kernel's messages. The first byte chooses.
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sentry/netlink/fake_view.h"
#include "sentry/netlink/message.h"
#include "sentry/netlink/netlink_socket.h"
#include "sentry/netlink/route_decode.h"
#include "sentry/netlink/route_server.h"
#include "test/fuzz/seeds.h"

namespace moat::sentry {
namespace {

void Require(bool condition) {
  if (!condition) __builtin_trap();
}

const FakeView& View() {
  static const FakeView* const view = [] {
    auto* made = new FakeView();
    made->AddLoopback();
    made->AddEthernet(2, "eth0");
    made->AddAddress(2, "172.17.0.2/16");
    made->AddAddress(2, "2001:db8::2/64");
    made->AddRoute(2, "0.0.0.0/0", "172.17.0.1");
    made->AddRoute(2, "::/0", "2001:db8::1");
    return made;
  }();
  return *view;
}

void FuzzServer(uint8_t choice, std::span<const uint8_t> bytes) {
  const RouteRequest request{.bytes = bytes,
                             .port = 1,
                             .flags = {.strict_check = (choice & 1) != 0,
                                       .cap_ack = (choice & 2) != 0},
                             .net_admin = (choice & 4) != 0};
  for (const auto& datagram : AnswerRouteRequest(request, View())) {
    Require(datagram.size() <= kMaxNetlinkDatagram);
    NetlinkReader reader(datagram);
    NetlinkMessage message;
    while (reader.Next(&message)) {
    }
    Require(!reader.malformed());
  }
}

void FuzzDecoders(std::span<const uint8_t> bytes) {
  NetlinkReader reader(bytes);
  NetlinkMessage message;
  std::string note;
  while (reader.Next(&message)) {
    (void)DecodeLink(message);
    (void)DecodeAddress(message);
    (void)DecodeRoute(message, &note);
    (void)DecodeNeighbor(message);
  }
}

void FuzzSocket(uint8_t choice, std::span<const uint8_t> bytes) {
  NetlinkPorts ports;
  NetlinkSocketState socket(3, 0, ports);
  (void)socket.Bind(bytes, choice);
  (void)socket.Connect(bytes, choice);
  (void)socket.PrepareSend(bytes, choice);
  (void)socket.SetOption((choice & 1) != 0 ? 270 : 1, choice >> 1,
                         static_cast<int32_t>(bytes.size()), bytes);
  const auto got = socket.GetOption((choice & 1) != 0 ? 270 : 1, choice >> 1, 64);
  if (got.ok()) Require(got->size() <= 64);
}

}  // namespace
}  // namespace moat::sentry

std::vector<std::vector<uint8_t>> FuzzSeeds() {
  using namespace moat::sentry;  // NOLINT: the hook's name is fixed
  std::vector<std::vector<uint8_t>> seeds;
  for (uint16_t type : {RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE, RTM_GETNEIGH, RTM_GETRULE}) {
    for (uint16_t flags : {NLM_F_REQUEST, NLM_F_REQUEST | NLM_F_DUMP}) {
      NetlinkWriter writer;
      writer.Begin(type, flags, 1, 0);
      rtmsg header{};
      header.rtm_family = AF_INET;
      writer.Fixed(header);
      writer.Fixed(uint32_t{0});
      writer.Value(RTA_DST, uint32_t{0x01020304});
      writer.Text(3, "eth0");
      writer.End();
      for (uint8_t choice = 0; choice < 8; ++choice) {
        seeds.push_back(FuzzSeed(0, choice, writer.bytes()));
      }
      const RouteRequest request{.bytes = writer.bytes(), .port = 1};
      for (const auto& datagram : AnswerRouteRequest(request, View())) {
        seeds.push_back(FuzzSeed(2, 0, datagram));
      }
    }
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace moat::sentry;  // NOLINT: the entry point's name is fixed
  if (size < 2) return 0;
  const std::span<const uint8_t> bytes(data + 2, size - 2);
  switch (data[0] % 4) {
    case 0:
    case 1: FuzzServer(data[1], bytes); break;
    case 2: FuzzDecoders(bytes); break;
    default: FuzzSocket(data[1], bytes); break;
  }
  return 0;
}
