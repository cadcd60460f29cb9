// TCP_SAVE_SYN: the headers of the SYN that began a connection; and flow labels of programs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netstack/transport/tcp/testing/story.h"
#include "netstack/wire/tcp.h"

namespace moat::netstack::tcp {
namespace {

class SavedSyn : public Story {
 protected:
  static constexpr size_t kIpHeader = 20;
  static constexpr size_t kHeaders = kIpHeader + 24;  // one option, the MSS

  void ListenAndSave() {
    Listen();
    TcpOptions options = listener->tcp_options();
    options.save_syn = true;
    listener->SetTcpOptions(options);
    ip_header.assign(kIpHeader, 0x45);
  }
  void Handshake(Packet syn = Packet()) {
    Send(syn.Flag(tcp_flag::kSyn).Seq(0).Mss(1460));
    All();
    ip_header.clear();
    Send(Ack(1).Seq(1));
    socket = Accept();
    ASSERT_NE(socket, nullptr);
  }
};

TEST_F(SavedSyn, IsTheHeadersOnce) {
  ListenAndSave();
  Handshake();
  const auto saved = socket->TakeSavedSyn(1000);
  ASSERT_TRUE(saved.ok());
  ASSERT_EQ(saved->size(), kHeaders);
  EXPECT_EQ((*saved)[0], 0x45);
  TcpView view;
  ASSERT_TRUE(TcpView::Parse(std::span(*saved).subspan(kIpHeader), &view));
  EXPECT_EQ(view.flags(), tcp_flag::kSyn);
  EXPECT_EQ(view.source_port(), kPeerPort);
  EXPECT_EQ(ParseTcpOptions(view.options()).mss, 1460);
  EXPECT_TRUE(socket->TakeSavedSyn(1000)->empty());
}

TEST_F(SavedSyn, TextIsNotPartOfIt) {
  ListenAndSave();
  Handshake(Packet().Data("early"));
  EXPECT_EQ(socket->TakeSavedSyn(1000)->size(), kHeaders);
}

TEST_F(SavedSyn, StaysWhileThereIsNoRoom) {
  ListenAndSave();
  Handshake();
  EXPECT_EQ(socket->TakeSavedSyn(kHeaders - 1).error(), Error::kMessageSize);
  EXPECT_EQ(socket->TakeSavedSyn(kHeaders)->size(), kHeaders);
}

TEST_F(SavedSyn, IsNotKeptUnasked) {
  Listen();
  ip_header.assign(kIpHeader, 0x45);
  Handshake();
  EXPECT_TRUE(socket->TakeSavedSyn(1000)->empty());
}

TEST_F(SavedSyn, CostsMemoryUntilItIsTakenOrTheConnectionGoes) {
  ListenAndSave();
  const size_t before = host.memory.used();
  Handshake();
  const size_t with = host.memory.used();
  (void)socket->TakeSavedSyn(1000);
  EXPECT_LE(host.memory.used(), with - kHeaders);
  socket->Abort();
  socket.reset();
  All();
  peer_port += 1;
  ip_header.assign(kIpHeader, 0x45);
  Handshake();
  EXPECT_EQ(host.memory.used(), with);
  socket->Abort();
  socket.reset();
  EXPECT_EQ(host.memory.used(), before);
}

class FlowLabels : public Story {
 protected:
  FlowLabels() : Story(Family::kIpv6) { socket = host.tcp->NewSocket(Family::kIpv6); }
  uint32_t LabelOfSyn() {
    BeginConnect();
    return host.ip.Take().flow_label;
  }
};

TEST_F(FlowLabels, AreTheStacksOwn) { EXPECT_NE(LabelOfSyn(), 0u); }

TEST_F(FlowLabels, AreNoneWhereTheProgramWantsNone) {
  SocketOptions options;
  options.auto_flow_label = false;
  socket->SetOptions(options);
  EXPECT_EQ(LabelOfSyn(), 0u);
}

TEST_F(FlowLabels, AreTheProgramsWhereItChoseOne) {
  TcpOptions options = socket->tcp_options();
  options.flow_label = 0x12345;
  socket->SetTcpOptions(options);
  EXPECT_EQ(LabelOfSyn(), 0x12345u);
}

}  // namespace
}  // namespace moat::netstack::tcp
