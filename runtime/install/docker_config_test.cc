#include "runtime/install/docker_config.h"

#include <gtest/gtest.h>

#include <random>

namespace moat::runtime {
namespace {

TEST(DockerConfig, AddsToAnEmptyFile) {
  EXPECT_EQ(AddDockerRuntime("", "moat", "/usr/bin/moat").value(),
            "{\n    \"runtimes\": {\n        \"moat\": {\n            \"path\": \"/usr/bin/moat\"\n"
            "        }\n    }\n}\n");
}

TEST(DockerConfig, KeepsEverythingElseInItsOrder) {
  const std::string before = R"({"zebra":1,"runtimes":{"runsc":{"path":"/r","runtimeArgs":["-x"]}},
                                 "log-opts":{"max-size":"10m"},"big":12345678901234567890})";
  const std::string after = AddDockerRuntime(before, "moat", "/m").value();
  EXPECT_LT(after.find("zebra"), after.find("runtimes"));
  EXPECT_LT(after.find("runtimes"), after.find("log-opts"));
  EXPECT_NE(after.find("12345678901234567890"), std::string::npos);
  EXPECT_TRUE(SameJson(RemoveDockerRuntime(after, "moat").value(), before));
}

TEST(DockerConfig, RemovingTheOnlyContentLeavesNothing) {
  const std::string added = AddDockerRuntime("", "moat", "/m").value();
  EXPECT_EQ(RemoveDockerRuntime(added, "moat").value(), "");
}

TEST(DockerConfig, RemovingWhatIsNotThereChangesNoByte) {
  for (const char* text : {"", "{ }", "{\"runtimes\":{\"other\":{}}}\n\n"}) {
    EXPECT_EQ(RemoveDockerRuntime(text, "moat").value(), text);
  }
}

TEST(DockerConfig, TheDefaultRuntimeIsNotTakenAway) {
  const absl::Status status =
      RemoveDockerRuntime(R"({"default-runtime":"moat","runtimes":{"moat":{}}})", "moat").status();
  EXPECT_NE(status.message().find("default-runtime"), std::string::npos);
}

TEST(DockerConfig, BrokenFilesAreRefused) {
  for (const std::string& text :
       {std::string("{"), std::string("[]"), std::string("{\"a\":1,}"),
        std::string("{\"runtimes\":3}"), std::string("// comment\n{}"), std::string("{} x"),
        std::string(100, '['), "{\"a\":" + std::string(90, '[') + std::string(90, ']') + "}"}) {
    const auto added = AddDockerRuntime(text, "moat", "/m");
    EXPECT_EQ(added.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_FALSE(RemoveDockerRuntime(text, "moat").ok()) << text;
  }
  EXPECT_NE(AddDockerRuntime("{\"a\": }", "m", "/m").status().message().find("byte 7"),
            std::string::npos);
}

TEST(DockerConfig, MutatedFilesNeverLoseOtherContent) {
  std::mt19937 random(11);
  const std::string whole = R"({"a":[1,2,{"b":null}],"runtimes":{"x":{"path":"/x"}},"c":"\u00e9"})";
  for (int round = 0; round < 5000; ++round) {
    std::string text = whole;
    for (int i = random() % 4; i > 0; --i) {
      text[random() % text.size()] = "{}[]\",:\\x0\x80"[random() % 11];
    }
    const auto added = AddDockerRuntime(text, "moat", "/m");
    if (!added.ok()) continue;
    const auto removed = RemoveDockerRuntime(*added, "moat");
    if (!removed.ok()) continue;
    // A "runtimes" that was empty or null may be gone; everything else is as it was.
    if (text.find("\"x\":{\"path\":\"/x\"}") != std::string::npos) {
      EXPECT_TRUE(SameJson(*removed, text)) << text << "\n" << *removed;
    }
  }
}

}  // namespace
}  // namespace moat::runtime
