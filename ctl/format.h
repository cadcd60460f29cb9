// The objects as iproute2 writes them. Text has no newline at its end; JSON has iproute2's names.
#ifndef MOAT_CTL_FORMAT_H_
#define MOAT_CTL_FORMAT_H_

#include <nlohmann/json.hpp>
#include <string>

#include "moat/v1/sandbox.pb.h"

namespace moat::ctl {

using Json = nlohmann::ordered_json;

// "2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP" and the link/ether line; with
// `statistics` the counters too. Without the addresses.
std::string LinkText(const v1::Interface& interface, bool statistics);
Json LinkJson(const v1::Interface& interface, bool statistics);

// "inet 192.0.2.1/24 brd 192.0.2.255 scope global eth0"
std::string AddressText(const v1::InterfaceAddress& address);
Json AddressJson(const v1::InterfaceAddress& address);

// "default via 192.0.2.1 dev eth0"
std::string RouteText(const v1::Route& route);
Json RouteJson(const v1::Route& route);

// "192.0.2.1 dev eth0 lladdr 02:42:00:00:00:01 REACHABLE"
std::string NeighborText(const v1::Neighbor& neighbor);
Json NeighborJson(const v1::Neighbor& neighbor);

// "1000:\tfrom 192.0.2.0/24 lookup 100"
std::string RuleText(const v1::Rule& rule);
Json RuleJson(const v1::Rule& rule);

// In the words that `ra set` takes; several lines.
std::string AdvertisementText(const v1::RouterAdvertisement& ra);
Json AdvertisementJson(const v1::RouterAdvertisement& ra);

// "prefix ::1/128 label 0 precedence 50"
std::string PolicyText(const v1::AddressPolicy& policy);
Json PolicyJson(const v1::AddressPolicy& policy);

// The columns of ss: Netid State Recv-Q Send-Q Local Peer.
struct SocketColumns {
  std::string netid, state, receive_queue, send_queue, local, peer;
};
SocketColumns ColumnsOf(const v1::Socket& socket);
// "cubic rto:204 rtt:0.1/0.05 mss:1448 cwnd:10 ...": what ss -i says about a connection.
std::string TcpInfoText(const v1::TcpInfo& info);
Json TcpInfoJson(const v1::TcpInfo& info);
Json SocketJson(const v1::Socket& socket);

// nstat's name: "TcpRetransSegs" for "Tcp.RetransSegs".
std::string CounterName(const v1::Counter& counter);

// The family that a text address or prefix is of.
v1::Family FamilyOf(const std::string& address);

}  // namespace moat::ctl

#endif  // MOAT_CTL_FORMAT_H_
