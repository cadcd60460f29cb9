#include "sentry/control/control_port.h"

#include <fcntl.h>
#include <grpcpp/create_channel_posix.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include "sentry/control/control_socket.h"
#include "sentry/control/testing.h"

namespace moat::sentry {
namespace {

class ControlPortTest : public ControlTest {
 protected:
  ControlPortTest() {
    std::string pattern = ::testing::TempDir() + "/port.XXXXXX";
    directory_ = mkdtemp(pattern.data());
    const absl::StatusOr<int> listener = ListenControlSocket(directory_ + "/control.sock");
    EXPECT_TRUE(listener.ok()) << listener.status();
    absl::MutexLock lock(&lock_);
    port_ = std::make_unique<ControlPort>(ControlServer::Options{.id = "web", .owner = getuid()},
                                          &access_, loop_, lock_, OwnedFd(listener.value_or(-1)));
  }
  ~ControlPortTest() override { std::filesystem::remove_all(directory_); }

  // A client that has connected and waits to be accepted.
  int Connect() {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const int parent = open(directory_.c_str(), O_PATH | O_CLOEXEC);
    const std::string path = "/proc/self/fd/" + std::to_string(parent) + "/control.sock";
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    close(parent);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
  }

  // One turn of the event loop; how many events it had.
  int Turn() {
    std::array<epoll_event, 8> events;
    const int count = loop_.Wait(events, 0);
    absl::MutexLock lock(&lock_);
    loop_.Dispatch({events.data(), static_cast<size_t>(count)});
    return count;
  }

  absl::Mutex lock_;
  EventLoop loop_;
  std::string directory_;
  std::unique_ptr<ControlPort> port_;
};

TEST_F(ControlPortTest, ServesWhoConnects) {
  const int one = Connect();
  const int two = Connect();
  EXPECT_EQ(Turn(), 1);
  EXPECT_EQ(Turn(), 0);
  for (const int fd : {one, two}) {
    const auto stub = v1::Sandbox::NewStub(grpc::CreateInsecureChannelFromFd("sandbox", fd));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    v1::GetInfoResponse response;
    EXPECT_TRUE(stub->GetInfo(&context, {}, &response).ok());
    EXPECT_EQ(response.id(), "web");
  }
}

TEST_F(ControlPortTest, RunningOutOfDescriptorsRefusesInsteadOfSpinning) {
  const int client = Connect();
  rlimit former{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &former), 0);
  // No number below the limit is free.
  const int next = fcntl(client, F_DUPFD_CLOEXEC, 0);
  close(next);
  const rlimit full{static_cast<rlim_t>(next), former.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &full), 0);
  std::array<int, 3> turns{};
  for (int& turn : turns) turn = Turn();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &former), 0);
  EXPECT_EQ(turns, (std::array<int, 3>{1, 0, 0}));
  char byte;
  EXPECT_EQ(read(client, &byte, 1), 0);  // hung up
  close(client);
  // And it recovers.
  const int later = Connect();
  EXPECT_EQ(Turn(), 1);
  EXPECT_TRUE(port_->server().active());
  close(later);
}

}  // namespace
}  // namespace moat::sentry
