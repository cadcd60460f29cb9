#include <grpc/support/log.h>

#include <csignal>
#include <iostream>
#include <string>
#include <vector>

#include "ctl/run.h"

int main(int argc, char** argv) {
  // gRPC's own messages would add lines to ours. The pipe's reader may leave: that is an end, not a
  // crash.
  gpr_set_log_function([](gpr_log_func_args*) {});
  std::signal(SIGPIPE, SIG_DFL);
  const std::vector<std::string> words(argv + 1, argv + argc);
  return moat::ctl::Run(words, moat::ctl::ConnectToSandbox, std::cout, std::cerr);
}
