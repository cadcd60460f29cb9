// Bulk transfers, and requests with their responses.
#include <algorithm>
#include <string>
#include <utility>

#include "netstack/sim/tcp_end.h"

namespace moat::netstack::sim {
namespace {

class BulkFlow : public TcpFlow {
 public:
  explicit BulkFlow(FlowContext context)
      : TcpFlow(std::move(context)), sender_(*this), receiver_(*this) {}

 private:
  class Sender : public TcpEnd {
   public:
    explicit Sender(BulkFlow& flow) : TcpEnd(flow, *flow.context().from) {}
    using TcpEnd::Connect;
    void Run() override {
      if (flow().done() || Failed()) return;
      if ((socket()->Ready() & ready::kConnected) == 0 || closed_) return;
      if (!Write(flow().spec().bytes)) return;
      CloseWriting();
      closed_ = true;
    }

   private:
    bool closed_ = false;
  };

  class Receiver : public TcpEnd {
   public:
    explicit Receiver(BulkFlow& flow) : TcpEnd(flow, *flow.context().to) {}
    using TcpEnd::Listen;
    void Run() override {
      if (flow().done() || !Accepted() || Failed()) return;
      Read();
      if (flow().done() || !AtEnd()) return;
      if (flow().result().bytes == flow().spec().bytes) {
        flow().Finish();
      } else {
        flow().Fail("the stream ended early");
      }
    }
  };

  void Listen() override { receiver_.Listen(); }
  void Begin() override { sender_.Connect(); }
  void Measure(FlowPoint& point) override { MeasureTcp(sender_, point, true); }
  void Close() override { CloseTcp(sender_, receiver_, true); }

  Sender sender_;
  Receiver receiver_;
};

class RequestsFlow : public TcpFlow {
 public:
  explicit RequestsFlow(FlowContext context)
      : TcpFlow(std::move(context)), client_(*this), server_(*this) {}

 private:
  class Client : public TcpEnd {
   public:
    explicit Client(RequestsFlow& flow) : TcpEnd(flow, *flow.context().from) {}
    using TcpEnd::Connect;
    void Run() override {
      if (flow().done() || Failed()) return;
      if ((socket()->Ready() & ready::kConnected) == 0) return;
      if (!running_ && !pausing_) Ask();
      if (running_) (void)Write(asked_ * flow().spec().request);
      received_ += Read();
      while (running_ && !flow().done() && received_ >= asked_ * flow().spec().response) Answered();
    }

   private:
    void OnTime(uint64_t) override {
      pausing_ = false;
      Run();
    }
    void Ask() {
      ++asked_;
      ++flow().mutable_result().messages_sent;
      running_ = true;
      since_ = host().queue().Now();
      (void)Write(asked_ * flow().spec().request);
    }
    void Answered() {
      running_ = false;
      ++flow().mutable_result().messages_received;
      flow().AddRtt(host().queue().Now() - since_);
      if (asked_ == flow().spec().count) {
        CloseWriting();
        flow().Finish();
      } else if (flow().spec().interval.count() > 0) {
        pausing_ = true;
        host().queue().After(flow().spec().interval, this, 0);
      } else {
        Ask();
      }
    }

    uint64_t asked_ = 0, received_ = 0;
    bool running_ = false, pausing_ = false;
    Time since_{};
  };

  class Server : public TcpEnd {
   public:
    explicit Server(RequestsFlow& flow) : TcpEnd(flow, *flow.context().to) {}
    using TcpEnd::Listen;
    void Run() override {
      if (flow().done() || !Accepted() || Failed()) return;
      received_ += Read();
      (void)Write(received_ / flow().spec().request * flow().spec().response);
    }

   private:
    uint64_t received_ = 0;
  };

  void Listen() override { server_.Listen(); }
  void Begin() override { client_.Connect(); }
  void Measure(FlowPoint& point) override { MeasureTcp(server_, point, false); }
  void Close() override { CloseTcp(client_, server_, false); }

  Client client_;
  Server server_;
};

}  // namespace

std::unique_ptr<Flow> NewBulkFlow(FlowContext context) {
  return std::make_unique<BulkFlow>(std::move(context));
}

std::unique_ptr<Flow> NewRequestsFlow(FlowContext context) {
  return std::make_unique<RequestsFlow>(std::move(context));
}

}  // namespace moat::netstack::sim
