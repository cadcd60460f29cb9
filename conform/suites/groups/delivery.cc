// Whom the filters let through: RFC 3376 3, RFC 3810 4.
#include "conform/suites/groups/group_bench.h"

namespace moat::conform {
namespace {

constexpr CaseOptions kDelivery{.needs = kUdp};

// A member of group 1 with this filter, bound to the port of Datagram().
Socket Receiver(GroupBench& g, const SourceFilter& filter, int port = 5000) {
  Socket socket = g.Open();
  socket.Set(Option::kReuseAddress, 1);
  socket.Bind(port);
  socket.SetFilter(g.group(), filter);
  return socket;
}
// What arrives is the first of these sources' datagrams, and nothing else.
void Gets(GroupBench& g, Socket& socket, int source) {
  g.b.CheckEqual(socket.Receive().data == Bytes{static_cast<uint8_t>(source)}, true,
                 "source " + std::to_string(source) + "'s datagram came first");
}

GROUP_CASE(95, MUST, "2", "3", "A program gets what is sent to a group that it has joined.",
           kDelivery) {
  Socket socket = Receiver(g, g.All());
  g.b.Send(g.Datagram(1));
  Gets(g, socket, 1);
}
GROUP_CASE(96, MUST, "2; 3.1", "3; 4.1", "A source that is included is heard, another is not.",
           kDelivery) {
  Socket socket = Receiver(g, g.Only({2}));
  g.b.Send(g.Datagram(1));
  g.b.Send(g.Datagram(2));
  Gets(g, socket, 2);
  socket.ExpectNoData();
}
GROUP_CASE(97, MUST, "2; 3.1", "3; 4.1", "A source that is excluded is not heard, others are.",
           kDelivery) {
  Socket socket = Receiver(g, g.AllBut({1}));
  g.b.Send(g.Datagram(1));
  g.b.Send(g.Datagram(2));
  Gets(g, socket, 2);
  socket.ExpectNoData();
}
GROUP_CASE(
    98, MUST, "3.2", "4.2",
    "Though the interface takes what one program wants, another does not get what it has not asked "
    "for.",
    kDelivery) {
  Socket first = Receiver(g, g.Only({1}));
  Socket second = Receiver(g, g.Only({2}));
  g.b.Send(g.Datagram(1));
  g.b.Send(g.Datagram(2));
  Gets(g, first, 1);
  Gets(g, second, 2);
  first.ExpectNoData(300ms);
  second.ExpectNoData(300ms);
}
GROUP_CASE(99, MUST, "3.2", "4.2", "What one program excludes, another gets.", kDelivery) {
  Socket first = Receiver(g, g.AllBut({1}));
  Socket second = Receiver(g, g.All());
  g.b.Send(g.Datagram(1));
  Gets(g, second, 1);
  first.ExpectNoData(300ms);
}
GROUP_CASE(100, MUST, "3.2", "4.2", "Every program in the group gets a copy.", kDelivery) {
  Socket first = Receiver(g, g.All());
  Socket second = Receiver(g, g.All());
  g.b.Send(g.Datagram(1));
  Gets(g, first, 1);
  Gets(g, second, 1);
}
GROUP_CASE(101, MUST, "2", "3", "A change of the filter counts from then on.", kDelivery) {
  Socket socket = Receiver(g, g.Only({1}));
  g.b.Send(g.Datagram(1));
  Gets(g, socket, 1);
  socket.SetFilter(g.group(), g.Only({2}));
  g.b.Wait(200ms);
  g.b.Send(g.Datagram(1));
  g.b.Send(g.Datagram(2));
  Gets(g, socket, 2);
}
GROUP_CASE(102, MUST, "2", "3", "A change of the mode counts from then on.", kDelivery) {
  Socket socket = Receiver(g, g.Only({1}));
  socket.SetFilter(g.group(), g.AllBut({1}));
  g.b.Wait(200ms);
  g.b.Send(g.Datagram(1));
  g.b.Send(g.Datagram(2));
  Gets(g, socket, 2);
}
GROUP_CASE(103, MUST, "2", "3", "Who has left a group does not get what is sent to it.",
           kDelivery) {
  Socket socket = Receiver(g, g.All());
  g.b.Send(g.Datagram(1));
  Gets(g, socket, 1);
  socket.Leave(g.group());
  g.b.Wait(200ms);
  g.b.Send(g.Datagram(2));
  socket.ExpectNoData();
}
GROUP_CASE(104, MUST, "2", "3", "What is sent to a group that nobody here has joined is not taken.",
           kDelivery) {
  Socket socket = Receiver(g, g.All());
  g.b.Send(g.Datagram(1, 5000, 7));
  g.b.Send(g.Datagram(2));
  Gets(g, socket, 2);
}
GROUP_CASE(105, MUST, "2", "3", "The filter of a group concerns that group only.", kDelivery) {
  Socket socket = Receiver(g, g.Only({1}));
  socket.SetFilter(g.group(2), g.Only({2}));
  g.b.Wait(200ms);
  g.b.Send(g.Datagram(2, 5000, 1));
  g.b.Send(g.Datagram(1, 5000, 2));
  g.b.Send(g.Datagram(1, 5000, 1));
  g.b.Send(g.Datagram(2, 5000, 2));
  Gets(g, socket, 1);
  Gets(g, socket, 2);
  socket.ExpectNoData(300ms);
}
GROUP_CASE(106, MUST, "RFC 1122 3.2.2", "RFC 4443 2.4 (e.3)",
           "A datagram to a group that no program wants brings no error.", kDelivery) {
  Socket socket = Receiver(g, g.Only({1}));
  g.b.Send(g.Datagram(2));
  g.b.Send(g.Datagram(1, 5999));
  g.b.ExpectNothing(g.v6 ? Is(icmp6::kType, icmp6::kUnreachable)
                         : Is(icmp4::kType, icmp4::kUnreachable));
  g.b.Send(g.Datagram(1));
  Gets(g, socket, 1);
}

}  // namespace
}  // namespace moat::conform
