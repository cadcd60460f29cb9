#include "sentry/control/control_server.h"

#include <fcntl.h>
#include <grpcpp/create_channel_posix.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "sentry/control/control_socket.h"
#include "sentry/control/testing.h"

namespace moat::sentry {
namespace {

constexpr absl::Duration kLong = absl::Seconds(30);

class ControlServerTest : public ControlTest {
 protected:
  ControlServerTest() : ControlTest(/*idle=*/absl::Milliseconds(20)) {}

  static bool Answers(v1::Sandbox::Stub& stub) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    v1::GetInfoResponse response;
    return stub.GetInfo(&context, {}, &response).ok();
  }
};

TEST_F(ControlServerTest, ExistsOnlyWhileSomebodyIsConnected) {
  EXPECT_FALSE(server_.active());
  for (int round = 0; round < 3; ++round) {
    auto client = NewClient();
    EXPECT_TRUE(Answers(*client));
    EXPECT_TRUE(server_.active());
    client.reset();
    EXPECT_TRUE(server_.WaitUntilInactive(kLong));
  }
}

TEST_F(ControlServerTest, AConnectionThatIsHeldKeepsItUp) {
  auto client = NewClient();
  EXPECT_TRUE(Answers(*client));
  EXPECT_FALSE(server_.WaitUntilInactive(absl::Milliseconds(100)));  // five times the idle time
  EXPECT_TRUE(Answers(*client));
}

TEST_F(ControlServerTest, ServesSeveralConnections) {
  auto one = NewClient();
  auto two = NewClient();
  EXPECT_TRUE(Answers(*one));
  EXPECT_TRUE(Answers(*two));
  one.reset();
  EXPECT_TRUE(Answers(*two));
}

TEST_F(ControlServerTest, GarbageEndsOnlyItsOwnConnection) {
  auto client = NewClient();
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
  ASSERT_TRUE(server_.OnConnection(ends[0]).ok());
  const std::string garbage(4096, 'x');
  ASSERT_EQ(write(ends[1], garbage.data(), garbage.size()), static_cast<ssize_t>(garbage.size()));
  // The server hangs up.
  char buffer[4096];
  ssize_t size = 1;
  pollfd entry{ends[1], POLLIN, 0};
  while (size > 0 && poll(&entry, 1, 30000) == 1) size = read(ends[1], buffer, sizeof(buffer));
  EXPECT_LE(size, 0);
  close(ends[1]);
  EXPECT_TRUE(Answers(*client));
}

TEST_F(ControlServerTest, TooManyConnectionsAreClosed) {
  std::vector<int> clients;
  for (size_t i = 0; i <= ControlServer::kMaxConnections; ++i) {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    clients.push_back(ends[1]);
    const absl::Status status = server_.OnConnection(ends[0]);
    const bool fits = i < ControlServer::kMaxConnections;
    EXPECT_EQ(status.code(), fits ? absl::StatusCode::kOk : absl::StatusCode::kResourceExhausted);
  }
  char byte;
  EXPECT_EQ(read(clients.back(), &byte, 1), 0);
  for (const int fd : clients) close(fd);
  EXPECT_TRUE(server_.WaitUntilInactive(kLong));
  EXPECT_TRUE(Answers(*NewClient()));
}

TEST_F(ControlServerTest, ALiveWatchDoesNotKeepItFromEnding) {
  netstack::Stack stack({.clock = &clock_, .random = &random_});
  LockedStack access(&stack);
  auto server = std::make_unique<ControlServer>(
      ControlServer::Options{.id = "x", .owner = getuid(), .idle = kLong}, &access);
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
  ASSERT_TRUE(server->OnConnection(ends[0]).ok());
  const auto stub = v1::Sandbox::NewStub(grpc::CreateInsecureChannelFromFd("sandbox", ends[1]));
  grpc::ClientContext context;
  const auto reader = stub->Watch(&context, {});
  v1::Event event;
  ASSERT_TRUE(reader->Read(&event));
  EXPECT_EQ(event.kind(), v1::Event::KIND_SNAPSHOT_END);
  server.reset();
  EXPECT_FALSE(reader->Read(&event));
  EXPECT_FALSE(reader->Finish().ok());
}

// A pair whose credentials are another user's: those of its creation.
int StrangersSocket(int* other) {
  int ends[2];
  const bool root = geteuid() == 0;
  if (root && seteuid(65534) != 0) return -1;
  const int result = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
  if (root && seteuid(0) != 0) return -1;
  if (result < 0) return -1;
  *other = ends[1];
  return ends[0];
}

TEST_F(ControlServerTest, AStrangerIsNotServed) {
  ControlServer server({.id = "x", .owner = getuid() + 1, .idle = kLong}, &access_);
  int other = -1;
  const int fd = StrangersSocket(&other);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(server.OnConnection(fd).code(), absl::StatusCode::kPermissionDenied);
  char byte;
  EXPECT_EQ(read(other, &byte, 1), 0);
  EXPECT_FALSE(server.active());
  close(other);
}

class ControlSocketTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/control.XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string directory_;
};

TEST_F(ControlSocketTest, IsTheOwnersAlone) {
  const std::string path = directory_ + "/control.sock";
  const absl::StatusOr<int> fd = ListenControlSocket(path);
  ASSERT_TRUE(fd.ok()) << fd.status();
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_TRUE(S_ISSOCK(info.st_mode));
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_TRUE(fcntl(*fd, F_GETFL) & O_NONBLOCK);
  EXPECT_TRUE(fcntl(*fd, F_GETFD) & FD_CLOEXEC);
  close(*fd);
}

TEST_F(ControlSocketTest, LongPathsAndLeftovers) {
  const std::string deep = directory_ + "/" + std::string(150, 'd');
  ASSERT_TRUE(std::filesystem::create_directory(deep));
  for (int round = 0; round < 2; ++round) {  // the second finds the first one's socket
    const absl::StatusOr<int> fd = ListenControlSocket(deep + "/control.sock");
    ASSERT_TRUE(fd.ok()) << fd.status();
    close(*fd);
  }
}

TEST_F(ControlSocketTest, SaysWhatIsInTheWay) {
  const std::string path = directory_ + "/file";
  close(open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  EXPECT_EQ(ListenControlSocket(path).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ListenControlSocket(directory_ + "/none/control.sock").status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(ListenControlSocket(directory_ + "/").status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace moat::sentry
