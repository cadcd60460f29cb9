// The committed documents, and the README's table, are the ones that the cases and the recorded
// results give.
#include "conform/doc/document.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "conform/doc/requirements_page.h"

namespace moat::conform {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Document, IsUpToDate) {
  const Results results = Results::Parse(ReadFile(kResultsPath));
  EXPECT_TRUE(ReadFile(kDocumentPath) == Document(results))
      << kDocumentPath << " is stale: run bazel run //conform/doc:generate";
}

TEST(RequirementsPage, IsUpToDate) {
  Requirements requirements;
  requirements.ReadDirectory(kRequirementsDirectory);
  EXPECT_TRUE(ReadFile(kRequirementsPath) == RequirementsPage(requirements))
      << kRequirementsPath << " is stale: run bazel run //conform/doc:generate";
}

TEST(Readme, HasTheTableAndItIsUpToDate) {
  const Results results = Results::Parse(ReadFile(kResultsPath));
  const std::string readme = ReadFile(kReadmePath);
  EXPECT_TRUE(readme == WithTable(readme, results))
      << kReadmePath << " is stale: run bazel run //conform/doc:generate";
  Results other = results;
  other.Set("arp-001", "inprocess", {"fail", "for a test"});
  EXPECT_FALSE(readme == WithTable(readme, other))
      << kReadmePath << " has lost the marks of its table";
}

TEST(Results, LaterLinesReplaceEarlierOnes) {
  const Results results =
      Results::Parse("arp-001\tlinux\tfail\twhy\n\nbad\narp-001\tlinux\tpass\n");
  ASSERT_NE(results.Find("arp-001", "linux"), nullptr);
  EXPECT_EQ(results.Find("arp-001", "linux")->outcome, "pass");
  EXPECT_EQ(results.Format(), "arp-001\tlinux\tpass\n");
}

}  // namespace
}  // namespace moat::conform
