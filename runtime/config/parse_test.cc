#include "runtime/config/parse.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace moat::runtime {
namespace {

using nlohmann::json;

// The smallest configuration that is accepted.
json Minimal() {
  return json::parse(R"({
    "ociVersion": "1.0.2",
    "root": {"path": "rootfs"},
    "process": {"args": ["true"], "cwd": "/", "user": {"uid": 0, "gid": 0}},
    "linux": {"namespaces": [{"type": "network"}, {"type": "mount"}, {"type": "pid"}]}
  })");
}

std::string ErrorOf(const json& config) {
  absl::StatusOr<Spec> spec = ParseSpec(config.dump());
  return spec.ok() ? "" : std::string(spec.status().message());
}

TEST(ParseSpec, AcceptsTheSmallestConfiguration) {
  absl::StatusOr<Spec> spec = ParseSpec(Minimal().dump());
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->root.path, "rootfs");
  EXPECT_EQ(spec->process.args, std::vector<std::string>{"true"});
  EXPECT_FALSE(spec->process.capabilities.has_value());
  EXPECT_FALSE(spec->linux_.resources.has_value());
}

// One field set to something wrong, and the whole line that a user sees.
struct Case {
  const char* pointer;  // JSON pointer (RFC 6901)
  const char* value;
  const char* error;
};

class WrongField : public testing::TestWithParam<Case> {};

TEST_P(WrongField, IsNamedInOneLine) {
  json config = Minimal();
  config[json::json_pointer(GetParam().pointer)] = json::parse(GetParam().value);
  EXPECT_EQ(ErrorOf(config), GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(
    All, WrongField,
    testing::Values(
        Case{"/ociVersion", "\"2.0\"", "config.json: ociVersion: \"2.0\" is not supported"},
        Case{"/ociVersion", "null", "config.json: ociVersion: must not be empty"},
        Case{"/root", "[]", "config.json: root: must be an object"},
        Case{"/root/path", "\"\"", "config.json: root.path: must not be empty"},
        Case{"/root/readonly", "1", "config.json: root.readonly: must be true or false"},
        Case{"/process", "null", "config.json: process: is missing"},
        Case{"/process/args", "[]", "config.json: process.args: must not be empty"},
        Case{"/process/args", "[\"a\", 1]", "config.json: process.args[1]: must be a string"},
        Case{"/process/args", "[\"\\u0000\"]",
             "config.json: process.args[0]: must not contain a NUL byte"},
        Case{"/process/cwd", "\"x\"", "config.json: process.cwd: must be an absolute path"},
        Case{"/process/env", "[\"A=1\", \"B\"]",
             "config.json: process.env[1]: must have the form NAME=value"},
        Case{"/process/user/uid", "-1",
             "config.json: process.user.uid: must be between 0 and 4294967295"},
        Case{"/process/user/uid", "4294967296",
             "config.json: process.user.uid: must be between 0 and 4294967295"},
        Case{"/process/user/uid", "1.5", "config.json: process.user.uid: must be an integer"},
        Case{"/process/user/umask", "512", "config.json: process.user.umask: must be at most 0777"},
        Case{"/process/oomScoreAdj", "1001",
             "config.json: process.oomScoreAdj: must be between -1000 and 1000"},
        Case{"/process/rlimits", R"([{"type": "RLIMIT_X"}])",
             "config.json: process.rlimits[0].type: \"RLIMIT_X\" is not a resource limit"},
        Case{"/process/rlimits", R"([{"type": "RLIMIT_AS", "soft": 2, "hard": 1}])",
             "config.json: process.rlimits[0].soft: must not be above hard"},
        Case{"/process/rlimits", R"([{"type": "RLIMIT_AS"}, {"type": "RLIMIT_AS"}])",
             "config.json: process.rlimits[1].type: \"RLIMIT_AS\" appears twice"},
        Case{"/mounts", R"([{"destination": "/a"}, {}])",
             "config.json: mounts[1].destination: must not be empty"},
        Case{"/hooks", R"({"prestart": [{"path": "x"}]})",
             "config.json: hooks.prestart[0].path: must be an absolute path"},
        Case{"/hooks", R"({"poststop": [{"path": "/x", "timeout": 0}]})",
             "config.json: hooks.poststop[0].timeout: must be positive"},
        Case{"/hostname", "\"h\"",
             "config.json: hostname: needs an entry of type \"uts\" in linux.namespaces"},
        Case{"/annotations", R"({"a": 1})", "config.json: annotations[a]: must be a string"},
        Case{"/linux", "null", "config.json: linux: is missing"},
        Case{"/linux/namespaces/0/type", "\"nope\"",
             "config.json: linux.namespaces[0].type: \"nope\" is not a namespace type"},
        Case{"/linux/namespaces/0/path", "\"x\"",
             "config.json: linux.namespaces[0].path: must be an absolute path"},
        Case{"/linux/namespaces/0/type", "\"pid\"",
             "config.json: linux.namespaces[2].type: \"pid\" appears twice"},
        Case{"/linux/namespaces", R"([{"type": "mount"}])",
             "config.json: linux.namespaces: has no entry of type \"network\": host networking is "
             "not supported by moat"},
        Case{"/linux/namespaces", R"([{"type": "network"}])",
             "config.json: linux.namespaces: must have an entry of type \"mount\""},
        Case{"/linux/uidMappings", R"([{"containerID": 0, "hostID": 1, "size": 1}])",
             "config.json: linux.uidMappings: needs an entry of type \"user\" in linux.namespaces"},
        Case{"/linux/uidMappings", R"([{"containerID": 0, "hostID": 1}])",
             "config.json: linux.uidMappings[0].size: must be positive"},
        Case{"/linux/namespaces/3", R"({"type": "user"})",
             "config.json: linux.uidMappings: must not be empty with a new user namespace"},
        Case{"/linux/devices", R"([{"path": "/dev/x", "type": "z"}])",
             "config.json: linux.devices[0].type: must be \"c\", \"u\", \"b\" or \"p\""},
        Case{"/linux/maskedPaths", "[\"/a\", \"b\"]",
             "config.json: linux.maskedPaths[1]: must be an absolute path"},
        Case{"/linux/rootfsPropagation", "\"odd\"",
             "config.json: linux.rootfsPropagation: \"odd\" is not a propagation mode"},
        Case{"/linux/sysctl", R"({"vm.swappiness": "1"})",
             "config.json: linux.sysctl[vm.swappiness]: is not separate per namespace and would "
             "change the host"},
        Case{"/linux/sysctl", R"({"kernel.sem": "1"})",
             "config.json: linux.sysctl[kernel.sem]: needs an entry of type \"ipc\" in "
             "linux.namespaces"},
        Case{"/linux/sysctl", R"({"net.../../kernel": "1"})",
             "config.json: linux.sysctl[net.../../kernel]: is not the name of a kernel parameter"},
        Case{"/linux/resources", R"({"devices": [{"access": "x"}]})",
             "config.json: linux.resources.devices[0].access: must consist of the letters r, w and "
             "m"},
        Case{"/linux/resources", R"({"memory": {"limit": "1"}})",
             "config.json: linux.resources.memory.limit: must be an integer"},
        Case{"/linux/resources", R"({"unified": {"../x": "1"}})",
             "config.json: linux.resources.unified: \"../x\" is not a file of a control group"},
        Case{"/linux/seccomp", "{}",
             "config.json: linux.seccomp.defaultAction: must not be empty"},
        Case{"/linux/seccomp",
             R"({"defaultAction": "A", "syscalls": [{"names": ["a"], "action": "B",
                 "args": [{"index": 6, "op": "o"}]}]})",
             "config.json: linux.seccomp.syscalls[0].args[0].index: must be between 0 and 5"}));

TEST(ParseSpec, SaysWhereTheTextIsNotJson) {
  EXPECT_EQ(ParseSpec("{\"a\": }").status().message(), "config.json: not valid JSON at byte 7");
  EXPECT_EQ(ParseSpec("").status().message(), "config.json: not valid JSON at byte 1");
  EXPECT_EQ(ParseSpec("[]").status().message(), "config.json: must be an object");
}

TEST(ParseSpec, RefusesADocumentWithoutEnd) {
  EXPECT_EQ(ParseSpec(std::string(kMaxDocumentSize + 1, ' ')).status().message(),
            "config.json: longer than 8388608 bytes");
}

TEST(ParseSpec, SurvivesDeepNesting) {
  const std::string deep(1 << 20, '[');
  EXPECT_FALSE(ParseSpec(deep).ok());
}

TEST(ParseSpec, NullMeansAbsentAndUnknownFieldsAreIgnored) {
  json config = Minimal();
  config["hooks"] = nullptr;
  config["process"]["capabilities"] = nullptr;
  config["process"]["commandLine"] = "for another system";
  config["linux"]["resources"] = {{"memory", {{"limit", nullptr}}}};
  absl::StatusOr<Spec> spec = ParseSpec(config.dump());
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_FALSE(spec->process.capabilities.has_value());
  EXPECT_FALSE(spec->linux_.resources->memory->limit.has_value());
}

TEST(ParseSpec, ReadsResources) {
  json config = Minimal();
  config["linux"]["resources"] = json::parse(R"({
    "devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 1}],
    "memory": {"limit": 1048576, "swap": -1}, "cpu": {"shares": 512, "cpus": "0-1"},
    "pids": {"limit": 10}, "blockIO": {"throttleReadBpsDevice": [{"major": 8, "rate": 7}]},
    "hugepageLimits": [{"pageSize": "2MB", "limit": 1}], "unified": {"memory.high": "1"}})");
  absl::StatusOr<Spec> spec = ParseSpec(config.dump());
  ASSERT_TRUE(spec.ok()) << spec.status();
  const Resources& resources = *spec->linux_.resources;
  ASSERT_EQ(resources.devices.size(), 2u);
  EXPECT_FALSE(resources.devices[0].major.has_value());
  EXPECT_EQ(resources.devices[1].major, 1);
  EXPECT_EQ(resources.memory->limit, 1048576);
  EXPECT_EQ(resources.memory->swap, -1);
  EXPECT_EQ(resources.cpu->shares, 512u);
  EXPECT_EQ(resources.cpu->cpus, "0-1");
  EXPECT_EQ(resources.pids_limit, 10);
  EXPECT_EQ(resources.block_io->throttle_read_bps[0].rate, 7u);
  EXPECT_EQ(resources.hugepage_limits[0].page_size, "2MB");
  EXPECT_EQ(resources.unified.at("memory.high"), "1");
}

TEST(ParseSpec, TakesAWholeStModeAsFileMode) {
  json config = Minimal();
  config["linux"]["devices"] =
      json::parse(R"([{"path": "/dev/x", "type": "c", "fileMode": 8630}])");  // 020666
  absl::StatusOr<Spec> spec = ParseSpec(config.dump());
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->linux_.devices[0].file_mode, 0666u);
}

TEST(ParseProcess, NamesTheDocumentItWasGiven) {
  EXPECT_EQ(ParseProcess("{\"args\": [\"a\"]}", "p.json").status().message(),
            "p.json: cwd: must be an absolute path");
}

TEST(ReadConfigFile, SaysWhichFileIsMissing) {
  absl::Status status = ReadConfigFile("/nonexistent/config.json").status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(status.message(), "open /nonexistent/config.json: No such file or directory");
}

}  // namespace
}  // namespace moat::runtime
