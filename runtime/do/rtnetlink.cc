#include "runtime/do/rtnetlink.h"

#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace moat::runtime {
namespace {

constexpr int kTimeoutMs = 5000;
constexpr size_t kMaxAnswer = 64 << 20;  // a full routing table of the Internet is some tens of MiB

// Appends to a netlink message, with the alignment that netlink(7) asks for.
class Message {
 public:
  Message(uint16_t type, uint16_t flags) {
    nlmsghdr header{};
    header.nlmsg_type = type;
    header.nlmsg_flags = static_cast<uint16_t>(flags | NLM_F_REQUEST);
    Append(&header, sizeof header);
  }

  template <typename T>
  void Body(const T& body) {
    Append(&body, sizeof body);
  }
  void Attribute(uint16_t type, const void* data, size_t size) {
    const size_t at = Begin(type);
    Append(data, size);
    End(at);
  }
  void Attribute(uint16_t type, absl::string_view text) {  // with its NUL
    const std::string copy(text);
    Attribute(type, copy.c_str(), copy.size() + 1);
  }
  void Attribute(uint16_t type, uint32_t value) { Attribute(type, &value, sizeof value); }

  // A nested attribute: End() takes what Begin() gave.
  size_t Begin(uint16_t type) {
    const size_t at = text_.size();
    const nlattr header{.nla_len = 0, .nla_type = type};
    Append(&header, sizeof header);
    return at;
  }
  void End(size_t at) {
    const uint16_t size = static_cast<uint16_t>(text_.size() - at);
    std::memcpy(&text_[at], &size, sizeof size);
    text_.resize(NLMSG_ALIGN(text_.size()));
  }

  std::string Take() { return std::move(text_); }

 private:
  void Append(const void* data, size_t size) { text_.append(static_cast<const char*>(data), size); }
  std::string text_;
};

template <typename T>
bool ReadAt(absl::string_view text, size_t at, T* out) {
  if (text.size() < at || text.size() - at < sizeof *out) return false;
  std::memcpy(out, text.data() + at, sizeof *out);
  return true;
}

// Calls visit(type, payload) for each attribute of `text`.
template <typename Visit>
void EachAttribute(absl::string_view text, Visit visit) {
  size_t at = 0;
  nlattr header;
  while (ReadAt(text, at, &header)) {
    if (header.nla_len < sizeof header || header.nla_len > text.size() - at) return;
    visit(header.nla_type & NLA_TYPE_MASK,
          text.substr(at + sizeof header, header.nla_len - sizeof header));
    at += NLMSG_ALIGN(header.nla_len);
    if (at > text.size()) return;
  }
}

void CollectOne(const nlmsghdr& header, absl::string_view body, std::vector<IpPrefix>* out) {
  int family = 0;
  int length = 0;
  size_t skip = 0;
  uint16_t wanted = 0;
  rtmsg route;
  ifaddrmsg address;
  if (header.nlmsg_type == RTM_NEWROUTE && ReadAt(body, 0, &route)) {
    family = route.rtm_family;
    length = route.rtm_dst_len;
    skip = NLMSG_ALIGN(sizeof route);
    wanted = RTA_DST;
  } else if (header.nlmsg_type == RTM_NEWADDR && ReadAt(body, 0, &address)) {
    family = address.ifa_family;
    length = address.ifa_prefixlen;
    skip = NLMSG_ALIGN(sizeof address);
    wanted = IFA_ADDRESS;
  }
  if ((family != AF_INET && family != AF_INET6) || body.size() < skip) return;
  IpPrefix prefix;
  prefix.family = family;
  prefix.length = length;
  EachAttribute(body.substr(skip), [&](uint16_t type, absl::string_view value) {
    if (type != wanted || value.size() != prefix.size()) return;
    std::memcpy(prefix.bytes.data(), value.data(), value.size());
    if (length >= 0 && length <= static_cast<int>(8 * prefix.size())) out->push_back(prefix);
  });
}

}  // namespace

void CollectNetworks(absl::string_view messages, std::vector<IpPrefix>* out) {
  size_t at = 0;
  nlmsghdr header;
  while (ReadAt(messages, at, &header)) {
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > messages.size() - at) return;
    CollectOne(header, messages.substr(at + sizeof header, header.nlmsg_len - sizeof header), out);
    at += NLMSG_ALIGN(header.nlmsg_len);
    if (at > messages.size()) return;
  }
}

absl::StatusOr<RtNetlink> RtNetlink::Open() {
  OwnedFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!fd.ok()) return absl::ErrnoToStatus(errno, "rtnetlink: socket");
  return RtNetlink(std::move(fd));
}

absl::Status RtNetlink::Transact(std::string message, absl::string_view what, std::string* answer) {
  nlmsghdr header;
  std::memcpy(&header, message.data(), sizeof header);
  header.nlmsg_len = static_cast<uint32_t>(message.size());
  header.nlmsg_seq = ++sequence_;
  if ((header.nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP) header.nlmsg_flags |= NLM_F_ACK;
  std::memcpy(message.data(), &header, sizeof header);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (::sendto(fd_.get(), message.data(), message.size(), 0,
               reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel) < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("rtnetlink: ", what));
  }
  std::string buffer(64 << 10, '\0');
  size_t total = 0;
  while (total < kMaxAnswer) {
    pollfd ready{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    const int polled = ::poll(&ready, 1, kTimeoutMs);
    if (polled < 0 && errno == EINTR) continue;
    if (polled <= 0) return absl::DeadlineExceededError(absl::StrCat("rtnetlink: ", what));
    const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return absl::ErrnoToStatus(errno, absl::StrCat("rtnetlink: ", what));
    total += static_cast<size_t>(n);
    absl::string_view rest(buffer.data(), static_cast<size_t>(n));
    nlmsghdr got;
    while (ReadAt(rest, 0, &got) && got.nlmsg_len >= sizeof got && got.nlmsg_len <= rest.size()) {
      int32_t error = 0;
      if (got.nlmsg_seq == sequence_ && got.nlmsg_type == NLMSG_DONE) return absl::OkStatus();
      if (got.nlmsg_seq == sequence_ && got.nlmsg_type == NLMSG_ERROR &&
          ReadAt(rest, sizeof got, &error)) {
        if (error == 0) return absl::OkStatus();
        return absl::ErrnoToStatus(-error, absl::StrCat("rtnetlink: ", what));
      }
      const size_t step = std::min<size_t>(NLMSG_ALIGN(got.nlmsg_len), rest.size());
      if (answer != nullptr) answer->append(rest.data(), step);
      rest.remove_prefix(step);
    }
  }
  return absl::ResourceExhaustedError(
      absl::StrCat("rtnetlink: ", what, ": the answer is too long"));
}

absl::Status RtNetlink::Dump(uint16_t type, absl::string_view what, std::string* answer) {
  Message message(type, NLM_F_DUMP);
  // All zero and larger than ifaddrmsg: all families, for routes and addresses alike.
  message.Body(rtmsg{});
  return Transact(message.Take(), what, answer);
}

absl::Status RtNetlink::AddVeth(absl::string_view name, absl::string_view peer,
                                int peer_namespace_fd) {
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  message.Body(ifinfomsg{});
  message.Attribute(IFLA_IFNAME, name);
  const size_t info = message.Begin(IFLA_LINKINFO);
  message.Attribute(IFLA_INFO_KIND, absl::string_view("veth"));
  const size_t data = message.Begin(IFLA_INFO_DATA);
  const size_t other = message.Begin(VETH_INFO_PEER);
  message.Body(ifinfomsg{});
  message.Attribute(IFLA_IFNAME, peer);
  message.Attribute(IFLA_NET_NS_FD, static_cast<uint32_t>(peer_namespace_fd));
  message.End(other);
  message.End(data);
  message.End(info);
  return Transact(message.Take(), absl::StrCat("make veth ", name), nullptr);
}

absl::Status RtNetlink::DeleteLink(absl::string_view name) {
  Message message(RTM_DELLINK, 0);
  message.Body(ifinfomsg{});
  message.Attribute(IFLA_IFNAME, name);
  return Transact(message.Take(), absl::StrCat("delete ", name), nullptr);
}

absl::Status RtNetlink::SetUp(int interface_index) {
  Message message(RTM_NEWLINK, 0);
  ifinfomsg body{};
  body.ifi_index = interface_index;
  body.ifi_flags = IFF_UP;
  body.ifi_change = IFF_UP;
  message.Body(body);
  return Transact(message.Take(), absl::StrCat("set interface ", interface_index, " up"), nullptr);
}

absl::Status RtNetlink::AddAddress(int interface_index, const IpPrefix& address) {
  Message message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
  ifaddrmsg body{};
  body.ifa_family = static_cast<uint8_t>(address.family);
  body.ifa_prefixlen = static_cast<uint8_t>(address.length);
  body.ifa_index = static_cast<uint32_t>(interface_index);
  if (address.family == AF_INET6) body.ifa_flags = IFA_F_NODAD;
  message.Body(body);
  message.Attribute(IFA_LOCAL, address.bytes.data(), address.size());
  message.Attribute(IFA_ADDRESS, address.bytes.data(), address.size());
  return Transact(message.Take(), absl::StrCat("add address ", address.ToString()), nullptr);
}

absl::Status RtNetlink::AddDefaultRoute(int interface_index, const IpPrefix& gateway) {
  Message message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
  rtmsg body{};
  body.rtm_family = static_cast<uint8_t>(gateway.family);
  body.rtm_table = RT_TABLE_MAIN;
  body.rtm_protocol = RTPROT_BOOT;
  body.rtm_scope = RT_SCOPE_UNIVERSE;
  body.rtm_type = RTN_UNICAST;
  message.Body(body);
  message.Attribute(RTA_GATEWAY, gateway.bytes.data(), gateway.size());
  message.Attribute(RTA_OIF, static_cast<uint32_t>(interface_index));
  return Transact(message.Take(), absl::StrCat("add default route via ", gateway.Address()),
                  nullptr);
}

absl::StatusOr<int> RtNetlink::InterfaceIndex(absl::string_view name) {
  Message message(RTM_GETLINK, 0);
  message.Body(ifinfomsg{});
  message.Attribute(IFLA_IFNAME, name);
  std::string answer;
  if (absl::Status status = Transact(message.Take(), absl::StrCat("find ", name), &answer);
      !status.ok()) {
    return status;
  }
  ifinfomsg body{};
  if (!ReadAt(answer, sizeof(nlmsghdr), &body)) {
    return absl::NotFoundError(absl::StrCat("rtnetlink: no interface ", name));
  }
  return body.ifi_index;
}

absl::StatusOr<std::vector<IpPrefix>> RtNetlink::TakenNetworks() {
  std::string answer;
  for (uint16_t type : {RTM_GETROUTE, RTM_GETADDR}) {
    if (absl::Status status = Dump(type, "list networks", &answer); !status.ok()) return status;
  }
  std::vector<IpPrefix> networks;
  CollectNetworks(answer, &networks);
  return networks;
}

}  // namespace moat::runtime
