// moat-conform-lwip: lwIP (Debian's liblwip) as a device under test. An agent
// (conform/agent/agent.h) whose sockets are lwIP's, and whose interfaces are configured by lines as
// well (lwip_ports.h).
#include <optional>
#include <string>

#include "conform/agent/agent.h"
#include "conform/lwip/lwip_ports.h"
#include "conform/lwip/lwip_sockets.h"

int main() {
  using namespace moat::conform;
  StartLwip();
  return AgentMain([](const std::string& line) {
    const std::optional<std::string> answer = ConfigureLwip(line);
    return answer.has_value() ? *answer : AgentAnswer(LwipSockets(), line);
  });
}
