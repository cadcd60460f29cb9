// A process that joined a container, from clone to its program: container_init.h without the making
// of the container.
#ifndef MOAT_RUNTIME_INIT_EXEC_INIT_H_
#define MOAT_RUNTIME_INIT_EXEC_INIT_H_

#include <string>

#include "runtime/init/channel.h"
#include "runtime/init/program.h"

namespace moat::runtime {

struct ExecPlan {
  ProgramPlan program;
  std::string id;
  bool in_user_namespace = false;
};

// As RunContainerInit. The process is in the container's namespaces already.
int RunExecInit(const ExecPlan& plan, Channel channel);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_INIT_EXEC_INIT_H_
