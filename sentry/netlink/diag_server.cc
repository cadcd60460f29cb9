#include "sentry/netlink/diag_server.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "sentry/netlink/diag_filter.h"

namespace moat::sentry {
namespace {

using netstack::Endpoint;
using netstack::Family;
using netstack::IpAddress;

constexpr uint8_t kServedProtocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_RAW};

bool IsServed(uint8_t protocol) {
  return std::find(std::begin(kServedProtocols), std::end(kServedProtocols), protocol) !=
         std::end(kServedProtocols);
}

// One request in hand.
struct Context {
  const NetlinkMessage& message;
  const DiagRequest& request;
  DiagView& view;
  DatagramPacker& answer;
  std::unique_ptr<DiagDump>& dump;

  DiagTag Tag(const inet_diag_req_v2& wanted, uint16_t flags) const {
    return {.asker = {message.header.sequence, request.port},
            .flags = flags,
            .extensions = wanted.idiag_ext,
            .net_admin = request.net_admin};
  }
};

// --- Dumps ---------------------------------------------------------------------------------------

ErrnoOr<DiagFilter> FilterOf(const Context& context) {
  DiagFilter filter;
  NetlinkAttributes attributes(context.message.Attributes(sizeof(inet_diag_req_v2)));
  NetlinkAttribute attribute;
  while (attributes.Next(&attribute)) {
    if (attribute.type != INET_DIAG_REQ_BYTECODE) continue;
    auto checked = DiagFilter::Check(attribute.value, context.request.net_admin);
    if (!checked.ok()) return Errno{checked.error()};
    filter = std::move(*checked);
  }
  return filter;
}

bool IsWanted(const DiagSocket& socket, const inet_diag_req_v2& wanted) {
  const Family family = wanted.sdiag_family == AF_INET ? Family::kIpv4 : Family::kIpv6;
  if (socket.family != family || (wanted.idiag_states >> socket.state & 1) == 0) return false;
  if (wanted.id.idiag_sport != 0 && ntohs(wanted.id.idiag_sport) != socket.local.port) return false;
  return wanted.id.idiag_dport == 0 || ntohs(wanted.id.idiag_dport) == socket.remote.port;
}

int StartDump(Context& context, const inet_diag_req_v2& wanted) {
  if (context.request.busy || context.dump != nullptr) return EBUSY;
  const auto filter = FilterOf(context);
  if (!filter.ok()) return filter.error();
  std::vector<DiagSocket> chosen;
  const bool served = IsServed(wanted.sdiag_protocol);
  if (served) {
    for (DiagSocket& socket : context.view.Sockets(wanted.sdiag_protocol)) {
      if (!IsWanted(socket, wanted)) continue;
      const inet_diag_sockid id = SockIdOf(socket);
      if (filter->Accepts(SubjectOf(socket, id))) chosen.push_back(std::move(socket));
    }
  }
  context.dump = std::make_unique<DiagDump>(
      std::move(chosen), context.Tag(wanted, NLM_F_MULTI), served ? 0 : ENOENT);
  return 0;
}

// --- One socket ----------------------------------------------------------------------------------

IpAddress AddressOf(uint8_t family, const uint32_t (&words)[4]) {
  uint8_t bytes[16];
  std::copy_n(reinterpret_cast<const uint8_t*>(words), sizeof(bytes), bytes);
  if (family == AF_INET) return IpAddress::V4(bytes);
  const IpAddress address = IpAddress::V6(bytes);
  return address.IsMappedV4() ? address.UnmapToV4() : address;
}

// What a single lookup asks for: the socket that a packet between these would reach.
struct Names {
  Endpoint local;
  Endpoint remote;
  uint32_t interface;
};

Names NamesOf(const inet_diag_req_v2& wanted, bool swapped) {
  const uint8_t family = wanted.sdiag_family;
  Names names = {
      .local = {AddressOf(family, wanted.id.idiag_src), ntohs(wanted.id.idiag_sport), 0},
      .remote = {AddressOf(family, wanted.id.idiag_dst), ntohs(wanted.id.idiag_dport), 0},
      .interface = wanted.id.idiag_if};
  if (swapped) std::swap(names.local, names.remote);
  return names;
}

bool HasPeer(const DiagSocket& socket) { return socket.remote.port != 0; }

// How well a socket fits, after Linux's compute_score(); absent when it does not.
std::optional<int> Score(const DiagSocket& socket, const Names& names) {
  constexpr int kPeer = 4, kAddress = 2, kInterface = 1;
  int score = 0;
  if (socket.local.port != names.local.port) return std::nullopt;
  const IpAddress& own = socket.local.address;
  if (!own.IsUnspecified()) {
    if (own != names.local.address) return std::nullopt;
    score += kAddress;
  } else if (socket.family == Family::kIpv4 && !names.local.address.is_v4()) {
    return std::nullopt;
  } else if (socket.v6_only && names.local.address.is_v4()) {
    return std::nullopt;
  }
  if (HasPeer(socket)) {
    if (socket.remote.address != names.remote.address || socket.remote.port != names.remote.port) {
      return std::nullopt;
    }
    score += kPeer;
  }
  if (socket.interface != 0) {
    if (static_cast<uint32_t>(socket.interface) != names.interface) return std::nullopt;
    score += kInterface;
  }
  return score;
}

bool HasCookie(const DiagSocket& socket, const inet_diag_sockid& id) {
  if (id.idiag_cookie[0] == INET_DIAG_NOCOOKIE && id.idiag_cookie[1] == INET_DIAG_NOCOOKIE) {
    return true;
  }
  return socket.cookie == (id.idiag_cookie[0] | static_cast<uint64_t>(id.idiag_cookie[1]) << 32);
}

// ENOENT; ESTALE when there only is one with another cookie (TCP says ENOENT there, too).
ErrnoOr<DiagSocket> FindOne(DiagView& view, const inet_diag_req_v2& wanted, bool swapped) {
  const Names names = NamesOf(wanted, swapped);
  std::optional<DiagSocket> best;
  int best_score = -1;
  bool stale = false;
  for (DiagSocket& socket : view.Sockets(wanted.sdiag_protocol)) {
    const auto score = Score(socket, names);
    if (!score.has_value() || *score <= best_score) continue;
    if (!HasCookie(socket, wanted.id)) {
      stale = true;
      continue;
    }
    best_score = *score;
    best = std::move(socket);
  }
  if (best.has_value()) return std::move(*best);
  return Errno{stale && wanted.sdiag_protocol != IPPROTO_TCP ? ESTALE : ENOENT};
}

int GetOne(Context& context, const inet_diag_req_v2& wanted) {
  if (!IsServed(wanted.sdiag_protocol)) return ENOENT;
  // Linux swaps the names of UDP sockets here, and here only.
  const auto found = FindOne(context.view, wanted, wanted.sdiag_protocol == IPPROTO_UDP);
  if (!found.ok()) return found.error();
  const auto details = context.view.Details(*found);
  if (!details.has_value()) return ENOENT;
  context.answer.Add([&](NetlinkWriter& writer) {
    EncodeDiagSocket(context.Tag(wanted, 0), *found, *details, writer);
  });
  return 0;
}

int DestroyOne(Context& context, const inet_diag_req_v2& wanted) {
  if (!IsServed(wanted.sdiag_protocol)) return ENOENT;
  const auto found = FindOne(context.view, wanted, false);
  if (!found.ok()) return found.error();
  if (!context.request.net_admin) return EPERM;
  return context.view.Destroy(*found);
}

// --- Dispatch ------------------------------------------------------------------------------------

constexpr uint16_t kSockDestroy = 21;  // SOCK_DESTROY

int Dispatch(Context& context, bool* dumped) {
  const NetlinkHeader& header = context.message.header;
  if (header.type == TCPDIAG_GETSOCK || header.type == DCCPDIAG_GETSOCK) return EOPNOTSUPP;
  if (header.type != SOCK_DIAG_BY_FAMILY && header.type != kSockDestroy) return EINVAL;
  const auto any = context.message.Fixed<sock_diag_req>();
  if (!any.has_value() || any->sdiag_family >= AF_MAX) return EINVAL;
  if (any->sdiag_family != AF_INET && any->sdiag_family != AF_INET6) return ENOENT;
  const auto wanted = context.message.Fixed<inet_diag_req_v2>();
  if (!wanted.has_value()) return EINVAL;
  if (header.type == kSockDestroy) return DestroyOne(context, *wanted);
  if ((header.flags & NLM_F_DUMP) == 0) return GetOne(context, *wanted);
  const int error = StartDump(context, *wanted);
  *dumped = error == 0;
  return error;
}

void AnswerMessage(Context& context) {
  const NetlinkHeader& header = context.message.header;
  int error = 0;
  bool dumped = false;
  if ((header.flags & NLM_F_REQUEST) != 0 && header.type >= NLMSG_MIN_TYPE) {
    error = Dispatch(context, &dumped);
  }
  if (!dumped && (error != 0 || (header.flags & NLM_F_ACK) != 0)) {
    context.answer.Add([&](NetlinkWriter& writer) {
      EncodeError(context.message, context.request.port, context.request.flags.cap_ack, error,
                  writer);
    });
  }
  context.answer.Flush();  // answers to different requests do not share a datagram
}

}  // namespace

std::vector<uint8_t> DiagDump::Next(DiagView& view) {
  std::vector<uint8_t> datagram = std::exchange(kept_, {});
  for (; next_ < sockets_.size(); ++next_) {
    const auto details = view.Details(sockets_[next_]);
    if (!details.has_value()) continue;
    NetlinkWriter one;
    EncodeDiagSocket(tag_, sockets_[next_], *details, one);
    if (datagram.size() + one.size() > kMaxNetlinkDatagram) {
      kept_ = one.Take();
      ++next_;
      return datagram;
    }
    datagram.insert(datagram.end(), one.bytes().begin(), one.bytes().end());
  }
  NetlinkWriter end;
  EncodeDone(tag_.asker, 0, error_, end);
  if (done_ || datagram.size() + end.size() > kMaxNetlinkDatagram) return datagram;
  done_ = true;
  datagram.insert(datagram.end(), end.bytes().begin(), end.bytes().end());
  return datagram;
}

DiagAnswer AnswerDiagRequest(const DiagRequest& request, DiagView& view) {
  DatagramPacker answer;
  DiagAnswer result;
  NetlinkReader reader(request.bytes);
  NetlinkMessage message;
  // One datagram cannot make us answer for ever: each message costs a table.
  constexpr int kMaxMessages = 64;
  for (int i = 0; i < kMaxMessages && reader.Next(&message); ++i) {
    Context context{.message = message,
                    .request = request,
                    .view = view,
                    .answer = answer,
                    .dump = result.dump};
    AnswerMessage(context);
  }
  result.datagrams = answer.Take();
  return result;
}

}  // namespace moat::sentry
