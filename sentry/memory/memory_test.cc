// Reads and writes a child's memory, and duplicates its descriptors.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <thread>
#include <vector>

#include "base/owned_fd.h"
#include "gtest/gtest.h"
#include "sentry/memory/credentials.h"
#include "sentry/memory/process_table.h"
#include "sentry/memory/remote_memory.h"
#include "sentry/memory/remote_transfer.h"

namespace moat::sentry {
namespace {

constexpr size_t kPage = 4096;

// Waits until it is killed. Its memory is a copy of ours.
class Child {
 public:
  Child() : pid_(fork()) {
    if (pid_ == 0) {
      for (;;) pause();
    }
  }
  ~Child() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  const pid_t pid_;
};

// Two pages, of which the second cannot be touched.
class Pages {
 public:
  Pages()
      : base_(static_cast<uint8_t*>(mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE,
                                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    std::fill_n(base_, kPage, 'p');
    mprotect(base_ + kPage, kPage, PROT_NONE);
  }
  ~Pages() { munmap(base_, 2 * kPage); }
  uint64_t end() const { return reinterpret_cast<uint64_t>(base_) + kPage; }

 private:
  uint8_t* base_;
};

TEST(RemoteMemory, AllOrNothing) {
  Pages pages;
  Child child;
  const RemoteMemory memory(child.pid());
  std::array<uint8_t, 16> bytes;
  EXPECT_TRUE(memory.Read(pages.end() - 16, bytes));
  EXPECT_EQ(bytes[15], 'p');
  EXPECT_FALSE(memory.Read(pages.end() - 15, bytes));
  EXPECT_FALSE(memory.Read(0, bytes));
  EXPECT_FALSE(memory.Read(~uint64_t{0}, bytes));
  EXPECT_TRUE(memory.Read(0, {}));
  EXPECT_TRUE(memory.Write(pages.end() - 16, bytes));
  EXPECT_FALSE(memory.Write(pages.end() - 1, bytes));
}

TEST(RemoteMemory, Values) {
  static uint32_t word = 42;
  Child child;
  const RemoteMemory memory(child.pid());
  uint32_t value = 0;
  ASSERT_TRUE(memory.ReadValue(reinterpret_cast<uint64_t>(&word), &value));
  EXPECT_EQ(value, 42u);
  ASSERT_TRUE(memory.WriteValue(reinterpret_cast<uint64_t>(&word), uint32_t{43}));
  ASSERT_TRUE(memory.ReadValue(reinterpret_cast<uint64_t>(&word), &value));
  EXPECT_EQ(value, 43u);
  EXPECT_EQ(word, 42u) << "the child's memory is its own";
}

TEST(RemoteMemory, GathersManyVectors) {
  static std::array<uint8_t, 300> source;
  for (size_t i = 0; i < source.size(); ++i) source[i] = static_cast<uint8_t>(i);
  Child child;
  IoVectors vectors;
  for (size_t i = source.size(); i > 0; --i) {
    vectors.pieces.push_back({reinterpret_cast<uint64_t>(&source[i - 1]), 1});
    if (i % 7 == 0) vectors.pieces.push_back({0, 0});
  }
  vectors.total = source.size();
  std::array<uint8_t, 300> reversed;
  ASSERT_EQ(RemoteMemory(child.pid()).Gather(vectors, reversed), 300);
  EXPECT_TRUE(std::equal(source.rbegin(), source.rend(), reversed.begin()));
}

TEST(RemoteMemory, ScatterStopsAtTheFirstBadAddress) {
  Pages pages;
  Child child;
  const RemoteMemory memory(child.pid());
  std::vector<uint8_t> data(64, 'd');
  IoVectors vectors;
  vectors.pieces = {{pages.end() - 10, 10}, {pages.end(), 10}};
  vectors.total = 20;
  EXPECT_EQ(memory.Scatter(data, vectors), 10);
  vectors.pieces = {{pages.end(), 10}};
  EXPECT_EQ(memory.Scatter(data, vectors), -1);
  vectors.pieces = {{pages.end() - 10, 10}};
  EXPECT_EQ(memory.Scatter(data, vectors), 10) << "no more than there is room for";
}

TEST(RemoteMemory, DeadProcess) {
  pid_t pid;
  {
    Child child;
    pid = child.pid();
  }
  uint8_t byte;
  EXPECT_FALSE(RemoteMemory(pid).Read(reinterpret_cast<uint64_t>(&pid), {&byte, 1}));
}

TEST(RemoteTransfer, ManyPiecesInOrder) {
  static std::array<uint8_t, 100> target;
  std::array<uint8_t, 100> source;
  for (size_t i = 0; i < source.size(); ++i) source[i] = static_cast<uint8_t>(i + 1);
  Child child;
  const RemoteMemory memory(child.pid());
  RemoteTransfer write(memory, RemoteTransfer::Direction::kWrite);
  for (size_t i = 0; i < 50; ++i) {
    write.Write(reinterpret_cast<uint64_t>(&target[i]), {&source[i], 1});
  }
  IoVectors rest;
  rest.pieces = {{reinterpret_cast<uint64_t>(&target[50]), 20},
                 {reinterpret_cast<uint64_t>(&target[70]), 1000}};
  write.Scatter({&source[50], 50}, rest);
  ASSERT_TRUE(write.Commit());
  std::array<uint8_t, 100> back;
  RemoteTransfer read(memory, RemoteTransfer::Direction::kRead);
  read.Read(reinterpret_cast<uint64_t>(target.data()), {back.data(), 1});
  read.Read(reinterpret_cast<uint64_t>(&target[1]), {back.data() + 1, 99});
  ASSERT_TRUE(read.Commit());
  EXPECT_EQ(back, source);
}

TEST(RemoteTransfer, FailsAsAWhole) {
  Pages pages;
  Child child;
  std::array<uint8_t, 16> bytes{};
  RemoteTransfer transfer(RemoteMemory(child.pid()), RemoteTransfer::Direction::kWrite);
  transfer.Write(pages.end() - 16, bytes);
  transfer.Write(pages.end(), bytes);
  EXPECT_FALSE(transfer.Commit());
  RemoteTransfer small(RemoteMemory(child.pid()), RemoteTransfer::Direction::kWrite);
  IoVectors vectors;
  vectors.pieces = {{pages.end() - 16, 8}};
  small.Scatter(bytes, vectors);
  EXPECT_FALSE(small.Commit()) << "no room for all";
  EXPECT_TRUE(RemoteTransfer(RemoteMemory(child.pid()), RemoteTransfer::Direction::kRead).Commit());
}

TEST(ProcessTable, DuplicatesDescriptors) {
  OwnedFd file(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const uint64_t cookie = SocketCookie(file.get());
  Child child;
  ProcessTable table;
  EXPECT_EQ(table.ProcessOf(child.pid()), child.pid());
  auto copy = table.Duplicate(child.pid(), file.get());
  ASSERT_TRUE(copy.ok());
  EXPECT_EQ(SocketCookie(copy->get()), cookie);
  EXPECT_TRUE(table.HasCloseOnExec(child.pid(), file.get()));
  EXPECT_EQ(table.Duplicate(child.pid(), 9999).error(), EBADF);
  EXPECT_EQ(table.Duplicate(child.pid(), -1).error(), EBADF);
}

TEST(ProcessTable, NoticesThatAProcessHasGone) {
  ProcessTable table;
  pid_t pid;
  {
    Child child;
    pid = child.pid();
    ASSERT_TRUE(table.Duplicate(pid, 0).ok());
  }
  EXPECT_EQ(table.Duplicate(pid, 0).error(), ESRCH);
  EXPECT_EQ(table.ProcessOf(pid), 0);
  EXPECT_EQ(table.size(), 0u);
}

TEST(ProcessTable, FindsTheProcessOfAThread) {
  ProcessTable table;
  std::thread([&] {
    EXPECT_EQ(table.ProcessOf(gettid()), getpid());
    EXPECT_EQ(table.ProcessOf(gettid()), getpid()) << "from the cache";
  }).join();
  EXPECT_EQ(table.ProcessOf(getpid()), getpid());
}

TEST(ProcessTable, IsBounded) {
  ProcessTable table;
  std::vector<std::unique_ptr<Child>> children;
  for (size_t i = 0; i < ProcessTable::kMaxProcesses + 8; ++i) {
    children.push_back(std::make_unique<Child>());
    EXPECT_TRUE(table.Duplicate(children.back()->pid(), 0).ok());
  }
  EXPECT_EQ(table.size(), ProcessTable::kMaxProcesses);
}

TEST(SocketCookie, OnlySocketsHaveOne) {
  OwnedFd file(open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(SocketCookie(file.get()), 0u);
  EXPECT_EQ(SocketCookie(-1), 0u);
}

TEST(Identity, OfThisProcess) {
  const auto identity = ProcessTable().IdentityOf(getpid());
  ASSERT_TRUE(identity.has_value());
  EXPECT_EQ(identity->uid, geteuid());
  EXPECT_EQ(identity->gid, getegid());
  EXPECT_EQ(identity->groups.size(), static_cast<size_t>(getgroups(0, nullptr)));
  EXPECT_FALSE(ProcessTable().IdentityOf(0).has_value());
}

TEST(Identity, IsTheFileSystemIdentityOfTheStatus) {
  const auto identity =
      ParseIdentity("Name:\tx\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t9 10 \n");
  ASSERT_TRUE(identity.has_value());
  EXPECT_EQ(identity->uid, 4u);
  EXPECT_EQ(identity->gid, 8u);
  EXPECT_EQ(identity->groups, (std::vector<uint32_t>{9, 10}));
  EXPECT_FALSE(ParseIdentity("Uid:\t1\t2\t3\nGid:\t5\t6\t7\t8\nGroups:\t\n").has_value());
  EXPECT_FALSE(ParseIdentity("").has_value());
}

TEST(Identity, IsTranslatedIntoTheUserNamespace) {
  constexpr char kMap[] = "         0     100000      65536\n     70000       1000          1\n";
  EXPECT_EQ(MapInside(kMap, 100000), 0u);
  EXPECT_EQ(MapInside(kMap, 165535), 65535u);
  EXPECT_EQ(MapInside(kMap, 165536), kOverflowId);
  EXPECT_EQ(MapInside(kMap, 1000), 70000u);
  EXPECT_EQ(MapInside(kMap, 0), kOverflowId);
  EXPECT_EQ(MapInside("junk\n0 0\n", 0), kOverflowId);
}

TEST(Identity, GroupsWithinARange) {
  const auto identity = ParseIdentity("Uid:\t1\t2\t3\t4\nGid:\t5\t600\t7\t8\nGroups:\t100009 \n");
  ASSERT_TRUE(identity.has_value());
  constexpr char kAll[] = "0 0 4294967295\n", kUsers[] = "0 100000 65536\n";
  EXPECT_TRUE(HasGroupWithin(*identity, kAll, 600, 600));  // the effective one
  EXPECT_TRUE(HasGroupWithin(*identity, kAll, 100000, 100009));
  EXPECT_FALSE(HasGroupWithin(*identity, kAll, 0, 8));  // neither the real nor the saved one
  EXPECT_FALSE(HasGroupWithin(*identity, kAll, 1, 0));
  EXPECT_TRUE(HasGroupWithin(*identity, kUsers, 9, 9));
  EXPECT_FALSE(HasGroupWithin(*identity, kUsers, 10, int64_t{1} << 31));  // 600 is nobody there
  EXPECT_FALSE(HasGroupWithin(*identity, "", 0, int64_t{1} << 31));
}

TEST(ProcessTable, GroupsWithinARange) {
  ProcessTable table;
  const gid_t group = getegid();
  EXPECT_TRUE(table.HasGroupWithin(getpid(), group, group));
  EXPECT_FALSE(table.HasGroupWithin(getpid(), 1, 0));
  EXPECT_FALSE(table.HasGroupWithin(0, 0, group));
  const OwnedFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)));
  table.UseGroupsOf(pidfd.get());  // the same namespace, the same numbers
  EXPECT_TRUE(table.HasGroupWithin(getpid(), group, group));
  table.UseGroupsOf(-1);  // changes nothing
  EXPECT_TRUE(table.HasGroupWithin(getpid(), group, group));
}

// A child in a user namespace of its own is known by the sandbox's numbers.
TEST(ProcessTable, GroupsOfAUserNamespace) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to map groups";
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    const bool entered = unshare(CLONE_NEWUSER) == 0;
    (void)!write(ready[1], entered ? "y" : "n", 1);
    for (;;) pause();
  }
  char entered = 0;
  ASSERT_EQ(read(ready[0], &entered, 1), 1);
  close(ready[0]);
  close(ready[1]);
  if (entered == 'y') {
    const std::string path = "/proc/" + std::to_string(child) + "/gid_map";
    const std::string map = "4000 " + std::to_string(getegid()) + " 1\n";
    OwnedFd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(write(file.get(), map.data(), map.size()), static_cast<ssize_t>(map.size()));
    ProcessTable table;
    EXPECT_FALSE(table.HasGroupWithin(child, 4000, 4000));
    const OwnedFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
    table.UseGroupsOf(pidfd.get());
    EXPECT_TRUE(table.HasGroupWithin(child, 4000, 4000));
    EXPECT_FALSE(table.HasGroupWithin(child, 0, 3999));
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  if (entered != 'y') GTEST_SKIP() << "no user namespace can be made here";
}

TEST(Credentials, OfThisProcess) {
  EXPECT_EQ(HasCapability(getpid(), 0), geteuid() == 0);
  EXPECT_FALSE(HasCapability(0x7ffffff0, 0));
}

}  // namespace
}  // namespace moat::sentry
