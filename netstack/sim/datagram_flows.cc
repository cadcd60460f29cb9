// Datagrams at a constant rate, and echo requests.
#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "netstack/sim/flow.h"
#include "netstack/wire/bytes.h"
#include "netstack/wire/icmpv4.h"
#include "netstack/wire/icmpv6.h"

namespace moat::netstack::sim {
namespace {

// What arrives this long after the last was sent still counts.
constexpr Duration kGrace = std::chrono::seconds(10);
// A message begins with its number and the time when it was sent.
constexpr size_t kHeaderSize = 16;

enum Argument : uint64_t { kSend, kGraceOver };

// What datagrams and echoes share: numbered messages, each of which comes back or not.
class MessageFlow : public Flow {
 public:
  using Flow::Flow;

 protected:
  void Count(uint64_t messages) { seen_.assign(messages, false); }
  uint64_t count() const { return seen_.size(); }

  // The payload of message `number`.
  const std::vector<uint8_t>& Compose(uint64_t number) {
    last_activity_ = context().queue->elapsed();
    payload_.resize(spec().size);
    StoreBe64(payload_.data(), number);
    StoreBe64(payload_.data() + 8, static_cast<uint64_t>(context().queue->elapsed().count()));
    const size_t rest = payload_.size() - kHeaderSize;
    std::memcpy(payload_.data() + kHeaderSize, context().pattern->At(number, rest).data(), rest);
    return payload_;
  }

  // A message has come; fails the flow when it is not one of ours.
  void Arrived(std::span<const uint8_t> payload) {
    FlowResult& result = mutable_result();
    const uint64_t number = payload.size() < kHeaderSize ? UINT64_MAX : LoadBe64(payload.data());
    if (payload.size() != spec().size || number >= result.messages_sent ||
        !context().pattern->Matches(number, payload.subspan(kHeaderSize))) {
      Fail("a message arrived damaged");
      return;
    }
    if (seen_[number]) {
      ++result.duplicates;
      return;
    }
    seen_[number] = true;
    last_activity_ = context().queue->elapsed();
    if (number < newest_) ++result.reordered;
    newest_ = std::max(newest_, number);
    last_rtt_ = context().queue->elapsed() -
                Duration(static_cast<Duration::rep>(LoadBe64(payload.data() + 8)));
    AddRtt(last_rtt_);
    result.bytes += payload.size();
    if (++result.messages_received == count()) Finish();
  }

 private:
  void Measure(FlowPoint& point) override { point.rtt = last_rtt_; }
  // What waiting for the missing took does not count.
  void Close() override {
    if (last_activity_ > result().start) mutable_result().time = last_activity_ - result().start;
  }

  std::vector<bool> seen_;
  uint64_t newest_ = 0;
  Duration last_rtt_{0};
  Duration last_activity_{0};  // since the simulation began
  std::vector<uint8_t> payload_;
};

class UdpFlow : public MessageFlow {
 public:
  explicit UdpFlow(FlowContext context)
      : MessageFlow(std::move(context)), sender_(*this), receiver_(*this) {
    const auto bits = static_cast<unsigned __int128>(spec().rate) *
                      static_cast<uint64_t>(spec().duration.count()) / 1'000'000'000;
    Count(std::max<uint64_t>(1, static_cast<uint64_t>(bits / 8 / spec().size)));
  }

 private:
  class Sender : public Program {
   public:
    explicit Sender(UdpFlow& flow) : Program(*flow.context().from), flow_(flow) {}
    void Begin() {
      socket_ = host().stack().NewUdpSocket(flow_.spec().family);
      const Error error = socket_->Connect({flow_.context().address, flow_.context().port});
      if (error != Error::kOk) {
        flow_.Fail(absl::StrCat("connect: ", std::string(ErrorName(error))));
        return;
      }
      begin_ = host().queue().Now();
      host().queue().At(begin_, this, kSend);
    }

   private:
    void Run() override {}
    void OnTime(uint64_t argument) override {
      if (flow_.done()) return;
      if (argument == kGraceOver) {
        flow_.Finish();
        return;
      }
      const std::span<const uint8_t> payload = flow_.Compose(sent_);
      ++flow_.mutable_result().messages_sent;
      ++sent_;
      // Failures (no route for a while) are losses like others.
      (void)socket_->Send({&payload, 1}, {});
      if (sent_ < flow_.count()) {
        const auto bits = static_cast<unsigned __int128>(sent_) * flow_.spec().size * 8;
        host().queue().At(begin_ + Duration(static_cast<Duration::rep>(
                                       bits * 1'000'000'000 / flow_.spec().rate)),
                          this, kSend);
      } else {
        host().queue().After(kGrace, this, kGraceOver);
      }
    }

    UdpFlow& flow_;
    std::unique_ptr<DatagramSocket> socket_;
    Time begin_{};
    uint64_t sent_ = 0;
  };

  class Receiver : public Program {
   public:
    explicit Receiver(UdpFlow& flow) : Program(*flow.context().to), flow_(flow) {}
    void Listen() {
      socket_ = host().stack().NewUdpSocket(flow_.spec().family);
      socket_->SetObserver(this);
      const Error error = socket_->Bind({flow_.context().address, flow_.context().port});
      if (error != Error::kOk) flow_.Fail(absl::StrCat("bind: ", std::string(ErrorName(error))));
    }

   private:
    void Run() override {
      for (;;) {
        Result<Datagram> datagram = socket_->Receive();
        if (!datagram.ok() && datagram.error() == Error::kWouldBlock) return;
        if (datagram.ok() && !flow_.done()) flow_.Arrived(datagram->payload.span());
      }
    }

    UdpFlow& flow_;
    std::unique_ptr<DatagramSocket> socket_;
  };

  void Listen() override { receiver_.Listen(); }
  void Begin() override { sender_.Begin(); }

  Sender sender_;
  Receiver receiver_;
};

class PingFlow : public MessageFlow {
 public:
  explicit PingFlow(FlowContext context) : MessageFlow(std::move(context)), pinger_(*this) {
    Count(spec().count);
  }

 private:
  class Pinger : public Program {
   public:
    explicit Pinger(PingFlow& flow) : Program(*flow.context().from), flow_(flow) {}
    void Begin() {
      socket_ = host().stack().NewPingSocket(flow_.spec().family);
      socket_->SetObserver(this);
      const Error error = socket_->Connect({flow_.context().address, 0});
      if (error != Error::kOk) {
        flow_.Fail(absl::StrCat("connect: ", std::string(ErrorName(error))));
        return;
      }
      host().queue().After(Duration{0}, this, kSend);
    }

   private:
    void Run() override {
      for (;;) {
        Result<Datagram> reply = socket_->Receive();
        if (!reply.ok() && reply.error() == Error::kWouldBlock) return;
        // An ICMP error (a router found the way shut) is a loss like others.
        if (!reply.ok() || flow_.done()) continue;
        const std::span<const uint8_t> bytes = reply->payload.span();
        if (bytes.size() >= kIcmpHeaderSize) flow_.Arrived(bytes.subspan(kIcmpHeaderSize));
      }
    }
    void OnTime(uint64_t argument) override {
      if (flow_.done()) return;
      if (argument == kGraceOver) {
        flow_.Finish();
        return;
      }
      std::array<uint8_t, kIcmpHeaderSize> header;
      const bool v4 = flow_.spec().family == Family::kIpv4;
      EmitIcmp(header.data(), v4 ? icmpv4_type::kEchoRequest : icmpv6_type::kEchoRequest, 0,
               static_cast<uint32_t>(sent_ & 0xffff));
      const std::span<const uint8_t> pieces[] = {header, flow_.Compose(sent_)};
      ++flow_.mutable_result().messages_sent;
      ++sent_;
      (void)socket_->Send(pieces, {});
      const bool more = sent_ < flow_.count();
      host().queue().After(more ? flow_.spec().interval : kGrace, this, more ? kSend : kGraceOver);
    }

    PingFlow& flow_;
    std::unique_ptr<DatagramSocket> socket_;
    uint64_t sent_ = 0;
  };

  void Listen() override {}
  void Begin() override { pinger_.Begin(); }

  Pinger pinger_;
};

}  // namespace

std::unique_ptr<Flow> NewUdpFlow(FlowContext context) {
  return std::make_unique<UdpFlow>(std::move(context));
}

std::unique_ptr<Flow> NewPingFlow(FlowContext context) {
  return std::make_unique<PingFlow>(std::move(context));
}

}  // namespace moat::netstack::sim
