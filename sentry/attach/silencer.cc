#include "sentry/attach/silencer.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace moat::sentry {
namespace {

using netstack::InterfaceIndex;

constexpr uint32_t kPriority = 1;  // before anybody's who does not insist on being first
constexpr uint32_t kHandle = 1;
constexpr char kFilterName[] = "moat_silence";

constexpr sock_filter kDropAll[] = {BPF_STMT(BPF_RET | BPF_K, TC_ACT_SHOT)};

constexpr uint32_t kDirections[] = {TC_H_MIN_INGRESS, TC_H_MIN_EGRESS};

tcmsg QdiscMessage(InterfaceIndex index) {
  tcmsg message{};
  message.tcm_ifindex = index;
  message.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
  message.tcm_parent = TC_H_CLSACT;
  return message;
}

tcmsg FilterMessage(InterfaceIndex index, uint32_t direction) {
  tcmsg message{};
  message.tcm_ifindex = index;
  message.tcm_handle = kHandle;
  message.tcm_parent = TC_H_MAKE(TC_H_CLSACT, direction);
  message.tcm_info = TC_H_MAKE(kPriority << 16, htons(ETH_P_ALL));
  return message;
}

}  // namespace

absl::StatusOr<Silencer> Silencer::Create() {
  auto socket = RouteSocket::Open(0);
  if (!socket.ok()) return socket.status();
  return Silencer(*std::move(socket));
}

absl::Status Silencer::Silence(InterfaceIndex index) {
  absl::Status status = AddQdisc(index);
  if (absl::IsAlreadyExists(status)) {
    // Our filter in it: left by a sentry that died, and the discipline with it.
    if (!RemoveFilter(index, TC_H_MIN_INGRESS).ok()) foreign_.insert(index);
    status = absl::OkStatus();
  }
  for (uint32_t direction : kDirections) {
    if (status.ok()) status = AddFilter(index, direction);
  }
  if (!status.ok()) (void)Restore(index);
  return status;
}

absl::Status Silencer::Restore(InterfaceIndex index) {
  if (foreign_.erase(index) == 0) return RemoveQdisc(index);
  absl::Status status;
  for (uint32_t direction : kDirections) status.Update(RemoveFilter(index, direction));
  return status;
}

absl::Status Silencer::AddQdisc(InterfaceIndex index) {
  NetlinkWriter request;
  request.Begin(RTM_NEWQDISC, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
                socket_.NextSequence(), 0);
  request.Fixed(QdiscMessage(index));
  request.Text(TCA_KIND, "clsact");
  request.End();
  return socket_.Request(request);
}

absl::Status Silencer::RemoveQdisc(InterfaceIndex index) {
  NetlinkWriter request;
  request.Begin(RTM_DELQDISC, NLM_F_REQUEST | NLM_F_ACK, socket_.NextSequence(), 0);
  request.Fixed(QdiscMessage(index));
  request.Text(TCA_KIND, "clsact");
  request.End();
  return socket_.Request(request);
}

absl::Status Silencer::AddFilter(InterfaceIndex index, uint32_t direction) {
  NetlinkWriter request;
  request.Begin(RTM_NEWTFILTER, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE,
                socket_.NextSequence(), 0);
  request.Fixed(FilterMessage(index, direction));
  request.Text(TCA_KIND, "bpf");
  const size_t options = request.BeginNested(TCA_OPTIONS);
  request.Value(TCA_BPF_OPS_LEN, static_cast<uint16_t>(std::size(kDropAll)));
  request.Value(TCA_BPF_OPS, kDropAll);
  request.Text(TCA_BPF_NAME, kFilterName);
  request.Value(TCA_BPF_FLAGS, uint32_t{TCA_BPF_FLAG_ACT_DIRECT});
  request.EndNested(options);
  request.End();
  return socket_.Request(request);
}

absl::Status Silencer::RemoveFilter(InterfaceIndex index, uint32_t direction) {
  NetlinkWriter request;
  request.Begin(RTM_DELTFILTER, NLM_F_REQUEST | NLM_F_ACK, socket_.NextSequence(), 0);
  request.Fixed(FilterMessage(index, direction));
  request.Text(TCA_KIND, "bpf");
  request.End();
  return socket_.Request(request);
}

}  // namespace moat::sentry
