#include "conform/onwire/pool.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <fstream>
#include <list>

#include "conform/onwire/wire_world.h"

namespace moat::conform {
namespace {

constexpr size_t kTraceLines = 60;
constexpr int kEndingSignals[] = {SIGINT, SIGTERM, SIGHUP};
volatile sig_atomic_t caught_signal = 0;

// Outcome, reason and trace, separated by zero bytes.
std::string Encode(const std::string& outcome, const std::string& reason,
                   const std::string& trace) {
  return outcome + '\0' + reason + '\0' + trace;
}

void Decode(const std::string& text, JobResult* result) {
  const size_t first = text.find('\0');
  const size_t second = first == text.npos ? first : text.find('\0', first + 1);
  if (second == text.npos) {
    result->outcome = OutcomeName(Outcome::kFailed);
    result->reason = "the bench died";
    return;
  }
  result->outcome = text.substr(0, first);
  result->reason = text.substr(first + 1, second - first - 1);
  result->trace = text.substr(second + 1);
}

bool WritePcap(const std::string& path, const Trace& trace) {
  const Bytes bytes = trace.Pcap();
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  return !file.flush().fail();
}

// In the child. Exits.
[[noreturn]] void RunChild(const Job& job, const PoolOptions& options, int out) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const int number : kEndingSignals) signal(number, SIG_DFL);
  signal(SIGPIPE, SIG_IGN);
  std::string text;
  {
    const absl::StatusOr<Report> report = RunOnWire(*job.c, job.stack, options.programs);
    if (report.ok()) {
      const bool passed = report->outcome == Outcome::kPassed;
      text = Encode(OutcomeName(report->outcome), report->reason,
                    passed ? "" : report->trace.Format(kTraceLines));
      const std::string capture =
          options.pcap_directory + "/" + job.c->id() + "-" + job.stack + ".pcap";
      if (!options.pcap_directory.empty() && !WritePcap(capture, report->trace)) {
        text = Encode(OutcomeName(Outcome::kFailed), "bench: cannot write " + capture, "");
      }
    } else {
      text = Encode(OutcomeName(Outcome::kFailed), "bench: " + report.status().ToString(), "");
    }
  }
  for (size_t at = 0; at < text.size();) {
    const ssize_t n = write(out, text.data() + at, text.size() - at);
    if (n <= 0) break;
    at += static_cast<size_t>(n);
  }
  _exit(0);
}

struct Running {
  size_t index;
  pid_t pid;
  int fd;
  time_t started, deadline;
  std::string text;
  bool late = false;
};

time_t Seconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

Running StartJob(size_t index, const Job& job, const PoolOptions& options) {
  int channel[2];
  if (pipe2(channel, O_CLOEXEC) < 0) return {index, -1, -1, 0, 0, ""};
  const pid_t pid = fork();
  if (pid == 0) {
    close(channel[0]);
    RunChild(job, options, channel[1]);
  }
  close(channel[1]);
  const time_t now = Seconds();
  return {index, pid, channel[0], now, now + options.timeout_seconds, ""};
}

// Reads what is there; true when the child has ended.
bool ReadSome(Running& running) {
  char piece[65536];
  const ssize_t n = read(running.fd, piece, sizeof(piece));
  if (n <= 0) return true;
  running.text.append(piece, static_cast<size_t>(n));
  return false;
}

void KillAll(std::list<Running>& running) {
  for (const Running& child : running) {
    if (child.pid > 0) kill(child.pid, SIGKILL);
  }
  for (const Running& child : running) {
    if (child.pid > 0) waitpid(child.pid, nullptr, 0);
    close(child.fd);
  }
  running.clear();
}

}  // namespace

void CatchSignals() {
  struct sigaction action = {};  // without SA_RESTART, so that poll() returns
  action.sa_handler = [](int number) { caught_signal = number; };
  for (const int number : kEndingSignals) sigaction(number, &action, nullptr);
}

int CaughtSignal() { return caught_signal; }

std::vector<JobResult> RunJobs(const std::vector<Job>& jobs, const PoolOptions& options,
                               const std::function<void(const JobResult&)>& progress) {
  std::vector<JobResult> results(jobs.size());
  std::list<Running> running;
  size_t next = 0;
  while (next < jobs.size() || !running.empty()) {
    if (CaughtSignal() != 0) {
      KillAll(running);
      break;
    }
    while (next < jobs.size() && running.size() < static_cast<size_t>(options.parallel)) {
      running.push_back(StartJob(next, jobs[next], options));
      ++next;
    }
    std::vector<pollfd> fds;
    for (const Running& child : running) fds.push_back({child.fd, POLLIN, 0});
    if (poll(fds.data(), fds.size(), 1000) < 0) continue;  // a signal
    size_t i = 0;
    for (auto child = running.begin(); child != running.end(); ++i) {
      if (Seconds() > child->deadline && !child->late) {
        child->late = true;
        kill(child->pid, SIGKILL);
      }
      const bool ended = fds[i].fd < 0 || (fds[i].revents != 0 && ReadSome(*child));
      if (!ended) {
        ++child;
        continue;
      }
      if (child->pid > 0) waitpid(child->pid, nullptr, 0);
      close(child->fd);
      JobResult& result = results[child->index];
      result.job = jobs[child->index];
      Decode(child->text, &result);
      if (child->late) result.reason = "took too long";
      result.seconds = static_cast<int>(Seconds() - child->started);
      progress(result);
      child = running.erase(child);
    }
  }
  return results;
}

}  // namespace moat::conform
