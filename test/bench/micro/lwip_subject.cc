#include "test/bench/micro/lwip_subject.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "lwip/etharp.h"
#include "lwip/init.h"
#include "lwip/ip4.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/priv/tcp_priv.h"  // the lists of connections
#include "lwip/tcp.h"
#include "lwip/timeouts.h"
#include "lwip/udp.h"
#include "netif/ethernet.h"

namespace moat::bench {

class LwipSubject::Impl {
 public:
  Impl() {
    static const bool initialized = (lwip_init(), true);
    (void)initialized;
    ip4_addr_t address, mask, gateway;
    IP4_ADDR(&address, 192, 0, 2, 1);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    IP4_ADDR(&gateway, 192, 0, 2, 2);
    Require(netif_add(&netif_, &address, &mask, &gateway, this, &Impl::SetUpInterface,
                      ethernet_input) != nullptr);
    netif_set_default(&netif_);
    netif_set_link_up(&netif_);
    netif_set_up(&netif_);
  }

  ~Impl() {
    sink_ = nullptr;  // for what closing sends
    while (tcp_active_pcbs != nullptr) tcp_abort(tcp_active_pcbs);
    while (tcp_tw_pcbs != nullptr) tcp_abort(tcp_tw_pcbs);
    for (tcp_pcb* listener : listeners_) {
      if (listener != nullptr) tcp_close(listener);
    }
    if (udp_ != nullptr) udp_remove(udp_);
    netif_remove(&netif_);
  }

  void set_sink(FrameSink* sink) { sink_ = sink; }

  void Receive(std::span<const uint8_t> frame) {
    pbuf* buffer = pbuf_alloc(PBUF_RAW, static_cast<u16_t>(frame.size()), PBUF_RAM);
    Require(buffer != nullptr);
    pbuf_take(buffer, frame.data(), static_cast<u16_t>(frame.size()));
    if (netif_.input(buffer, &netif_) != ERR_OK) pbuf_free(buffer);
  }

  void EchoUdp(uint16_t port) {
    udp_ = udp_new();
    Require(udp_bind(udp_, IP4_ADDR_ANY, port) == ERR_OK);
    udp_recv(udp_, &Impl::OnDatagram, this);
  }

  void Listen(uint16_t port, tcp_accept_fn on_accept) {
    tcp_pcb* pcb = tcp_new();
    Require(tcp_bind(pcb, IP4_ADDR_ANY, port) == ERR_OK);
    pcb = tcp_listen_with_backlog(pcb, 255);
    tcp_arg(pcb, this);
    tcp_accept(pcb, on_accept);
    *std::find(listeners_.begin(), listeners_.end(), nullptr) = pcb;
  }

  size_t Write(size_t size) {
    static constexpr std::array<uint8_t, 65535> kData{};
    if (last_ == nullptr) return 0;
    size = std::min<size_t>(size, tcp_sndbuf(last_));
    if (size == 0 ||
        tcp_write(last_, kData.data(), static_cast<u16_t>(size), TCP_WRITE_FLAG_COPY) != ERR_OK) {
      return 0;
    }
    tcp_output(last_);
    return size;
  }

  size_t connections() const { return connections_; }

  static err_t OnAcceptEcho(void* self, tcp_pcb* pcb, err_t) {
    return static_cast<Impl*>(self)->Accept(pcb, &Impl::OnEcho);
  }
  static err_t OnAcceptDrop(void* self, tcp_pcb* pcb, err_t) {
    return static_cast<Impl*>(self)->Accept(pcb, &Impl::OnDrop);
  }

 private:
  static err_t SetUpInterface(netif* interface) {
    interface->name[0] = 'e';
    interface->name[1] = 'n';
    interface->mtu = kMtu;
    interface->hwaddr_len = 6;
    std::memcpy(interface->hwaddr, kSubjectMac.bytes.data(), 6);
    interface->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP;
    interface->output = etharp_output;
    interface->linkoutput = &Impl::Transmit;
    return ERR_OK;
  }

  static err_t Transmit(netif* interface, pbuf* buffer) {
    Impl& self = *static_cast<Impl*>(interface->state);
    if (self.sink_ == nullptr) return ERR_OK;
    const size_t size = pbuf_copy_partial(buffer, self.frame_.data(), buffer->tot_len, 0);
    self.sink_->OnFrame(std::span<const uint8_t>(self.frame_).first(size));
    return ERR_OK;
  }

  static void OnDatagram(void*, udp_pcb* pcb, pbuf* data, const ip_addr_t* from, u16_t port) {
    udp_sendto(pcb, data, from, port);
    pbuf_free(data);
  }

  err_t Accept(tcp_pcb* pcb, tcp_recv_fn on_receive) {
    ++connections_;
    last_ = pcb;
    tcp_arg(pcb, this);
    tcp_recv(pcb, on_receive);
    tcp_err(pcb, &Impl::OnError);
    return ERR_OK;
  }

  // Its connection is gone already.
  static void OnError(void* self, err_t) {
    --static_cast<Impl*>(self)->connections_;
    static_cast<Impl*>(self)->last_ = nullptr;
  }

  static err_t OnEcho(void* self, tcp_pcb* pcb, pbuf* data, err_t) {
    if (data == nullptr) return static_cast<Impl*>(self)->Close(pcb);
    for (const pbuf* piece = data; piece != nullptr; piece = piece->next) {
      Require(tcp_write(pcb, piece->payload, piece->len, TCP_WRITE_FLAG_COPY) == ERR_OK);
    }
    tcp_recved(pcb, data->tot_len);
    pbuf_free(data);
    tcp_output(pcb);
    return ERR_OK;
  }

  static err_t OnDrop(void* self, tcp_pcb* pcb, pbuf* data, err_t) {
    if (data == nullptr) return static_cast<Impl*>(self)->Close(pcb);
    tcp_recved(pcb, data->tot_len);
    pbuf_free(data);
    return ERR_OK;
  }

  err_t Close(tcp_pcb* pcb) {
    --connections_;
    if (last_ == pcb) last_ = nullptr;
    tcp_arg(pcb, nullptr);
    tcp_recv(pcb, nullptr);
    tcp_err(pcb, nullptr);
    return tcp_close(pcb);
  }

  netif netif_{};
  FrameSink* sink_ = nullptr;
  std::array<uint8_t, 2048> frame_;
  std::array<tcp_pcb*, 4> listeners_{};
  udp_pcb* udp_ = nullptr;
  tcp_pcb* last_ = nullptr;
  size_t connections_ = 0;
};

LwipSubject::LwipSubject() : impl_(std::make_unique<Impl>()) {}
LwipSubject::~LwipSubject() = default;

void LwipSubject::SetSink(FrameSink* sink) { impl_->set_sink(sink); }
void LwipSubject::Receive(std::span<const uint8_t> frame) { impl_->Receive(frame); }
void LwipSubject::Tick() { sys_check_timeouts(); }
void LwipSubject::EchoUdp(uint16_t port) { impl_->EchoUdp(port); }
void LwipSubject::EchoTcp(uint16_t port) { impl_->Listen(port, &Impl::OnAcceptEcho); }
void LwipSubject::DropTcp(uint16_t port) { impl_->Listen(port, &Impl::OnAcceptDrop); }
size_t LwipSubject::Write(size_t size) { return impl_->Write(size); }
size_t LwipSubject::connections() const { return impl_->connections(); }

}  // namespace moat::bench
