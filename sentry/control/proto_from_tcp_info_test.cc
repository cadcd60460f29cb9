#include "sentry/control/proto_from_tcp_info.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <set>
#include <string>

namespace moat::sentry {
namespace {

// With nothing in it that is 0.
netstack::TcpInfo FullInfo() {
  netstack::TcpInfo info;
  info.congestion_control = "cubic";
  info.timestamps = info.sack = info.window_scaling = info.ecn = info.ecn_seen = true;
  info.syn_data = info.fast_open_child = info.accurate_ecn = true;
  info.delivery_rate_app_limited = true;
  info.fast_open_failure = netstack::FastOpenFailure::kNoCookie;
  for (uint8_t* small : {&info.ca_state, &info.retransmits, &info.probes, &info.backoff,
                         &info.send_window_scale, &info.receive_window_scale}) {
    *small = 1;
  }
  for (netstack::Duration* time :
       {&info.rto, &info.ato, &info.rtt, &info.rtt_variance, &info.min_rtt, &info.last_data_sent,
        &info.last_data_received, &info.last_ack_received, &info.busy_time,
        &info.receiver_limited, &info.buffer_limited, &info.timeout_time, &info.receive_rtt,
        &info.peer_user_timeout}) {
    *time = std::chrono::milliseconds(7);
  }
  for (uint32_t* number :
       {&info.send_mss, &info.receive_mss, &info.advertised_mss, &info.path_mtu, &info.unacked,
        &info.sacked, &info.lost, &info.retransmitted, &info.send_ssthresh,
        &info.congestion_window, &info.receive_space, &info.send_window, &info.receive_window,
        &info.receive_window_limit, &info.segments_out, &info.segments_in,
        &info.data_segments_out, &info.data_segments_in, &info.total_retransmits,
        &info.not_sent_bytes, &info.reordering, &info.reordering_events,
        &info.out_of_order_segments, &info.rehashes, &info.delivered, &info.delivered_marked,
        &info.received_marked, &info.delivered_e0_bytes, &info.delivered_e1_bytes,
        &info.delivered_ce_bytes, &info.received_e0_bytes, &info.received_e1_bytes,
        &info.received_ce_bytes, &info.duplicates_reported, &info.total_timeouts,
        &info.timeout_recoveries}) {
    *number = 9;
  }
  for (uint64_t* number : {&info.bytes_acked, &info.bytes_received, &info.bytes_sent,
                           &info.bytes_retransmitted, &info.delivery_rate, &info.pacing_rate,
                           &info.max_pacing_rate}) {
    *number = uint64_t{1} << 40;
  }
  return info;
}

// The numbers of the fields that are on the wire: proto3 leaves out what is 0.
std::set<uint32_t> FieldsOf(const std::string& wire) {
  std::set<uint32_t> fields;
  google::protobuf::io::ArrayInputStream array(wire.data(), static_cast<int>(wire.size()));
  google::protobuf::io::CodedInputStream in(&array);
  while (const uint32_t tag = in.ReadTag()) {
    fields.insert(tag >> 3);
    uint64_t value = 0;
    EXPECT_TRUE(in.ReadVarint64(&value));
    if ((tag & 7) == 2) {
      EXPECT_TRUE(in.Skip(static_cast<int>(value)));
    }
  }
  return fields;
}

TEST(ProtoFromTcpInfo, LeavesNothingOut) {
  const std::set<uint32_t> fields = FieldsOf(ToProto(FullInfo()).SerializeAsString());
  for (uint32_t field = 1; field <= v1::TcpInfo::kPeerUserTimeoutMsFieldNumber; ++field) {
    EXPECT_TRUE(fields.contains(field)) << "field " << field;
  }
}

TEST(ProtoFromTcpInfo, KeepsUnits) {
  const v1::TcpInfo out = ToProto(FullInfo());
  EXPECT_EQ(out.busy_us(), 7000u);
  EXPECT_EQ(out.rtt_us(), 7000u);
  EXPECT_EQ(out.timeout_ms(), 7u);
  EXPECT_EQ(out.peer_user_timeout_ms(), 7u);
  EXPECT_EQ(out.last_ack_received_ms(), 7u);
  EXPECT_EQ(out.pacing_rate_bytes_per_second(), uint64_t{1} << 40);
  EXPECT_EQ(out.congestion_control(), "cubic");
}

}  // namespace
}  // namespace moat::sentry
