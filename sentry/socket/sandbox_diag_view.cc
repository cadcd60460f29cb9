#include "sentry/socket/sandbox_diag_view.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "sentry/abi/sockaddr.h"
#include "sentry/options/options.h"
#include "sentry/options/stack_option_host.h"
#include "sentry/socket/datagram_container_socket.h"
#include "sentry/socket/inet_socket.h"
#include "sentry/socket/reaper.h"
#include "sentry/socket/tcp_container_socket.h"

namespace moat::sentry {
namespace {

using netstack::Family;
using netstack::SocketInfo;
using netstack::SocketOptions;

constexpr uint8_t kReceiveShutdown = 1;
constexpr uint8_t kSendShutdown = 2;

struct StateRow {
  std::string_view name;  // SocketInfo::state
  uint8_t number;
  uint8_t shutdown;
};
constexpr StateRow kStates[] = {
    {"ESTAB", TCP_ESTABLISHED, 0},
    {"SYN-SENT", TCP_SYN_SENT, 0},
    {"SYN-RECV", TCP_SYN_RECV, 0},
    {"FIN-WAIT-1", TCP_FIN_WAIT1, kSendShutdown},
    {"FIN-WAIT-2", TCP_FIN_WAIT2, kSendShutdown},
    {"TIME-WAIT", TCP_TIME_WAIT, kReceiveShutdown | kSendShutdown},
    {"UNCONN", TCP_CLOSE, 0},
    {"CLOSE-WAIT", TCP_CLOSE_WAIT, kReceiveShutdown},
    {"LAST-ACK", TCP_LAST_ACK, kReceiveShutdown | kSendShutdown},
    {"LISTEN", TCP_LISTEN, 0},
    {"CLOSING", TCP_CLOSING, kReceiveShutdown | kSendShutdown},
};

uint8_t StateNumber(std::string_view name) {
  for (const StateRow& row : kStates) {
    if (row.name == name) return row.number;
  }
  return TCP_CLOSE;
}

uint8_t ShutdownOf(uint8_t state) {
  for (const StateRow& row : kStates) {
    if (row.number == state) return row.shutdown;
  }
  return 0;
}

uint8_t ProtocolOf(const ContainerSocket& socket) {
  if (socket.domain() != AF_INET && socket.domain() != AF_INET6) return 0;
  if (socket.type() == SOCK_RAW) return IPPROTO_RAW;
  return static_cast<uint8_t>(socket.protocol());
}

uint64_t IdOf(ContainerSocket& socket) {
  return socket.tcp() != nullptr ? socket.tcp()->id() : socket.datagram()->id();
}

const SocketOptions& OptionsOf(ContainerSocket& socket) {
  return socket.tcp() != nullptr ? socket.tcp()->options() : socket.datagram()->options();
}

bool IsOf(SocketInfo::Type type, uint8_t protocol) {
  switch (type) {
    case SocketInfo::Type::kTcp: return protocol == IPPROTO_TCP;
    case SocketInfo::Type::kUdp: return protocol == IPPROTO_UDP;
    case SocketInfo::Type::kRaw: return protocol == IPPROTO_RAW;
    case SocketInfo::Type::kPing: return false;  // Linux has no sock_diag for them
  }
  return false;
}

DiagSocket FromInfo(const SocketInfo& info, uint8_t protocol) {
  DiagSocket socket;
  socket.protocol = protocol;
  socket.family = info.family;
  socket.state = StateNumber(info.state);
  socket.local = info.local;
  socket.remote = info.remote;
  socket.interface = info.bound_device;
  socket.cookie = info.id;
  socket.receive_queue = info.receive_queue;
  socket.send_queue = info.send_queue;
  return socket;
}

uint32_t QueueOf(int file, unsigned long request) {
  int bytes = 0;
  return file >= 0 && ioctl(file, request, &bytes) == 0 ? static_cast<uint32_t>(bytes) : 0;
}

}  // namespace

SandboxDiagView::Owners SandboxDiagView::FindOwners(uint8_t protocol) {
  Owners owners;
  for (const auto& [cookie, socket] : sandbox_.sockets()) {
    if (ProtocolOf(*socket) == protocol) owners[IdOf(*socket)] = socket.get();
  }
  return owners;
}

void SandboxDiagView::LearnInodes(const Owners& owners) {
  const bool known = std::all_of(owners.begin(), owners.end(),
                                 [](const auto& owner) { return owner.second->inode() != 0; });
  if (known) return;
  sandbox_.reaper().ForEachUnixSocket([this](uint64_t cookie, uint32_t inode) {
    if (ContainerSocket* socket = sandbox_.Find(cookie)) socket->set_inode(inode);
  });
}

void SandboxDiagView::Complete(ContainerSocket& owner, DiagSocket& socket) const {
  const SocketOptions& options = OptionsOf(owner);
  socket.family = owner.domain() == AF_INET ? Family::kIpv4 : Family::kIpv6;
  // A socket that is bound to an IPv6 address takes no IPv4, whatever its option says
  // (inet6_bind()).
  const bool bound_v6 = socket.local.address.is_v6() && !socket.local.address.IsUnspecified();
  socket.v6_only = socket.family == Family::kIpv6 && (options.v6_only || bound_v6);
  socket.interface = options.bound_device;
  socket.mark = options.mark;
  socket.owner = owner.cookie();
  if (socket.protocol == IPPROTO_RAW) {  // the "port" of a raw socket is its protocol
    socket.local.port = static_cast<uint16_t>(owner.protocol());
  }
  if (socket.state != TCP_LISTEN) return;
  const auto& listener = static_cast<const TcpContainerSocket&>(owner);
  socket.receive_queue = static_cast<uint32_t>(listener.pending());
  socket.send_queue = static_cast<uint32_t>(listener.backlog());
}

std::vector<DiagSocket> SandboxDiagView::Sockets(uint8_t protocol) {
  users_.clear();
  sandbox_.ApplyHints();
  const Owners owners = FindOwners(protocol);
  LearnInodes(owners);
  constexpr int kLowestAutomatic = 32768, kHighestAutomatic = 60999;
  StackOptionHost host(sandbox_.stack(), [](int) { return false; });
  const int64_t low = host.Sysctl("ipv4.ip_local_port_range", 0, kLowestAutomatic);
  const int64_t high = host.Sysctl("ipv4.ip_local_port_range", 1, kHighestAutomatic);

  std::vector<DiagSocket> list;
  for (const SocketInfo& info : sandbox_.stack().ListSockets()) {
    if (!IsOf(info.type, protocol)) continue;
    const auto owner = owners.find(info.id);
    // The stack knows a raw socket as a ping socket; those without this owner are none.
    if (protocol == IPPROTO_RAW && owner == owners.end()) continue;
    DiagSocket socket = FromInfo(info, protocol);
    // A connection in TIME-WAIT is nobody's, also while its descriptor is open.
    if (owner != owners.end() && socket.state != TCP_TIME_WAIT) Complete(*owner->second, socket);
    list.push_back(std::move(socket));
  }
  if (protocol == IPPROTO_TCP) {
    for (const auto& [id, owner] : owners) {
      const auto& tcp = static_cast<const TcpContainerSocket&>(*owner);
      if (tcp.state() != TcpContainerSocket::State::kDirect) continue;
      DiagSocket socket;
      socket.protocol = protocol;
      socket.state = TCP_ESTABLISHED;
      socket.local = tcp.direct_local();
      socket.remote = tcp.direct_remote();
      socket.cookie = id;
      Complete(*owner, socket);
      list.push_back(std::move(socket));
    }
  }
  for (DiagSocket& socket : list) {
    socket.automatic_port = socket.local.port >= low && socket.local.port <= high;
  }
  return list;
}

uint32_t SandboxDiagView::UserOf(const ContainerSocket& owner) {
  const pid_t process = owner.hint_process();
  if (process == 0) return 0;
  const auto [it, added] = users_.try_emplace(process, 0);
  if (added) {
    if (const auto identity = sandbox_.processes().IdentityOf(process)) it->second = identity->uid;
  }
  return it->second;
}

// What the program has not read of its end, and what the sentry has not taken over from its own.
void SandboxDiagView::AddQueues(const ContainerSocket& owner, DiagDetails& details) const {
  if (owner.type() != SOCK_STREAM) {
    details.receive_queue += QueueOf(owner.end(), SIOCOUTQ);  // memory, as Linux counts it for UDP
    return;
  }
  const auto& tcp = static_cast<const TcpContainerSocket&>(owner);
  if (tcp.state() != TcpContainerSocket::State::kConnected) return;
  details.send_queue += QueueOf(owner.end(), FIONREAD);
  if (QueueOf(owner.end(), SIOCOUTQ) == 0) return;
  const OwnedFd file = const_cast<ContainerSocket&>(owner).FindContainerEnd();
  details.receive_queue += QueueOf(file.get(), FIONREAD);
}

void SandboxDiagView::AddOptions(ContainerSocket& owner, DiagDetails& details) const {
  const SocketOptions& options = OptionsOf(owner);
  details.has_options = true;
  details.tos = options.tos;
  details.traffic_class =
      options.traffic_class >= 0 ? static_cast<uint8_t>(options.traffic_class) : 0;
  details.priority = static_cast<uint32_t>(options.priority);
  details.receive_error = owner.settings().receive_error;
  details.free_bind = options.free_bind;
  details.transparent = options.transparent;
  details.multicast_loop = options.multicast_loop;

  SocketSettings settings = owner.settings();
  StackOptionHost host(sandbox_.stack(), [](int) { return false; });
  int error = 0;
  const SocketKind kind = owner.tcp() != nullptr             ? SocketKind::kTcp
                          : owner.type() == SOCK_RAW        ? SocketKind::kRaw
                          : owner.protocol() == IPPROTO_UDP ? SocketKind::kUdp
                                                            : SocketKind::kPing;
  const OptionTarget target = {
      kind,          owner.domain() == AF_INET ? Family::kIpv4 : Family::kIpv6,
      owner.tcp(),   owner.datagram(),
      settings,      error,
      host};
  const auto memory =
      GetSocketOption(target, SOL_SOCKET, SO_MEMINFO, static_cast<int32_t>(sizeof(details.memory)));
  if (memory.ok() && memory->span().size() == sizeof(details.memory)) {
    std::memcpy(details.memory.data(), memory->span().data(), sizeof(details.memory));
  }
  if (owner.tcp() == nullptr) return;
  details.congestion_control = owner.tcp()->congestion_control();
  if (static_cast<const TcpContainerSocket&>(owner).state() == TcpContainerSocket::State::kDirect) {
    return;
  }
  const auto info = GetSocketOption(target, IPPROTO_TCP, TCP_INFO, OptionBytes::kCapacity);
  if (info.ok()) details.tcp_info.assign(info->span().begin(), info->span().end());
}

std::optional<DiagDetails> SandboxDiagView::Details(const DiagSocket& socket) {
  DiagDetails details;
  details.receive_queue = socket.receive_queue;
  details.send_queue = socket.send_queue;
  if (socket.owner == 0) {
    if (socket.state == TCP_TIME_WAIT) details.timer = DiagTimer::kTimeWait;
    return details;
  }
  ContainerSocket* owner = sandbox_.Find(socket.owner);
  if (owner == nullptr || ProtocolOf(*owner) != socket.protocol) return std::nullopt;
  details.inode = owner->inode();
  details.uid = UserOf(*owner);
  details.shutdown = ShutdownOf(socket.state);
  if (socket.protocol == IPPROTO_RAW)
    details.raw_protocol = static_cast<uint8_t>(owner->protocol());
  AddQueues(*owner, details);
  AddOptions(*owner, details);
  return details;
}

int SandboxDiagView::Destroy(const DiagSocket& socket) {
  ContainerSocket* owner = socket.owner == 0 ? nullptr : sandbox_.Find(socket.owner);
  return owner == nullptr ? EOPNOTSUPP : owner->Destroy();
}

}  // namespace moat::sentry
