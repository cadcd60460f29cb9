// moatctl ID ss: sockets, as ss(8) prints them.
#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ctl/command.h"
#include "ctl/format.h"

namespace moat::ctl {
namespace {

struct Filter {
  v1::ListSocketsRequest request;
  bool all = false;
  bool listening = false;
  bool info = false;
  bool header = true;
};

// ss's words for states. A datagram socket without a peer is UNCONN.
const char* StateName(const v1::Socket& socket) {
  switch (socket.state()) {
    case v1::Socket::STATE_ESTABLISHED:
      return "ESTAB";
    case v1::Socket::STATE_SYN_SENT:
      return "SYN-SENT";
    case v1::Socket::STATE_SYN_RECEIVED:
      return "SYN-RECV";
    case v1::Socket::STATE_FIN_WAIT_1:
      return "FIN-WAIT-1";
    case v1::Socket::STATE_FIN_WAIT_2:
      return "FIN-WAIT-2";
    case v1::Socket::STATE_TIME_WAIT:
      return "TIME-WAIT";
    case v1::Socket::STATE_CLOSED:
      return "UNCONN";
    case v1::Socket::STATE_CLOSE_WAIT:
      return "CLOSE-WAIT";
    case v1::Socket::STATE_LAST_ACK:
      return "LAST-ACK";
    case v1::Socket::STATE_LISTEN:
      return "LISTEN";
    case v1::Socket::STATE_CLOSING:
      return "CLOSING";
    default:
      return "UNKNOWN";
  }
}

const char* Netid(const v1::Socket& socket) {
  switch (socket.protocol()) {
    case v1::Socket::PROTOCOL_TCP:
      return "tcp";
    case v1::Socket::PROTOCOL_UDP:
      return "udp";
    case v1::Socket::PROTOCOL_ICMP:
      return socket.family() == v1::FAMILY_IPV6 ? "icmp6" : "icmp";
    case v1::Socket::PROTOCOL_RAW:
      return "raw";
    default:
      return "???";
  }
}

std::string EndpointText(const std::string& address, uint32_t port, const std::string& device) {
  std::string text =
      address.find(':') == std::string::npos ? address : absl::StrCat("[", address, "]");
  if (!device.empty()) absl::StrAppend(&text, "%", device);
  return absl::StrCat(text, ":", port == 0 ? "*" : absl::StrCat(port));
}

bool IsListening(const v1::Socket& socket) {
  return socket.state() == v1::Socket::STATE_LISTEN || socket.state() == v1::Socket::STATE_CLOSED;
}

// Without -a or -l ss shows what is connected.
bool Wanted(const Filter& filter, const v1::Socket& socket) {
  if (filter.all) return true;
  return IsListening(socket) == filter.listening;
}

absl::Status ParseLetter(char letter, Filter* filter) {
  switch (letter) {
    case 't':
      filter->request.add_protocols(v1::Socket::PROTOCOL_TCP);
      break;
    case 'u':
      filter->request.add_protocols(v1::Socket::PROTOCOL_UDP);
      break;
    case 'w':
      filter->request.add_protocols(v1::Socket::PROTOCOL_ICMP);
      filter->request.add_protocols(v1::Socket::PROTOCOL_RAW);
      break;
    case 'a':
      filter->all = true;
      break;
    case 'l':
      filter->listening = true;
      break;
    case 'i':
      filter->info = true;
      break;
    case 'n':
      break;  // addresses and ports always are numbers here
    case 'H':
      filter->header = false;
      break;
    case '4':
      filter->request.set_family(v1::FAMILY_IPV4);
      break;
    case '6':
      filter->request.set_family(v1::FAMILY_IPV6);
      break;
    default:
      return SyntaxError(absl::StrCat("ss: option -", std::string(1, letter), " is not supported"));
  }
  return absl::OkStatus();
}

constexpr std::pair<const char*, char> kLongOptions[] = {
    {"--tcp", 't'},       {"--udp", 'u'},  {"--raw", 'w'},     {"--all", 'a'},
    {"--listening", 'l'}, {"--info", 'i'}, {"--numeric", 'n'}, {"--no-header", 'H'},
    {"--ipv4", '4'},      {"--ipv6", '6'},
};

absl::Status ParseOption(const std::string& word, Filter* filter) {
  if (word.size() < 2 || word[0] != '-') {
    return SyntaxError(absl::StrCat("ss: filter \"", word, "\" is not supported"));
  }
  if (word[1] == '-') {
    for (const auto& [name, letter] : kLongOptions) {
      if (word == name) return ParseLetter(letter, filter);
    }
    return SyntaxError(absl::StrCat("ss: option ", word, " is not supported"));
  }
  for (const char letter : word.substr(1)) {
    if (absl::Status status = ParseLetter(letter, filter); !status.ok()) return status;
  }
  return absl::OkStatus();
}

using Row = std::array<std::string, 6>;

Row RowOf(SocketColumns columns) {
  return {std::move(columns.netid),      std::move(columns.state), std::move(columns.receive_queue),
          std::move(columns.send_queue), std::move(columns.local), std::move(columns.peer)};
}

void PrintTable(const Filter& filter, const std::vector<v1::Socket>& sockets, std::ostream& out) {
  std::vector<Row> rows;
  rows.push_back({"Netid", "State", "Recv-Q", "Send-Q", "Local Address:Port", "Peer Address:Port"});
  for (const v1::Socket& socket : sockets) rows.push_back(RowOf(ColumnsOf(socket)));
  std::array<size_t, 6> widths{};
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (size_t line = filter.header ? 0 : 1; line < rows.size(); ++line) {
    const Row& row = rows[line];
    // Words to the left, numbers and local addresses as ss aligns them.
    out << absl::StrFormat("%-*s %-*s %-*s %-*s %*s %*s\n", widths[0], row[0], widths[1], row[1],
                           widths[2], row[2], widths[3], row[3], widths[4], row[4], widths[5],
                           row[5]);
    if (line > 0 && filter.info && sockets[line - 1].has_tcp()) {
      out << "\t " << TcpInfoText(sockets[line - 1].tcp()) << "\n";
    }
  }
}

absl::Status Show(Context& context, Args& args) {
  Filter filter;
  filter.request.set_family(context.options.family);
  while (!args.empty()) {
    if (absl::Status status = ParseOption(args.Take(), &filter); !status.ok()) return status;
  }
  std::vector<v1::Socket> sockets;
  absl::Status status = context.client.ListSockets(filter.request, [&](const v1::Socket& socket) {
    if (Wanted(filter, socket)) sockets.push_back(socket);
  });
  if (!status.ok()) return status;
  if (!context.options.json) {
    PrintTable(filter, sockets, context.out);
    return absl::OkStatus();
  }
  Json list = Json::array();
  for (const v1::Socket& socket : sockets) list.push_back(SocketJson(socket));
  context.out << list.dump() << "\n";
  return absl::OkStatus();
}

constexpr Verb kVerbs[] = {{"", "[-t] [-u] [-w] [-a|-l] [-n] [-i] [-H] [-4|-6]", Show}};

}  // namespace

const Object kSocketsObject = {"ss sockets", "sockets (-w: ping and raw sockets)", kVerbs};

SocketColumns ColumnsOf(const v1::Socket& socket) {
  return {Netid(socket),
          StateName(socket),
          absl::StrCat(socket.receive_queue()),
          absl::StrCat(socket.send_queue()),
          EndpointText(socket.local_address(), socket.local_port(), socket.interface()),
          EndpointText(socket.remote_address(), socket.remote_port(), "")};
}

Json SocketJson(const v1::Socket& socket) {
  Json json = {{"netid", Netid(socket)},
               {"state", StateName(socket)},
               {"recv_q", socket.receive_queue()},
               {"send_q", socket.send_queue()},
               {"local", {{"address", socket.local_address()}, {"port", socket.local_port()}}},
               {"peer", {{"address", socket.remote_address()}, {"port", socket.remote_port()}}},
               {"id", socket.id()}};
  if (!socket.interface().empty()) json["dev"] = socket.interface();
  if (!socket.has_tcp()) return json;
  json["tcp"] = TcpInfoJson(socket.tcp());
  return json;
}

}  // namespace moat::ctl
