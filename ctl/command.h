// What an object of the command line ("addr", "route", ...) is made of: a table of verbs. Each
// object has a file of its own, and objects.cc lists them.
#ifndef MOAT_CTL_COMMAND_H_
#define MOAT_CTL_COMMAND_H_

#include <ostream>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "ctl/args.h"
#include "ctl/client.h"
#include "moat/v1/sandbox.pb.h"

namespace moat::ctl {

// Options that stand before the object, for all of them.
struct Options {
  std::string root;  // empty: the usual places
  bool json = false;
  bool statistics = false;
  bool help = false;
  v1::Family family = v1::FAMILY_ANY;
};

// What a verb works with.
struct Context {
  const Options& options;
  Client& client;
  std::ostream& out;
};

using Handler = absl::Status (*)(Context& context, Args& args);

struct Verb {
  std::string_view names;  // separated by blanks; each may be abbreviated
  std::string_view usage;  // its arguments
  Handler run;
};

struct Object {
  std::string_view names;
  std::string_view summary;
  // The first is what an object without a verb means. A single verb with an empty name takes all
  // words.
  std::span<const Verb> verbs;
};

extern const Object kAddrObject;
extern const Object kLinkObject;
extern const Object kRouteObject;
extern const Object kRuleObject;
extern const Object kRaObject;
extern const Object kAddrLabelObject;
extern const Object kNeighObject;
extern const Object kSocketsObject;
extern const Object kCountersObject;
extern const Object kMonitorObject;
extern const Object kSysctlObject;

// All objects, in the order in which abbreviations are tried.
std::span<const Object* const> Objects();

// Finds object and verb and runs it. Without any word: says who the sandbox is.
absl::Status RunCommand(Context& context, Args& args);

// "moatctl: usage ..." for --help.
void PrintUsage(std::ostream& out);

}  // namespace moat::ctl

#endif  // MOAT_CTL_COMMAND_H_
