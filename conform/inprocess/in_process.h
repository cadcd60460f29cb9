// Netstack in this process, on a fake clock: device and cable at once. Every case gets a fresh one.
#ifndef MOAT_CONFORM_INPROCESS_IN_PROCESS_H_
#define MOAT_CONFORM_INPROCESS_IN_PROCESS_H_

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "conform/bench/cable.h"
#include "conform/bench/device.h"
#include "conform/inprocess/stack_socket.h"
#include "netstack/stack/stack.h"
#include "netstack/testing/channel_link.h"
#include "netstack/testing/fake_clock.h"
#include "netstack/testing/seeded_random.h"

namespace moat::conform {

class InProcess : public Device, public Cable {
 public:
  InProcess(Setup setup, bool two_ports);

  // --- Cable -------------------------------------------------------------------------------------
  Duration Now() const override { return clock_.Now() - netstack::FakeClock::kStart; }
  void Send(int port, const Bytes& frame) override;
  // Moves the clock from deadline to deadline of the stack's until it sends something.
  std::optional<SeenFrame> Receive(Duration deadline) override;

  // --- Device ------------------------------------------------------------------------------------
  std::string name() const override { return "moat (in process)"; }
  uint32_t abilities() const override;  // all: no case may pass us by
  absl::Status AddAddress(int port, const Prefix& prefix, bool detect_duplicates) override;
  absl::Status RemoveAddress(int port, const Prefix& prefix) override;
  absl::Status AddRoute(const Prefix& to, const std::optional<Ip>& gateway, int port,
                        int metric) override;
  absl::Status RemoveRoute(const Prefix& to, const std::optional<Ip>& gateway, int port,
                           int metric) override;
  absl::Status FlushNeighbors() override;
  absl::Status AddNeighbor(int port, const Ip& ip, const Mac& mac) override;
  absl::Status RemoveNeighbor(int port, const Ip& ip) override;
  absl::Status SetMtu(int port, int mtu) override;
  absl::Status SetLinkUp(int port, bool up) override;
  absl::Status SetSysctl(std::string_view name, std::string_view value) override;
  absl::Status Advertise(int port, const Advertising& advertising) override;
  absl::Status Filter(const std::vector<Prefix>& sources) override;
  absl::Status StopAdvertising(int port) override;

  int Open(SocketType type, bool v6) override;
  int Bind(int socket, const Endpoint& local) override;
  int Connect(int socket, const Endpoint& remote) override;
  int Listen(int socket, int backlog) override;
  int Accept(int socket) override;
  int Send(int socket, const Bytes& data, const std::optional<Endpoint>& to,
           bool urgent) override;
  int Receive(int socket, size_t size, Received* received) override;
  int Shutdown(int socket, ShutdownHow how) override;
  int Close(int socket) override;
  int SetOption(int socket, Option option, int value) override;
  int TakeError(int socket) override;
  int LocalPort(int socket) override;
  int SetFilter(int socket, const Ip& group, int port, const SourceFilter& filter) override;

 private:
  void AddPort(int port, Setup setup);
  void Configure(int port);
  void RunUntil(netstack::Time until);  // or until a frame is there
  // The result of `call` on the socket, or -EBADF; what the stack held back is sent.
  template <typename Call>
  int OnSocket(int socket, Call call);

  netstack::FakeClock clock_;
  netstack::SeededRandom random_{1};
  netstack::ChannelLink links_[2];
  netstack::Stack stack_;
  std::deque<SeenFrame> sent_;
  std::map<int, std::unique_ptr<StackSocket>> sockets_;
  int next_socket_ = 3;
  const bool two_ports_;
};

}  // namespace moat::conform

#endif  // MOAT_CONFORM_INPROCESS_IN_PROCESS_H_
