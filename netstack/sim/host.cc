#include "netstack/sim/host.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "netstack/link/segment.h"
#include "netstack/wire/ethernet.h"

namespace moat::netstack::sim {
namespace {

constexpr uint32_t kMaxSuperSegment = 65536;
// A stack that is due now although it has just run is asked again this much later.
constexpr Duration kPatience = std::chrono::microseconds(100);

}  // namespace

void Program::OnReady(uint32_t newly_ready) { host_.Note(this); }

void Program::OnEvent(uint64_t argument) {
  OnTime(argument);
  host_.Settle();
}

LinkCapabilities Host::Interface::capabilities() const {
  LinkCapabilities capabilities;
  if (offload_) {
    capabilities.tx_checksum_offload = true;
    capabilities.max_gso_bytes = kMaxSuperSegment;
  }
  return capabilities;
}

// Never refuses: what the wire drops is the channel's business, and the sender does not learn of
// it.
bool Host::Interface::Transmit(const TxFrame& frame) {
  EmitWireFrames(frame, kEthernetHeaderSize, [this](std::span<const uint8_t> bytes) {
    out_->Send(Slice::Copy(bytes));
  });
  return true;
}

Host::Host(EventQueue& queue, uint64_t seed, std::string_view name, bool offload)
    : queue_(queue),
      random_(seed, absl::StrCat("host/", std::string(name))),
      offload_(offload),
      stack_(std::make_unique<Stack>(StackOptions{.clock = &queue, .random = &random_})) {}

Host::~Host() = default;

absl::Status Host::AddPort(Channel* out, const MacAddress& mac, uint32_t mtu) {
  const size_t port = interfaces_.size();
  interfaces_.push_back(std::make_unique<Interface>(out, offload_));
  InterfaceOptions options;
  options.index = kFirstInterface + static_cast<InterfaceIndex>(port);
  options.name = absl::StrCat("eth", port);
  options.mac = mac;
  options.mtu = mtu;
  options.link = interfaces_.back().get();
  return stack_->AddInterface(options);
}

void Host::Receive(size_t port, Slice frame) {
  RxFrame received;
  received.bytes = std::move(frame);
  stack_->Receive(kFirstInterface + static_cast<InterfaceIndex>(port), std::move(received));
  Settle();
}

void Host::OnEvent(uint64_t argument) {
  if (queue_.Now() == wake_) wake_ = kNever;
  if (stack_->NextDeadline() <= queue_.Now()) {
    for (TimerWatcher* watcher : watchers_) watcher->BeforeTimers();
    stack_->RunTimers();
    for (TimerWatcher* watcher : watchers_) watcher->AfterTimers();
  }
  Settle();
}

void Host::Note(Program* program) {
  if (program->noted_) return;
  program->noted_ = true;
  noted_.push_back(program);
}

void Host::Settle() {
  stack_->Flush();
  while (!noted_.empty()) {
    std::vector<Program*> turn;
    turn.swap(noted_);
    for (Program* program : turn) {
      program->noted_ = false;
      program->Run();
    }
    stack_->Flush();
  }
  Time next = stack_->NextDeadline();
  if (next == kNever) return;
  if (next <= queue_.Now()) next = queue_.Now() + kPatience;
  if (next >= wake_) return;
  wake_ = next;
  queue_.At(next, this, 0);
}

}  // namespace moat::netstack::sim
