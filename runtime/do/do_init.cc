#include "runtime/do/do_init.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace moat::runtime {
namespace {

constexpr int kNotFound = 127;
constexpr int kNotRunnable = 126;
constexpr int kSignalBase = 128;

[[noreturn]] void RunCommand(const std::vector<std::string>& command, bool own_terminal,
                             const sigset_t& mask) {
  if (own_terminal) {
    // The terminal's keys are for the command and its children.
    ::setpgid(0, 0);
    ::tcsetpgrp(STDIN_FILENO, ::getpid());
  }
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  const int error = errno;
  std::fprintf(stderr, "moat do: exec: \"%s\": %s\n", argv[0], std::strerror(error));
  ::_exit(error == ENOENT ? kNotFound : kNotRunnable);
}

// Reaps what has ended. True, with the exit status in *code, when the command was among it.
bool Reap(pid_t command, int* code) {
  int status = 0;
  bool found = false;
  for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid != command) continue;
    *code = WIFSIGNALED(status) ? kSignalBase + WTERMSIG(status) : WEXITSTATUS(status);
    found = true;
  }
  return found;
}

}  // namespace

int RunDoInit(const std::vector<std::string>& command) {
  sigset_t all, before;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  ::prctl(PR_SET_NAME, kDoInitName);
  const bool own_terminal = ::getsid(0) == ::getpid() && ::isatty(STDIN_FILENO);
  const pid_t child = ::fork();
  if (child < 0) {
    std::perror("moat do: fork");
    return kNotRunnable;
  }
  if (child == 0) RunCommand(command, own_terminal, before);
  while (true) {
    siginfo_t info;
    const int signal = ::sigwaitinfo(&all, &info);
    if (signal < 0) continue;
    if (signal != SIGCHLD) {
      // What the terminal sends reaches the command by itself.
      if (info.si_code != SI_KERNEL) ::kill(child, signal);
      continue;
    }
    int code = 0;
    if (Reap(child, &code)) return code;
  }
}

}  // namespace moat::runtime
