// Every requirement names cases and unit tests that exist, and agrees with the cases on the level.
#include "conform/requirements/requirements.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

namespace moat::conform {
namespace {

// "Suite.Name" of all gtests in the sources below `directory`.
void ReadTestNames(const std::string& directory, std::set<std::string>& names) {
  static const std::regex kTest(
      "(?:^|\n)(?:TEST|TEST_F|TEST_P|TYPED_TEST)\\(\\s*(\\w+),\\s*(\\w+)\\)");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(
           directory, std::filesystem::directory_options::follow_directory_symlink)) {
    if (entry.path().extension() != ".cc") continue;
    std::ifstream file(entry.path());
    std::stringstream stream;
    stream << file.rdbuf();
    const std::string text = stream.str();
    for (std::sregex_iterator at(text.begin(), text.end(), kTest), end; at != end; ++at) {
      names.insert(at->str(1) + "." + at->str(2));
    }
  }
}

std::string CheckCases(const Requirement& requirement) {
  std::string wrong;
  for (const std::string& id : requirement.cases) {
    const Case* c = FindCase(id);
    if (c == nullptr) {
      wrong += requirement.source + ": there is no case " + id + "\n";
    } else if (c->level > requirement.level) {  // SHOULD is greater than MUST
      wrong += requirement.source + ": " + requirement.id + " is a " +
               LevelName(requirement.level) + ", but its case " + id + " a " + LevelName(c->level) +
               "\n";
    }
  }
  return wrong;
}

TEST(Requirements, AreWellFormed) {
  Requirements all;
  all.ReadDirectory(kRequirementsDirectory);
  for (const std::string& error : all.errors) ADD_FAILURE() << error;
  for (const Rfc& rfc : all.rfcs) EXPECT_FALSE(rfc.requirements.empty()) << "RFC " << rfc.number;
}

TEST(Requirements, NameCasesThatExistAndAreAsStrong) {
  Requirements all;
  all.ReadDirectory(kRequirementsDirectory);
  for (const Rfc& rfc : all.rfcs) {
    for (const Requirement& requirement : rfc.requirements) EXPECT_EQ(CheckCases(requirement), "");
  }
}

TEST(Requirements, NameUnitTestsThatExist) {
  std::set<std::string> names;
  for (const char* directory : {"netstack", "sentry"}) ReadTestNames(directory, names);
  EXPECT_TRUE(names.count("Rfc826.ReplyHasTheFieldsSwapped"))
      << "the sources of the unit tests are missing";
  Requirements all;
  all.ReadDirectory(kRequirementsDirectory);
  for (const Rfc& rfc : all.rfcs) {
    for (const Requirement& requirement : rfc.requirements) {
      for (const std::string& name : requirement.unit_tests) {
        EXPECT_TRUE(names.count(name)) << requirement.source << ": there is no unit test " << name;
      }
    }
  }
}

Requirements Parsed(const std::string& text) {
  Requirements requirements;
  requirements.Parse("f", text);
  return requirements;
}

TEST(RequirementsFile, ReadsEveryKindOfProof) {
  const Requirements read = Parsed(
      "# a comment\n\nRFC\t826\tARP\n1\tx\tMUST\ttext\tarp-001..003 arp-017 Rfc826.Name\n"
      "2\tx\tSHOULD\ttext\twaived: why\n3\tx\tMAY\ttext\tnot applicable: why "
      "not\n4\tx\tMUST\ttext\tA.B\n");
  ASSERT_TRUE(read.errors.empty()) << read.errors[0];
  const std::vector<Requirement>& lines = read.rfcs.at(0).requirements;
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0].id, "826-1");
  EXPECT_EQ(lines[0].cases, (std::vector<std::string>{"arp-001", "arp-002", "arp-003", "arp-017"}));
  EXPECT_EQ(lines[0].unit_tests, std::vector<std::string>{"Rfc826.Name"});
  EXPECT_EQ(lines[0].proof, Proof::kCase);
  EXPECT_EQ(lines[1].proof, Proof::kWaived);
  EXPECT_EQ(lines[1].reason, "why");
  EXPECT_EQ(lines[2].proof, Proof::kNotApplicable);
  EXPECT_EQ(lines[3].proof, Proof::kUnitTest);
}

TEST(RequirementsFile, BadLinesAreTold) {
  const std::string head = "RFC\t826\tARP\n";
  for (const char* line : {
           "1\tx\tMUST\ttext",
           "1\tx\tMUST\ttext\tarp-001\tmore",
           "1\tx\tMust\ttext\tarp-001",
           "1\tx\tMUST\ttext\tarp",
           "1\tx\tMUST\ttext\tarp-001..",
           "1\tx\tMUST\ttext\tarp-002..001",
           "1\tx\tMUST\ttext\twaived: ",
           "1\tx\tMUST\t\tarp-001",
           "1\tx\tMUST\ttext\tarp-001 ",
           "1\tx\tMUST\ttext\tarp-001  arp-002",
           "1\tx\tMUST\ttext\tfoo",
           "RFC\t826\tagain",
           "RFC\tx\ty",
       }) {
    EXPECT_EQ(Parsed(head + line).errors.size(), 1u) << line;
  }
  EXPECT_EQ(Parsed("1\tx\tMUST\ttext\tarp-001\n").errors.size(), 1u) << "of no RFC";
  EXPECT_EQ(Parsed(head + "1\tx\tMUST\ta\tarp-001\n1\tx\tMUST\tb\tarp-001\n").errors.size(), 1u)
      << "twice";
}

TEST(RequirementsFile, ACaseThatIsWeakerOrMissingIsTold) {
  const Requirements read = Parsed(
      "RFC\t826\tARP\n1\tx\tMUST\ttext\tarp-019\n2\tx\tMAY\ttext\tarp-019\n3\tx\tMAY\ttext\tarp-"
      "999\n"
      "4\tx\tSHOULD\ttext\tarp-001\n");
  const std::vector<Requirement>& lines = read.rfcs.at(0).requirements;
  EXPECT_NE(CheckCases(lines[0]), "");  // arp-019 is a MAY
  EXPECT_EQ(CheckCases(lines[1]), "");
  EXPECT_NE(CheckCases(lines[2]), "");
  EXPECT_EQ(CheckCases(lines[3]), "");  // what another RFC demands more strongly
}

}  // namespace
}  // namespace moat::conform
