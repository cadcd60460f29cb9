// `moat do` as a program, on this machine, as root, with a sentry that serves nothing: what it
// runs, what it returns, and that it leaves nothing behind whatever is killed.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace moat::runtime {
namespace {

namespace fs = std::filesystem;

constexpr int kPatienceMs = 60000;

std::string Slurp(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

// Polls until `condition` holds.
template <typename Condition>
bool Eventually(Condition condition) {
  for (int waited = 0; waited < kPatienceMs; waited += 10) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return condition();
}

std::set<std::string> Entries(const std::string& directory, absl::string_view prefix) {
  std::set<std::string> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory, ignored)) {
    const std::string name = entry.path().filename();
    if (absl::StartsWith(name, prefix)) found.insert(name);
  }
  return found;
}

bool Within(const std::set<std::string>& some, const std::set<std::string>& all) {
  return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

class RealDo : public ::testing::Test {
 protected:
  RealDo() {
    std::string name = "/tmp/real-do-test-XXXXXX";
    root_ = ::mkdtemp(name.data());
    binary_ = fs::absolute("runtime/testing/moat_without_network").string();
    work_before_ = Entries("/tmp", "moat-do-");
    links_before_ = Entries("/sys/class/net", "moat-");
  }
  ~RealDo() override {
    // What was there before, of others, may have gone meanwhile.
    EXPECT_TRUE(Eventually([&] { return Within(Entries("/tmp", "moat-do-"), work_before_); }));
    EXPECT_TRUE(
        Eventually([&] { return Within(Entries("/sys/class/net", "moat-"), links_before_); }));
    EXPECT_TRUE(Eventually([&] { return Entries(root_ + "/state", "").empty(); }));
    fs::remove_all(root_);
  }

  // Starts `moat do`; its output goes to out().
  pid_t Start(const std::vector<std::string>& arguments) {
    std::vector<std::string> words = {binary_, "--root", root_ + "/state", "do"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    const int null = ::open("/dev/null", O_RDONLY);
    const int out = ::open(out_path().c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(null, STDIN_FILENO);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    ::_exit(99);
  }
  int Wait(pid_t pid) {
    int status = 0;
    const bool ended = Eventually([&] { return ::waitpid(pid, &status, WNOHANG) == pid; });
    EXPECT_TRUE(ended) << "does not end";
    if (!ended) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, &status, 0);
    }
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  }
  int RunToEnd(const std::vector<std::string>& arguments) { return Wait(Start(arguments)); }

  std::string out_path() const { return root_ + "/out"; }
  std::string out() const { return Slurp(out_path()); }
  bool Says(absl::string_view text) {
    return Eventually([&] { return absl::StrContains(out(), text); });
  }
  // Processes whose command line holds the marker, in any namespace.
  static std::set<pid_t> Processes(absl::string_view marker) {
    std::set<pid_t> found;
    for (const auto& entry : fs::directory_iterator("/proc")) {
      const std::string name = entry.path().filename();
      const pid_t pid = ::atoi(name.c_str());
      if (pid > 0 && pid != ::getpid() &&
          absl::StrContains(Slurp(absl::StrCat("/proc/", pid, "/cmdline")), marker)) {
        found.insert(pid);
      }
    }
    return found;
  }

  std::string root_;
  std::string binary_;
  std::set<std::string> work_before_;
  std::set<std::string> links_before_;
};

TEST_F(RealDo, ReturnsWhatTheCommandReturns) {
  EXPECT_EQ(RunToEnd({"--", "sh", "-c", "echo out; exit 7"}), 7);
  EXPECT_EQ(out(), "out\n");
  EXPECT_EQ(RunToEnd({"--", "no-such-command"}), 127);
  EXPECT_EQ(RunToEnd({"--", "/etc/passwd"}), 126);
  EXPECT_EQ(RunToEnd({"--", "sh", "-c", "kill -SEGV $$"}), 128 + SIGSEGV);
}

TEST_F(RealDo, NothingIsChanged) {
  const std::string probe = absl::StrCat("/etc/moat-probe-", ::getpid());
  EXPECT_EQ(RunToEnd({"--", "sh", "-c",
                      absl::StrCat("echo x > ", probe, " && rm /etc/hostname && test -f ", probe)}),
            0)
      << out();
  EXPECT_FALSE(fs::exists(probe));
  EXPECT_TRUE(fs::exists("/etc/hostname"));
}

TEST_F(RealDo, DirectoryAndEnvironmentAreTheCallersPlusWhatIsAsked) {
  ::setenv("MOAT_TEST_A", "a", 1);
  EXPECT_EQ(RunToEnd({"-e", "MOAT_TEST_B=b", "--hostname", "box", "--", "sh", "-c",
                      "echo $MOAT_TEST_A$MOAT_TEST_B; pwd -P; hostname"}),
            0);
  EXPECT_EQ(out(), absl::StrCat("ab\n", fs::current_path().string(), "\nbox\n"));
  EXPECT_EQ(RunToEnd({"--cwd", "/usr", "--", "pwd"}), 0);
  EXPECT_EQ(out(), "/usr\n");
}

TEST_F(RealDo, TheIpFileTellsTheAddressesAsLongAsItRuns) {
  const std::string file = root_ + "/ip";
  const pid_t pid = Start({"--ip-file", file, "--ipv4", "10.213.255.2/30", "--ipv6", "fd99::2/126",
                           "--", "sleep", "100"});
  EXPECT_TRUE(Eventually([&] { return fs::exists(file); }));
  EXPECT_EQ(Slurp(file), "10.213.255.2\nfd99::2\n");
  EXPECT_TRUE(Eventually([&] { return !Processes("do-init").empty(); }));
  ::kill(pid, SIGTERM);
  EXPECT_EQ(Wait(pid), 128 + SIGTERM);
  EXPECT_FALSE(fs::exists(file));
}

TEST_F(RealDo, SignalsEndTheCommand) {
  for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    const pid_t pid = Start({"--", "sh", "-c", "echo up; exec sleep 4711"});
    EXPECT_TRUE(Says("up"));
    ::kill(pid, signal);
    EXPECT_EQ(Wait(pid), 128 + signal);
    EXPECT_TRUE(Processes(absl::string_view("sleep\0"
                                            "4711",
                                            10))
                    .empty());
    fs::remove(out_path());
  }
}

TEST_F(RealDo, KilledAtAnyMomentItLeavesNothing) {
  for (int delay_ms : {0, 5, 10, 20, 30, 40, 50, 60, 80, 200}) {
    const pid_t pid = Start({"--", "sleep", "4712"});
    std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms));
    ::kill(pid, SIGKILL);
    EXPECT_EQ(Wait(pid), -SIGKILL);
    const absl::string_view marker(
        "sleep\0"
        "4712",
        10);
    EXPECT_TRUE(Eventually([&] {
      return Processes(marker).empty() && Entries(root_ + "/state", "").empty();
    })) << "after "
        << delay_ms << " ms";
  }
}

TEST_F(RealDo, ATakenIdIsRefusedAndItsOwnerUnharmed) {
  const pid_t first = Start({"--id", "twin", "--", "sh", "-c", "echo up; exec sleep 4713"});
  EXPECT_TRUE(Says("up"));
  EXPECT_EQ(RunToEnd({"--id", "twin", "--", "true"}), 1);
  EXPECT_TRUE(absl::StrContains(out(), "twin exists")) << out();
  EXPECT_EQ(::kill(first, 0), 0);
  ::kill(first, SIGTERM);
  EXPECT_EQ(Wait(first), 128 + SIGTERM);
}

TEST_F(RealDo, SeveralAtOnceHaveAddressesOfTheirOwn) {
  std::vector<pid_t> pids;
  for (int i = 0; i < 4; ++i) {
    pids.push_back(Start({"--ip-file", absl::StrCat(root_, "/ip", i), "--", "sleep", "100"}));
  }
  std::set<std::string> addresses;
  for (int i = 0; i < 4; ++i) {
    const std::string file = absl::StrCat(root_, "/ip", i);
    EXPECT_TRUE(Eventually([&] { return fs::exists(file); }));
    for (absl::string_view line : absl::StrSplit(Slurp(file), '\n', absl::SkipEmpty())) {
      EXPECT_TRUE(addresses.insert(std::string(line)).second) << line;
    }
  }
  for (pid_t pid : pids) ::kill(pid, SIGTERM);
  for (pid_t pid : pids) EXPECT_EQ(Wait(pid), 128 + SIGTERM);
}

}  // namespace
}  // namespace moat::runtime
