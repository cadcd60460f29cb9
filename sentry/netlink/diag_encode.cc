#include "sentry/netlink/diag_encode.h"

#include <arpa/inet.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "sentry/abi/bytes.h"

namespace moat::sentry {
namespace {

using netstack::Duration;
using netstack::Family;
using netstack::IpAddress;

uint8_t NumberOf(Family family) { return family == Family::kIpv4 ? AF_INET : AF_INET6; }

void StoreAddress(const DiagSocket& socket, const IpAddress& address, uint32_t (&words)[4]) {
  if (address.IsUnspecified()) return;
  const bool mapped = socket.family == Family::kIpv6 && address.is_v4();
  const IpAddress shown = mapped ? address.MapToV6() : address;
  std::memcpy(words, shown.data(), shown.size());
}

uint32_t Milliseconds(Duration duration) {
  const int64_t count = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  return static_cast<uint32_t>(std::clamp<int64_t>(count, 0, UINT32_MAX));
}

bool HasNoRemote(const DiagSocket& socket) {
  return socket.state == TCP_LISTEN || socket.state == TCP_CLOSE;
}

bool Wants(const DiagTag& tag, int extension) {
  return (tag.extensions >> (extension - 1) & 1) != 0;
}

inet_diag_sockopt SwitchesOf(const DiagSocket& socket, const DiagDetails& details) {
  inet_diag_sockopt switches{};
  switches.recverr = details.receive_error;
  switches.is_icsk = socket.protocol == IPPROTO_TCP;
  switches.freebind = details.free_bind;
  switches.transparent = details.transparent;
  switches.mc_loop = details.multicast_loop;
  switches.mc_all = 1;
  return switches;
}

void EncodeOptions(const DiagTag& tag, const DiagSocket& socket, const DiagDetails& details,
                   NetlinkWriter& writer) {
  const bool v6 = socket.family == Family::kIpv6;
  writer.Value(INET_DIAG_SHUTDOWN, details.shutdown);
  // Of IPv6 sockets too: dual-stack connections use it.
  if (Wants(tag, INET_DIAG_TOS)) writer.Value(INET_DIAG_TOS, details.tos);
  if (v6 && Wants(tag, INET_DIAG_TCLASS)) writer.Value(INET_DIAG_TCLASS, details.traffic_class);
  if (v6 && HasNoRemote(socket)) {
    writer.Value(INET_DIAG_SKV6ONLY, static_cast<uint8_t>(socket.v6_only ? 1 : 0));
  }
  if (tag.net_admin) writer.Value(INET_DIAG_MARK, socket.mark);
  if (Wants(tag, INET_DIAG_TCLASS)) writer.Value(INET_DIAG_CLASS_ID, details.priority);
  writer.Value(INET_DIAG_SOCKOPT, SwitchesOf(socket, details));
}

void EncodeMemory(const DiagTag& tag, const DiagDetails& details, NetlinkWriter& writer) {
  if (Wants(tag, INET_DIAG_MEMINFO)) {
    writer.Value(INET_DIAG_MEMINFO,
                 inet_diag_meminfo{.idiag_rmem = details.memory[SK_MEMINFO_RMEM_ALLOC],
                                   .idiag_wmem = details.memory[SK_MEMINFO_WMEM_QUEUED],
                                   .idiag_fmem = details.memory[SK_MEMINFO_FWD_ALLOC],
                                   .idiag_tmem = details.memory[SK_MEMINFO_WMEM_ALLOC]});
  }
  if (Wants(tag, INET_DIAG_SKMEMINFO)) writer.Value(INET_DIAG_SKMEMINFO, details.memory);
}

}  // namespace

inet_diag_sockid SockIdOf(const DiagSocket& socket) {
  inet_diag_sockid id{};
  id.idiag_sport = htons(socket.local.port);
  id.idiag_dport = htons(socket.remote.port);
  StoreAddress(socket, socket.local.address, id.idiag_src);
  StoreAddress(socket, socket.remote.address, id.idiag_dst);
  // TCP binds itself to the interface of a link-local peer.
  id.idiag_if = static_cast<uint32_t>(socket.interface != 0 ? socket.interface
                                                            : socket.remote.scope);
  id.idiag_cookie[0] = static_cast<uint32_t>(socket.cookie);
  id.idiag_cookie[1] = static_cast<uint32_t>(socket.cookie >> 32);
  return id;
}

DiagSubject SubjectOf(const DiagSocket& socket, const inet_diag_sockid& id) {
  const size_t size = socket.family == Family::kIpv4 ? 4 : 16;
  return {.family = NumberOf(socket.family),
          .source = BytesOf(id.idiag_src).first(size),
          .destination = BytesOf(id.idiag_dst).first(size),
          .source_port = socket.local.port,
          .destination_port = socket.remote.port,
          .interface = id.idiag_if,
          .mark = socket.mark,
          .automatic_port = socket.automatic_port};
}

void EncodeDiagSocket(const DiagTag& tag, const DiagSocket& socket, const DiagDetails& details,
                      NetlinkWriter& writer) {
  inet_diag_msg message{};
  message.idiag_family = NumberOf(socket.family);
  message.idiag_state = socket.state;
  message.idiag_timer = static_cast<uint8_t>(details.timer);
  message.idiag_retrans = details.retransmits;
  message.id = SockIdOf(socket);
  message.idiag_expires = Milliseconds(details.timer_left);
  message.idiag_rqueue = details.receive_queue;
  message.idiag_wqueue = details.send_queue;
  message.idiag_uid = details.uid;
  message.idiag_inode = details.inode;

  writer.Begin(SOCK_DIAG_BY_FAMILY, tag.flags, tag.asker.sequence, tag.asker.port);
  writer.Fixed(message);
  if (details.has_options) {
    EncodeOptions(tag, socket, details, writer);
    EncodeMemory(tag, details, writer);
    if (socket.protocol == IPPROTO_RAW) writer.Value(INET_DIAG_PROTOCOL, details.raw_protocol);
    if (!details.tcp_info.empty() && Wants(tag, INET_DIAG_INFO)) {
      writer.Attribute(INET_DIAG_INFO, details.tcp_info);
    }
    if (!details.congestion_control.empty() && Wants(tag, INET_DIAG_CONG)) {
      writer.Text(INET_DIAG_CONG, details.congestion_control);
    }
  }
  writer.End();
}

}  // namespace moat::sentry
