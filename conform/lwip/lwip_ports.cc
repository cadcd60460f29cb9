#include "conform/lwip/lwip_ports.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <semaphore>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "conform/agent/agent.h"

extern "C" {
#include "lwip/opt.h"  // Debian's lwipopts.h declares the functions of its lock without it
}
#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/mld6.h"
#include "lwip/nd6.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/tcpip.h"
#include "netif/ethernet.h"

namespace moat::conform {
namespace {

constexpr int kPorts = 2;
constexpr size_t kMaxFrame = 65535 + ETH_HLEN;

struct Port {
  netif interface{};
  int fd = -1;
};
std::array<Port, kPorts> ports;

// lwIP's own thread and ours take turns.
class CoreLock {
 public:
  CoreLock() { LOCK_TCPIP_CORE(); }
  ~CoreLock() { UNLOCK_TCPIP_CORE(); }
};

void Arrived(Port& port, const char* data, size_t size) {
  pbuf* buffer = pbuf_alloc(PBUF_RAW, static_cast<u16_t>(size), PBUF_RAM);
  if (buffer == nullptr) return;
  pbuf_take(buffer, data, static_cast<u16_t>(size));
  if (tcpip_input(buffer, &port.interface) != ERR_OK) pbuf_free(buffer);
}

void ReadFrames(Port& port) {
  std::vector<char> frame(kMaxFrame);
  for (;;) {
    sockaddr_ll from{};
    socklen_t size = sizeof(from);
    const ssize_t n = recvfrom(port.fd, frame.data(), frame.size(), 0,
                               reinterpret_cast<sockaddr*>(&from), &size);
    if (n < 0 && errno != EINTR && errno != ENETDOWN) return;
    if (n > 0 && from.sll_pkttype != PACKET_OUTGOING) {
      Arrived(port, frame.data(), static_cast<size_t>(n));
    }
  }
}

err_t SendFrame(netif* interface, pbuf* buffer) {
  const Port& port = *static_cast<Port*>(interface->state);
  std::vector<char> frame(buffer->tot_len);
  pbuf_copy_partial(buffer, frame.data(), buffer->tot_len, 0);
  return send(port.fd, frame.data(), frame.size(), 0) < 0 ? ERR_IF : ERR_OK;
}

err_t SetUp(netif* interface) {
  interface->name[0] = 'e';
  interface->name[1] = 't';
  interface->output = etharp_output;
  interface->output_ip6 = ethip6_output;
  interface->linkoutput = SendFrame;
  interface->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
                     NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
  return ERR_OK;
}

int OpenPacketSocket(const std::string& name, netif* interface) {
  const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
  ifreq request{};
  std::strncpy(request.ifr_name, name.c_str(), sizeof(request.ifr_name) - 1);
  if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request) < 0) return -1;
  std::memcpy(interface->hwaddr, request.ifr_hwaddr.sa_data, ETH_ALEN);
  interface->hwaddr_len = ETH_ALEN;
  if (ioctl(fd, SIOCGIFMTU, &request) < 0) return -1;
  interface->mtu = static_cast<u16_t>(request.ifr_mtu);
  if (ioctl(fd, SIOCGIFINDEX, &request) < 0) return -1;
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = request.ifr_ifindex;
  return bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) < 0 ? -1 : fd;
}

using Words = std::istringstream;

Port* ReadPort(Words& words) {
  int number = -1;
  words >> number;
  return number >= 0 && number < kPorts ? &ports[static_cast<size_t>(number)] : nullptr;
}

int StartInterface(Words& words) {
  Port* port = ReadPort(words);
  if (port == nullptr) return -EINVAL;
  CoreLock lock;
  if (netif_add_noaddr(&port->interface, port, SetUp, tcpip_input) == nullptr) return -ENOMEM;
  port->fd = OpenPacketSocket("eth" + std::to_string(port - ports.data()), &port->interface);
  if (port->fd < 0) return -errno;
  if (port == &ports[0]) netif_set_default(&port->interface);
  port->interface.ip6_autoconfig_enabled = 0;
  netif_set_link_up(&port->interface);
  netif_set_up(&port->interface);
  std::thread(ReadFrames, std::ref(*port)).detach();
  return 0;
}

int ChangeAddress6(netif* interface, const ip6_addr_t& address, bool add) {
  if (!add) {
    const s8_t index = netif_get_ip6_addr_match(interface, &address);
    if (index < 0) return -EADDRNOTAVAIL;
    netif_ip6_addr_set_state(interface, index, IP6_ADDR_INVALID);
    return 0;
  }
  // The first place is for the link-local one.
  s8_t index = 0;
  if (ip6_addr_islinklocal(&address)) {
    netif_ip6_addr_set(interface, 0, &address);
  } else if (netif_add_ip6_address(interface, &address, &index) != ERR_OK) {
    return -ENOSPC;
  }
  netif_ip6_addr_set_valid_life(interface, index, IP6_ADDR_LIFE_STATIC);
  netif_ip6_addr_set_state(interface, index, IP6_ADDR_PREFERRED);
  return 0;
}

// It has one IPv4 address an interface.
int ChangeAddress4(netif* interface, const ip4_addr_t& address, int bits, bool add) {
  const bool present = ip4_addr_cmp(netif_ip4_addr(interface), &address) != 0;
  if (add && !ip4_addr_isany(netif_ip4_addr(interface))) return present ? -EEXIST : -ENOSYS;
  if (!add && !present) return -EADDRNOTAVAIL;
  ip4_addr_t mask;
  ip4_addr_set_u32(&mask, lwip_htonl(bits == 0 ? 0 : ~uint32_t{0} << (32 - bits)));
  const ip4_addr_t none{};
  netif_set_addr(interface, add ? &address : &none, add ? &mask : &none,
                 netif_ip4_gw(interface));
  return 0;
}

int ChangeAddress(Words& words) {
  std::string verb, text;
  words >> verb;
  Port* port = ReadPort(words);
  int bits = -1;
  ip_addr_t address;
  if (port == nullptr || !(words >> text >> bits) || ipaddr_aton(text.c_str(), &address) == 0) {
    return -EINVAL;
  }
  CoreLock lock;
  const bool add = verb == "add";
  if (!IP_IS_V6(&address)) return ChangeAddress4(&port->interface, *ip_2_ip4(&address), bits, add);
  ip6_addr_assign_zone(ip_2_ip6(&address), IP6_UNICAST, &port->interface);
  return ChangeAddress6(&port->interface, *ip_2_ip6(&address), add);
}

int SetGateway(Words& words) {
  std::string text;
  ip4_addr_t gateway;
  words >> text;
  if (ip4addr_aton(text.c_str(), &gateway) == 0) return -EINVAL;
  CoreLock lock;
  for (Port& port : ports) {
    netif* interface = &port.interface;
    if (port.fd < 0 ||
        !ip4_addr_netcmp(&gateway, netif_ip4_addr(interface), netif_ip4_netmask(interface))) {
      continue;
    }
    netif_set_gw(interface, &gateway);
    netif_set_default(interface);
    return 0;
  }
  return -ENETUNREACH;
}

int Flush(Words&) {
  CoreLock lock;
  for (Port& port : ports) {
    if (port.fd < 0) continue;
    etharp_cleanup_netif(&port.interface);
    nd6_cleanup_netif(&port.interface);
  }
  return 0;
}

int SetMtu(Words& words) {
  Port* port = ReadPort(words);
  int mtu = 0;
  if (port == nullptr || !(words >> mtu) || mtu < 68 || mtu > 65535) return -EINVAL;
  CoreLock lock;
  port->interface.mtu = static_cast<u16_t>(mtu);
#if LWIP_IPV6 && LWIP_ND6_ALLOW_RA_UPDATES
  port->interface.mtu6 = static_cast<u16_t>(mtu);
#endif
  return 0;
}

int SetLink(Words& words) {
  Port* port = ReadPort(words);
  int up = 0;
  if (port == nullptr || !(words >> up)) return -EINVAL;
  CoreLock lock;
  (up != 0 ? netif_set_link_up : netif_set_link_down)(&port->interface);
  (up != 0 ? netif_set_up : netif_set_down)(&port->interface);
  return 0;
}

int TakeFrame(Words& words) {
  Port* port = ReadPort(words);
  std::string hex, frame;
  if (port == nullptr || !(words >> hex) || !FromHex(hex, &frame)) return -EINVAL;
  Arrived(*port, frame.data(), frame.size());
  return 0;
}

struct Row {
  const char* verb;
  int (*run)(Words&);
};
constexpr Row kVerbs[] = {
    {"interface", StartInterface}, {"address", ChangeAddress}, {"gateway", SetGateway},
    {"flush", Flush},              {"mtu", SetMtu},            {"link", SetLink},
    {"frame", TakeFrame},
};

}  // namespace

void StartLwip() {
  std::binary_semaphore started(0);
  tcpip_init([](void* s) { static_cast<std::binary_semaphore*>(s)->release(); }, &started);
  started.acquire();
}

std::optional<std::string> ConfigureLwip(const std::string& line) {
  Words words(line);
  std::string verb;
  words >> verb;
  for (const Row& row : kVerbs) {
    if (verb == row.verb) return std::to_string(row.run(words));
  }
  return std::nullopt;
}

uint32_t InterfaceAddress(int port) {
  if (port < 0 || port >= kPorts) return 0;
  return ip4_addr_get_u32(netif_ip4_addr(&ports[static_cast<size_t>(port)].interface));
}

int InterfaceIndex(int port) {
  if (port < 0 || port >= kPorts || ports[static_cast<size_t>(port)].fd < 0) return 0;
  return netif_get_index(&ports[static_cast<size_t>(port)].interface);
}

}  // namespace moat::conform
