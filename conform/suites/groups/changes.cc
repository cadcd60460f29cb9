// State changes, told without being asked: RFC 3376 5.1, RFC 3810 6.1.
#include "conform/suites/groups/group_bench.h"

namespace moat::conform {
namespace {

// The change of group 1's filter is told as this record.
void IsTold(GroupBench& g, const SourceFilter& from, const SourceFilter& to, int type,
            const std::vector<int>& sources) {
  Socket socket = g.Member(from);
  socket.SetFilter(g.group(), to);
  g.b.Expect(g.Tells(type, sources));
}

GROUP_CASE(14, MUST, "5.1", "6.1",
           "Who joins a group for all sources tells that it excludes none.") {
  Socket socket = g.Open();
  socket.Join(g.group());
  g.b.Expect(g.Tells(kToExclude, {}));
}
GROUP_CASE(15, MUST, "5.1", "6.1", "A change is told at once.") {
  Socket socket = g.Open();
  socket.Join(g.group());
  g.b.Expect(g.About(), 100ms);
}
GROUP_CASE(16, MUST, "5.1", "6.1", "Who leaves a group tells that it includes no source.") {
  Socket socket = g.Member(g.All());
  socket.Leave(g.group());
  g.b.Expect(g.Tells(kToInclude, {}));
}
GROUP_CASE(17, MUST, "5.1; 8.1", "6.1; 9.1",
           "A change is told once more, to be robust against a loss (robustness 2).") {
  Socket socket = g.Open();
  socket.Join(g.group());
  g.b.Expect(g.Tells(kToExclude, {}));
  g.b.Expect(g.Tells(kToExclude, {}), 1300ms);
}
GROUP_CASE(18, MUST, "5.1; 8.11", "6.1; 9.11",
           "The repetition comes within the unsolicited report interval of one second.") {
  Socket socket = g.Member(g.All());
  socket.Leave(g.group());
  const Packet first = g.b.Expect(g.Tells(kToInclude, {}));
  const Packet second = g.b.Expect(g.Tells(kToInclude, {}), 2s);
  g.b.CheckBetween(std::chrono::duration<double>(second.time() - first.time()).count(), 0, 1.15,
                   "seconds between the two");
}
GROUP_CASE(19, MUST, "5.1; 8.1", "6.1; 9.1",
           "A change is told as often as the robustness says: twice.") {
  Socket socket = g.Open();
  socket.Join(g.group());
  g.b.CheckEqual(static_cast<int64_t>(g.b.Collect(g.About(), 4s).size()), 2, "reports");
}
GROUP_CASE(20, MUST, "5.1", "6.1", "Who joins for some sources allows them.") {
  Socket socket = g.Open();
  socket.SetFilter(g.group(), g.Only({1}));
  g.b.Expect(g.Tells(kAllow, {1}));
}
GROUP_CASE(21, MUST, "5.1", "6.1", "Who leaves a group of which it included sources blocks them.") {
  Socket socket = g.Member(g.Only({1}));
  socket.Leave(g.group());
  g.b.Expect(g.Tells(kBlock, {1}));
}
GROUP_CASE(22, MUST, "5.1", "6.1",
           "An included source that comes is allowed, without those of before.") {
  IsTold(g, g.Only({1, 2}), g.Only({1, 2, 3}), kAllow, {3});
}
GROUP_CASE(23, MUST, "5.1", "6.1", "An included source that goes is blocked.") {
  IsTold(g, g.Only({1, 2}), g.Only({1}), kBlock, {2});
}
GROUP_CASE(24, MUST, "5.1", "6.1",
           "Included sources that are exchanged are told as allowed and blocked.") {
  Socket socket = g.Member(g.Only({1, 2}));
  socket.SetFilter(g.group(), g.Only({2, 3}));
  const auto records = RecordsAbout(g.b.Collect(g.About(), 2s), g.group());
  bool allowed = false, blocked = false, other = false;
  for (const GroupRecord& record : records) {
    if (record.type == kAllow) allowed |= record.sources == g.Sources({3});
    if (record.type == kBlock) blocked |= record.sources == g.Sources({1});
    other |= record.type != kAllow && record.type != kBlock;
  }
  g.b.Check(allowed, "source 3 was not allowed");
  g.b.Check(blocked, "source 1 was not blocked");
  g.b.Check(!other, "the mode did not change, but a record says so");
}
GROUP_CASE(25, MUST, "5.1", "6.1", "An excluded source that comes is blocked.") {
  IsTold(g, g.AllBut({1}), g.AllBut({1, 2}), kBlock, {2});
}
GROUP_CASE(26, MUST, "5.1", "6.1", "An excluded source that goes is allowed.") {
  IsTold(g, g.AllBut({1, 2}), g.AllBut({1}), kAllow, {2});
}
GROUP_CASE(27, MUST, "5.1", "6.1",
           "The first excluded source of a group joined for all is blocked.") {
  IsTold(g, g.All(), g.AllBut({1}), kBlock, {1});
}
GROUP_CASE(28, MUST, "5.1", "6.1", "The last excluded source that goes is allowed.") {
  IsTold(g, g.AllBut({1}), g.All(), kAllow, {1});
}
GROUP_CASE(29, MUST, "5.1", "6.1",
           "From including to excluding: the mode is told, with what is excluded.") {
  IsTold(g, g.Only({1}), g.AllBut({2, 3}), kToExclude, {2, 3});
}
GROUP_CASE(30, MUST, "5.1", "6.1",
           "From excluding to including: the mode is told, with what is included.") {
  IsTold(g, g.AllBut({2, 3}), g.Only({1}), kToInclude, {1});
}
GROUP_CASE(31, MUST, "5.1", "6.1", "From including some to including all: the mode is told.") {
  IsTold(g, g.Only({1}), g.All(), kToExclude, {});
}
GROUP_CASE(32, MUST, "5.1", "6.1", "From all sources to some: the mode is told, with them.") {
  IsTold(g, g.All(), g.Only({1, 2}), kToInclude, {1, 2});
}
GROUP_CASE(33, MUST, "5.1", "6.1",
           "A filter that is set again as it is changes nothing, and is not told.") {
  Socket socket = g.Member(g.Only({1, 2}));
  socket.SetFilter(g.group(), g.Only({2, 1}));
  g.b.ExpectNothing(g.About(), 1500ms);
  socket.SetFilter(g.group(), g.Only({1}));
  g.b.Expect(g.Tells(kBlock, {2}));
}
GROUP_CASE(34, MUST, "5.1", "6.1", "Changes of the sources are repeated as well.") {
  Socket socket = g.Member(g.Only({1}));
  socket.SetFilter(g.group(), g.Only({1, 2}));
  g.b.Expect(g.Tells(kAllow, {2}));
  g.b.Expect(g.Tells(kAllow, {2}), 1300ms);
}
GROUP_CASE(35, MUST, "5.1", "6.1", "Changes of the mode are repeated with the sources.") {
  Socket socket = g.Member(g.All());
  socket.SetFilter(g.group(), g.Only({1, 2}));
  g.b.Expect(g.Tells(kToInclude, {1, 2}));
  g.b.Expect(g.Tells(kToInclude, {1, 2}), 1300ms);
}
GROUP_CASE(
    36, MUST, "5.1", "6.1",
    "A second change is told at once, joined with the first one that is still being repeated.") {
  Socket socket = g.Member(g.Only({1}));
  socket.SetFilter(g.group(), g.Only({1, 2}));
  g.b.Expect(g.Tells(kAllow, {2}), 300ms);
  socket.SetFilter(g.group(), g.Only({1, 2, 3}));
  // The repetition of the first change may have been in time.
  g.b.Expect(g.Tells(kAllow, {2, 3}) || g.Tells(kAllow, {3}), 300ms);
  const auto records = RecordsAbout(g.b.Collect(g.About(), 2s), g.group());
  bool again = false;
  for (const GroupRecord& record : records)
    again |= record.type == kAllow && record.sources == g.Sources({3});
  g.b.Check(again || !records.empty(), "the second change was not repeated");
}
GROUP_CASE(
    37, MUST, "5.1", "6.1",
    "A source that goes while its coming is still being told is told as blocked, not as allowed.") {
  Socket socket = g.Member(g.Only({1}));
  socket.SetFilter(g.group(), g.Only({1, 2}));
  socket.SetFilter(g.group(), g.Only({1}));
  g.b.Expect(g.Tells(kBlock, {2}));
  g.b.ExpectNothing(g.Tells(kAllow, {2}), 2s);
}
GROUP_CASE(
    38, MUST, "5.1", "6.1",
    "While a change of the mode is being told, a change of sources goes into the records of the "
    "mode.") {
  Socket socket = g.Member(g.Only({1}));
  socket.SetFilter(g.group(), g.AllBut({2}));
  g.b.Expect(g.Tells(kToExclude, {2}), 300ms);
  socket.SetFilter(g.group(), g.AllBut({2, 3}));
  const Packet next = g.b.Expect(g.About(), 300ms);
  if (g.Tells(kToExclude, {2})(next)) return;  // the repetition came first: nothing to judge
  g.b.CheckPacket(next, g.Tells(kToExclude, {2, 3}));
}
GROUP_CASE(39, MUST, "5.1", "6.1",
           "Who leaves at once after joining ends with the record that leaves.") {
  Socket socket = g.Open();
  socket.Join(g.group());
  socket.Leave(g.group());
  const auto records = RecordsAbout(g.b.Collect(g.About(), 3s), g.group());
  g.b.Check(!records.empty() && records.back().type == kToInclude,
            "the last record does not leave");
}
GROUP_CASE(40, MUST, "5.1", "6.1",
           "Who joins again at once after leaving ends with the record that joins.") {
  Socket socket = g.Member(g.All());
  socket.Leave(g.group());
  socket.Join(g.group());
  const auto records = RecordsAbout(g.b.Collect(g.About(), 3s), g.group());
  g.b.Check(!records.empty() && records.back().type == kToExclude, "the last record does not join");
}
GROUP_CASE(41, MUST, "5.1", "6.1", "A change of one group says nothing of another.") {
  Socket socket = g.Member(g.All(), 1);
  socket.Join(g.group(2));
  g.b.Expect(g.Tells(kToExclude, {}, 2));
  g.b.ExpectNothing(g.About(1), 2s);
}
GROUP_CASE(42, MUST, "2; 3", "3; 4",
           "A program that ends, or closes its socket, leaves its groups.") {
  Socket socket = g.Member(g.All());
  socket.Close();
  g.b.Expect(g.Tells(kToInclude, {}));
}
GROUP_CASE(43, MUST, "2; 3", "3; 4", "A closed socket's included sources are blocked.") {
  Socket socket = g.Member(g.Only({1, 2}));
  socket.Close();
  g.b.Expect(g.Tells(kBlock, {1, 2}));
}
GROUP_CASE(44, MUST, "2", "3", "Membership is of an interface: it is told there, and nowhere else.",
           {.needs = kTwoPorts}) {
  Socket socket = g.Open();
  socket.Join(g.group(), 1);
  g.b.Expect(g.About() && OnPort(1));
  g.b.ExpectNothing(g.About() && OnPort(0), 1500ms);
}
GROUP_CASE(45, MUST, "2; 3.2", "3; 4.2",
           "The same group has a filter of its own on every interface.", {.needs = kTwoPorts}) {
  Socket socket = g.Open();
  socket.SetFilter(g.group(), g.Only({1}), 0);
  socket.SetFilter(g.group(), g.Only({2}), 1);
  g.Settle();
  g.b.Send(g.QueryGroup(), 0);
  g.b.Expect(g.Tells(kIsInclude, {1}) && OnPort(0));
  g.b.Send(g.QueryGroup(), 1);
  g.b.Expect(g.Tells(kIsInclude, {2}) && OnPort(1));
}

// --- Several sockets: RFC 3376 3.2, RFC 3810 4.2 -------------------------------------------------

GROUP_CASE(46, MUST, "3.2", "4.2",
           "A second program in a group does not change the interface's state.") {
  [[maybe_unused]] Socket first = g.Member(g.All());
  Socket second = g.Open();
  second.Join(g.group());
  g.b.ExpectNothing(g.About(), 1500ms);
}
GROUP_CASE(47, MUST, "3.2", "4.2", "The group is left with its last program only.") {
  Socket first = g.Member(g.All());
  Socket second = g.Member(g.All());
  first.Leave(g.group());
  g.b.ExpectNothing(g.About(), 1500ms);
  second.Leave(g.group());
  g.b.Expect(g.Tells(kToInclude, {}));
}
GROUP_CASE(48, MUST, "3.2", "4.2", "Sources that programs include are joined.") {
  [[maybe_unused]] Socket first = g.Member(g.Only({1, 2}));
  Socket second = g.Member(g.Only({2}));
  second.SetFilter(g.group(), g.Only({2, 3}));
  g.b.Expect(g.Tells(kAllow, {3}));
  g.b.Send(g.QueryGroup());
  g.b.Expect(g.Tells(kIsInclude, {1, 2, 3}), 2s);
}
GROUP_CASE(49, MUST, "3.2", "4.2", "A source that another program includes still is not blocked.") {
  [[maybe_unused]] Socket first = g.Member(g.Only({1, 2}));
  Socket second = g.Member(g.Only({2, 3}));
  second.Leave(g.group());
  g.b.Expect(g.Tells(kBlock, {3}));
}
GROUP_CASE(50, MUST, "3.2", "4.2",
           "Of what programs exclude, the interface excludes what all of them do.") {
  [[maybe_unused]] Socket first = g.Member(g.AllBut({1, 2}));
  [[maybe_unused]] Socket second = g.Member(g.AllBut({2, 3}));
  g.b.Send(g.QueryGroup());
  g.b.Expect(g.Tells(kIsExclude, {2}));
}
GROUP_CASE(51, MUST, "3.2", "4.2", "One program that wants all sources ends the exclusion.") {
  [[maybe_unused]] Socket first = g.Member(g.AllBut({1, 2}));
  Socket second = g.Open();
  second.Join(g.group());
  g.b.Expect(g.Tells(kAllow, {1, 2}));
}
GROUP_CASE(52, MUST, "3.2", "4.2", "What a program includes is not excluded for another one.") {
  [[maybe_unused]] Socket first = g.Member(g.AllBut({1, 2}));
  [[maybe_unused]] Socket second = g.Member(g.Only({1}));
  g.b.Send(g.QueryGroup());
  g.b.Expect(g.Tells(kIsExclude, {2}));
}
GROUP_CASE(53, MUST, "3.2", "4.2",
           "A program that excludes beside one that includes changes the mode.") {
  [[maybe_unused]] Socket first = g.Member(g.Only({1}));
  Socket second = g.Open();
  second.Join(g.group());
  g.b.Expect(g.Tells(kToExclude, {}));
}
GROUP_CASE(54, MUST, "3.2", "4.2",
           "When the only program that excludes leaves, the mode is including again.") {
  [[maybe_unused]] Socket first = g.Member(g.Only({1}));
  Socket second = g.Member(g.All());
  second.Leave(g.group());
  g.b.Expect(g.Tells(kToInclude, {1}));
}
GROUP_CASE(55, MUST, "3.2", "4.2",
           "The excluded sources of the one that stays are excluded again.") {
  [[maybe_unused]] Socket first = g.Member(g.AllBut({1}));
  Socket second = g.Member(g.All());
  second.Leave(g.group());
  g.b.Expect(g.Tells(kBlock, {1}));
}

}  // namespace
}  // namespace moat::conform
