// The first process of a `moat do`: it runs the command as its child, so that the command is an
// ordinary process and not the init of a PID namespace, which the kernel keeps from dying of
// signals that it does not handle. Hands signals on, reaps orphans, ends as the command ended.
#ifndef MOAT_RUNTIME_DO_DO_INIT_H_
#define MOAT_RUNTIME_DO_DO_INIT_H_

#include <string>
#include <vector>

namespace moat::runtime {

// Where the container finds the program, and the verb that leads here.
inline constexpr char kDoInitPath[] = "/dev/.moat-init";
inline constexpr char kDoInitVerb[] = "do-init";
// What the process is called (proc(5), comm) from when it hands signals on.
inline constexpr char kDoInitName[] = "moat-init";

// The command's exit status; 128 plus the signal that killed it; 127 when there is no such command,
// 126 when it cannot be run.
int RunDoInit(const std::vector<std::string>& command);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_DO_DO_INIT_H_
