// What a container sends to its NETLINK_SOCK_DIAG sockets: requests, and the bytecode in them. The
// first byte chooses, the second sets the asker's privileges.
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sentry/netlink/diag_server.h"
#include "sentry/netlink/fake_diag_view.h"
#include "test/fuzz/seeds.h"

namespace moat::sentry {
namespace {

void Require(bool condition) {
  if (!condition) __builtin_trap();
}

FakeDiagView& View() {
  static FakeDiagView* const view = [] {
    auto* made = new FakeDiagView();
    made->AddExamples();
    return made;
  }();
  return *view;
}

void CheckDatagram(const std::vector<uint8_t>& datagram) {
  Require(datagram.size() <= kMaxNetlinkDatagram);
  NetlinkReader reader(datagram);
  NetlinkMessage message;
  while (reader.Next(&message)) {
  }
  Require(!reader.malformed());
}

void FuzzServer(uint8_t choice, std::span<const uint8_t> bytes) {
  const DiagRequest request{.bytes = bytes,
                            .port = 1,
                            .flags = {.strict_check = false, .cap_ack = (choice & 1) != 0},
                            .net_admin = (choice & 2) != 0,
                            .busy = (choice & 4) != 0};
  View().destroyed.clear();
  const DiagAnswer answer = AnswerDiagRequest(request, View());
  for (const auto& datagram : answer.datagrams) CheckDatagram(datagram);
  Require(answer.dump == nullptr || !request.busy);
  Require(View().destroyed.empty() || request.net_admin);
  if (answer.dump == nullptr) return;
  constexpr int kMostDatagrams = 8;  // of so few sockets
  int count = 0;
  for (;;) {
    const std::vector<uint8_t> datagram = answer.dump->Next(View());
    if (datagram.empty()) break;
    CheckDatagram(datagram);
    Require(++count <= kMostDatagrams);
  }
}

// Whatever is found good runs to its end.
void FuzzFilter(uint8_t choice, std::span<const uint8_t> bytes) {
  const auto filter = DiagFilter::Check(bytes, (choice & 1) != 0);
  if (!filter.ok()) return;
  for (const DiagSocket& socket : View().sockets) {
    const inet_diag_sockid id = SockIdOf(socket);
    (void)filter->Accepts(SubjectOf(socket, id));
  }
}

std::vector<uint8_t> Seed(uint8_t target, uint8_t choice, std::span<const uint8_t> bytes) {
  std::vector<uint8_t> seed(2 + bytes.size());
  seed[0] = target;
  seed[1] = choice;
  std::copy(bytes.begin(), bytes.end(), seed.begin() + 2);
  return seed;
}

const std::vector<std::vector<uint8_t>>& Programs() {
  static const auto& programs = *new std::vector<std::vector<uint8_t>>{
      {INET_DIAG_BC_S_EQ, 8, 12, 0, 0, 0, 80, 0},
      {INET_DIAG_BC_D_GE, 8, 16, 0, 0, 0, 1, 0, INET_DIAG_BC_AUTO, 4, 8, 0},
      {INET_DIAG_BC_D_COND, 16, 20, 0, AF_INET, 8, 0, 0, 0xff, 0xff, 0xff, 0xff, 10, 0, 0, 0},
      {INET_DIAG_BC_S_COND, 28, 32, 0, AF_INET6, 96, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0,
       0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 2},
      {INET_DIAG_BC_S_EQ, 8, 12, 0, 0, 0, 81, 0, INET_DIAG_BC_JMP, 4, 12, 0,
       INET_DIAG_BC_D_EQ, 8, 12, 0, 0, 0, 1, 0},
      {INET_DIAG_BC_MARK_COND, 12, 16, 0, 1, 0, 0, 0, 1, 0, 0, 0},
      {INET_DIAG_BC_DEV_COND, 8, 12, 0, 2, 0, 0, 0},
  };
  return programs;
}

}  // namespace
}  // namespace moat::sentry

std::vector<std::vector<uint8_t>> FuzzSeeds() {
  using namespace moat::sentry;  // NOLINT: the hook's name is fixed
  std::vector<std::vector<uint8_t>> seeds;
  for (const auto& program : Programs()) {
    seeds.push_back(Seed(1, 1, program));
    for (uint8_t family : {AF_INET, AF_INET6}) {
      for (uint16_t type : {SOCK_DIAG_BY_FAMILY, 21}) {
        for (uint16_t flags : {NLM_F_REQUEST, NLM_F_REQUEST | NLM_F_DUMP}) {
          NetlinkWriter writer;
          writer.Begin(type, flags, 1, 0);
          inet_diag_req_v2 wanted{};
          wanted.sdiag_family = family;
          wanted.sdiag_protocol = IPPROTO_TCP;
          wanted.idiag_states = ~0u;
          wanted.idiag_ext = 0xff;
          wanted.id.idiag_cookie[0] = wanted.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
          writer.Fixed(wanted);
          writer.Attribute(INET_DIAG_REQ_BYTECODE, program);
          writer.End();
          seeds.push_back(Seed(0, 2, writer.bytes()));
        }
      }
    }
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace moat::sentry;  // NOLINT: the entry point's name is fixed
  if (size < 2) return 0;
  const std::span<const uint8_t> bytes(data + 2, size - 2);
  if (data[0] % 2 == 0) {
    FuzzServer(data[1], bytes);
  } else {
    FuzzFilter(data[1], bytes);
  }
  return 0;
}
