// Every field of struct tcp_info that Linux ever sets is set by a connection that lives through
// enough: loss, reordering, duplicates, marks, a path that vanishes, a reader and a buffer that are
// too small, Fast Open. In virtual time.
#include "sentry/options/tcp_info.h"

#include <gtest/gtest.h>
#include <linux/tcp.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "netstack/transport/tcp/testing/pipe.h"
#include "sentry/abi/bytes.h"

namespace moat::sentry {
namespace {

using netstack::Duration;
using netstack::Error;
using netstack::Family;
using netstack::SocketOptions;
using netstack::TcpOptions;
using netstack::TcpSocket;
using netstack::tcp::Pipe;
using netstack::tcp::PipeOptions;
using std::chrono::milliseconds;
using std::chrono::seconds;

using Encoded = std::array<uint8_t, kTcpInfoSize>;

struct Field {
  const char* name;
  std::function<uint64_t(const Encoded&)> get;
};

template <typename T>
Field At(const char* name, size_t offset) {
  return {name, [offset](const Encoded& bytes) { return uint64_t{LoadAt<T>(bytes, offset)}; }};
}

#define MOAT_FIELD(member) \
  {#member, [](const Encoded& bytes) { return uint64_t{LoadAt<tcp_info>(bytes, 0).member}; }}
#define MOAT_OPTION(bit)                                                         \
  {#bit, [](const Encoded& bytes) {                                              \
     return uint64_t{LoadAt<tcp_info>(bytes, 0).tcpi_options} & uint64_t{bit}; \
   }}

constexpr int kTfoChild = 128;  // TCPI_OPT_TFO_CHILD

std::vector<Field> Fields() {
  return {
      MOAT_FIELD(tcpi_state),
      MOAT_FIELD(tcpi_ca_state),
      MOAT_FIELD(tcpi_retransmits),
      MOAT_FIELD(tcpi_probes),
      MOAT_FIELD(tcpi_backoff),
      MOAT_OPTION(TCPI_OPT_TIMESTAMPS),
      MOAT_OPTION(TCPI_OPT_SACK),
      MOAT_OPTION(TCPI_OPT_WSCALE),
      MOAT_OPTION(TCPI_OPT_ECN),
      MOAT_OPTION(TCPI_OPT_ECN_SEEN),
      MOAT_OPTION(TCPI_OPT_SYN_DATA),
      MOAT_OPTION(kTfoChild),
      MOAT_FIELD(tcpi_snd_wscale),
      MOAT_FIELD(tcpi_rcv_wscale),
      MOAT_FIELD(tcpi_delivery_rate_app_limited),
      MOAT_FIELD(tcpi_fastopen_client_fail),
      MOAT_FIELD(tcpi_rto),
      MOAT_FIELD(tcpi_ato),
      MOAT_FIELD(tcpi_snd_mss),
      MOAT_FIELD(tcpi_rcv_mss),
      MOAT_FIELD(tcpi_unacked),
      MOAT_FIELD(tcpi_sacked),
      MOAT_FIELD(tcpi_lost),
      MOAT_FIELD(tcpi_retrans),
      MOAT_FIELD(tcpi_fackets),
      MOAT_FIELD(tcpi_last_data_sent),
      MOAT_FIELD(tcpi_last_ack_sent),
      MOAT_FIELD(tcpi_last_data_recv),
      MOAT_FIELD(tcpi_last_ack_recv),
      MOAT_FIELD(tcpi_pmtu),
      MOAT_FIELD(tcpi_rcv_ssthresh),
      MOAT_FIELD(tcpi_rtt),
      MOAT_FIELD(tcpi_rttvar),
      MOAT_FIELD(tcpi_snd_ssthresh),
      MOAT_FIELD(tcpi_snd_cwnd),
      MOAT_FIELD(tcpi_advmss),
      MOAT_FIELD(tcpi_reordering),
      MOAT_FIELD(tcpi_rcv_rtt),
      MOAT_FIELD(tcpi_rcv_space),
      MOAT_FIELD(tcpi_total_retrans),
      MOAT_FIELD(tcpi_pacing_rate),
      MOAT_FIELD(tcpi_max_pacing_rate),
      MOAT_FIELD(tcpi_bytes_acked),
      MOAT_FIELD(tcpi_bytes_received),
      MOAT_FIELD(tcpi_segs_out),
      MOAT_FIELD(tcpi_segs_in),
      MOAT_FIELD(tcpi_notsent_bytes),
      MOAT_FIELD(tcpi_min_rtt),
      MOAT_FIELD(tcpi_data_segs_in),
      MOAT_FIELD(tcpi_data_segs_out),
      MOAT_FIELD(tcpi_delivery_rate),
      MOAT_FIELD(tcpi_busy_time),
      MOAT_FIELD(tcpi_rwnd_limited),
      MOAT_FIELD(tcpi_sndbuf_limited),
      MOAT_FIELD(tcpi_delivered),
      MOAT_FIELD(tcpi_delivered_ce),
      MOAT_FIELD(tcpi_bytes_sent),
      MOAT_FIELD(tcpi_bytes_retrans),
      MOAT_FIELD(tcpi_dsack_dups),
      MOAT_FIELD(tcpi_reord_seen),
      MOAT_FIELD(tcpi_rcv_ooopack),
      MOAT_FIELD(tcpi_snd_wnd),
      // Linux 6.18's; the header here is older.
      At<uint32_t>("tcpi_rcv_wnd", 232),
      At<uint32_t>("tcpi_rehash", 236),
      At<uint16_t>("tcpi_total_rto", 240),
      At<uint16_t>("tcpi_total_rto_recoveries", 242),
      At<uint32_t>("tcpi_total_rto_time", 244),
      At<uint32_t>("tcpi_received_ce", 248),
      At<uint32_t>("tcpi_delivered_e1_bytes", 252),
      At<uint32_t>("tcpi_delivered_e0_bytes", 256),
      At<uint32_t>("tcpi_delivered_ce_bytes", 260),
      At<uint32_t>("tcpi_received_e1_bytes", 264),
      At<uint32_t>("tcpi_received_e0_bytes", 268),
      At<uint32_t>("tcpi_received_ce_bytes", 272),
      At<uint16_t>("tcpi_accecn_fail_mode", 276),
      At<uint16_t>("tcpi_accecn_opt_seen", 278),
  };
}

constexpr std::string_view kNever[] = {
    "tcpi_fackets",             // FACK is no more
    "tcpi_last_ack_sent",       // "not remembered, sorry"
    "tcpi_delivered_e1_bytes",  // neither end sends ECT(1)
    "tcpi_received_e1_bytes",
};
// Only when options seem to get lost or bits are cleared, which is up to chance here.
constexpr std::string_view kPerhaps = "tcpi_accecn_fail_mode";

// A client and a server that write to each other, with times in which nothing gets through and in
// which the server does not read.
class Life {
 public:
  Life(const PipeOptions& options, const std::vector<Field>& fields, std::set<std::string>& seen)
      : pipe_(options), fields_(fields), seen_(seen) {}

  Pipe& pipe() { return pipe_; }

  void Listen() {
    listener_ = pipe_.b().tcp->NewSocket(Family::kIpv4);
    TcpOptions options;
    options.fast_open_queue = 8;
    listener_->SetTcpOptions(options);
    SocketOptions buffers;
    buffers.receive_buffer = 20'000;
    listener_->SetOptions(buffers);
    ASSERT_EQ(listener_->Bind({.address = pipe_.b().address, .port = 80}), Error::kOk);
    ASSERT_EQ(listener_->Listen(8), Error::kOk);
  }

  void Run(size_t size) {
    client_ = pipe_.a().tcp->NewSocket(Family::kIpv4);
    server_.reset();
    TcpOptions options;
    options.fast_open_connect = true;
    client_->SetTcpOptions(options);
    SocketOptions buffers;
    buffers.send_buffer = 12'000;
    client_->SetOptions(buffers);
    const Error error = client_->Connect({.address = pipe_.b().address, .port = 80});
    ASSERT_TRUE(error == Error::kOk || error == Error::kInProgress);
    start_ = pipe_.clock().Now();
    sent_ = {};
    received_ = {};
    pipe_.filter = [this](const auto&) { return !Between(seconds(4), seconds(8)); };
    const bool done = pipe_.RunUntil(
        [&] { return received_[0] == size && received_[1] == size; }, seconds(600),
        [&] { Work(size); });
    EXPECT_TRUE(done) << received_[0] << " and " << received_[1];
    pipe_.filter = nullptr;
    pipe_.Run(milliseconds(50));
    Note(*client_);
    Note(*server_);
    client_.reset();
    server_.reset();
    pipe_.Run(seconds(5));
  }

 private:
  bool Between(Duration from, Duration to) {
    const Duration now = pipe_.clock().Now() - start_;
    return now >= from && now < to;
  }

  void Work(size_t size) {
    if (server_ == nullptr) {
      auto accepted = listener_->Accept();
      if (accepted.ok()) server_ = std::move(*accepted);
    }
    Move(*client_, size, 0, true);
    if (server_ != nullptr) Move(*server_, size, 1, !Between(Duration::zero(), seconds(3)));
  }

  void Move(TcpSocket& socket, size_t size, size_t end, bool reads) {
    constexpr size_t kPiece = 3000;
    while (sent_[end] < size) {
      const size_t room = std::min({socket.WriteSpace(), size - sent_[end], kPiece});
      if (room == 0 || socket.Write(netstack::tcp::Pattern(sent_[end], room), false) != Error::kOk)
        break;
      sent_[end] += room;
    }
    if (reads) {
      received_[end] += socket.ReadableBytes();
      socket.Consume(socket.ReadableBytes());
    }
    Note(socket);
  }

  void Note(const TcpSocket& socket) {
    const Encoded bytes = EncodeTcpInfo(socket.Info(), ~uint64_t{0});
    for (const Field& field : fields_) {
      if (field.get(bytes) != 0) seen_.insert(field.name);
    }
  }

  Pipe pipe_;
  const std::vector<Field>& fields_;
  std::set<std::string>& seen_;
  netstack::Time start_{};
  std::unique_ptr<TcpSocket> listener_, client_, server_;
  std::array<size_t, 2> sent_{}, received_{};
};

TEST(TcpInfoTest, EveryFieldOfALifeIsSet) {
  const std::vector<Field> fields = Fields();
  std::set<std::string> seen;
  for (const char* ecn : {"1", "3"}) {
    PipeOptions options;
    options.delay = milliseconds(10);
    options.loss = 0.03;
    options.reorder = 0.1;
    options.duplicate = 0.03;
    options.mark = 0.05;
    Life life(options, fields, seen);
    for (auto* host : {&life.pipe().a(), &life.pipe().b()}) {
      host->Sysctl("ipv4.tcp_ecn", ecn);
      host->Sysctl("ipv4.tcp_fastopen", "3");
    }
    ASSERT_NO_FATAL_FAILURE(life.Listen());
    ASSERT_NO_FATAL_FAILURE(life.Run(600'000));  // gets a cookie
    ASSERT_NO_FATAL_FAILURE(life.Run(100'000));
  }
  for (std::string_view never : kNever) {
    EXPECT_FALSE(seen.contains(std::string(never))) << never << " is set after all";
    seen.insert(std::string(never));
  }
  seen.insert(std::string(kPerhaps));
  for (const Field& field : fields) EXPECT_TRUE(seen.contains(field.name)) << field.name;
}

}  // namespace
}  // namespace moat::sentry
