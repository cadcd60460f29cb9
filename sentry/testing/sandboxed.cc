// Runs a program in a sandbox without the runtime: in the host's own mounts, with an empty network
// namespace of its own, served by a sentry that is attached to an existing one.
//
//   sandboxed NETNS_PATH STATE_DIR PROGRAM [ARGUMENT...]
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "sentry/client.h"

namespace {

int Fail(const char* what, const std::string& why) {
  fprintf(stderr, "sandboxed: %s: %s\n", what, why.c_str());
  return 125;
}

[[noreturn]] void RunProgram(int handover, int go, char** argv) {
  char byte;
  (void)!read(go, &byte, 1);
  close(go);
  const char* step = "";
  if (unshare(CLONE_NEWNET) != 0) _exit(125);
  const int error = moat::sentry::InstallFilterAndHandOver(handover, &step);
  if (error != 0) {
    fprintf(stderr, "sandboxed: %s: %s\n", step, strerror(error));
    _exit(125);
  }
  execvp(argv[0], argv);
  fprintf(stderr, "sandboxed: exec %s: %s\n", argv[0], strerror(errno));
  _exit(127);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && strcmp(argv[1], "boot") == 0) return moat::sentry::BootMain(argc - 2, argv + 2);
  if (argc < 4) return Fail("usage", "sandboxed NETNS_PATH STATE_DIR PROGRAM [ARGUMENT...]");
  moat::sentry::SentryOptions options;
  options.id = "sandboxed";
  options.state_dir = argv[2];
  options.network_namespace_fd = open(argv[1], O_RDONLY | O_CLOEXEC);
  options.sysctls = {{"net.ipv4.ip_unprivileged_port_start", "0"},
                     {"net.ipv4.ping_group_range", "0 2147483647"}};
  if (const char* spin = getenv("SANDBOXED_SPIN_US")) options.spin_us = atoi(spin);
  if (const char* direct = getenv("SANDBOXED_DIRECT")) options.direct_loopback = *direct != '0';
  if (options.network_namespace_fd < 0) return Fail(argv[1], strerror(errno));
  auto sentry = moat::sentry::StartSentry(options);
  if (!sentry.ok()) return Fail("start the sentry", std::string(sentry.status().message()));

  int go[2];
  int handover[2];  // carries the number of the handover descriptor, which is inherited by fork
  if (pipe(go) != 0 || pipe(handover) != 0) return Fail("pipe", strerror(errno));
  // The descriptor must exist before the child does, and names the child: the child announces
  // itself by a pidfd of its own, opened by the parent between fork and go. So the handover is
  // opened by a helper fork order: child waits for go, parent opens, passes by /proc.
  const pid_t child = fork();
  if (child == 0) {
    close(go[1]);
    int number = -1;
    if (read(handover[0], &number, sizeof(number)) != sizeof(number)) _exit(125);
    const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, getppid(), 0));
    const int fd = static_cast<int>(syscall(SYS_pidfd_getfd, pidfd, number, 0));
    if (fd < 0) _exit(125);
    close(pidfd);
    RunProgram(fd, go[0], argv + 3);
  }
  close(go[0]);
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  auto descriptor = moat::sentry::OpenHandover(options.state_dir, pidfd, true);
  if (!descriptor.ok()) {
    kill(child, SIGKILL);
    return Fail("announce the program", std::string(descriptor.status().message()));
  }
  const int number = *descriptor;
  (void)!write(handover[1], &number, sizeof(number));
  (void)!write(go[1], "", 1);
  close(go[1]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  close(*descriptor);
  while (waitpid(*sentry, nullptr, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
