// README.md lists every option that settings.h only remembers, and no others.
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace moat::sentry {
namespace {

std::string Read(const char* path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// What is between two strings; empty when they are not there.
std::string Between(const std::string& text, const std::string& begin, const std::string& end) {
  const size_t from = text.find(begin);
  if (from == std::string::npos) return "";
  const size_t after = from + begin.size();
  const size_t to = text.find(end, after);
  return to == std::string::npos ? "" : text.substr(after, to - after);
}

std::multiset<std::string> AllMatches(const std::string& text, const std::regex& pattern) {
  std::multiset<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at) {
    found.insert(at->str(1));
  }
  return found;
}

// The enumerators of Remembered, and the members that SocketSettings only remembers.
std::multiset<std::string> Remembered() {
  const std::string header = Read("sentry/options/settings.h");
  const std::string enumerators = Between(header, "enum class Remembered", "kCount");
  std::multiset<std::string> names = AllMatches(enumerators, std::regex("\\b(k[A-Z]\\w*),"));
  const std::string members = Between(header, "// --- Remembered -", "bool operator==");
  for (const std::string& name :
       AllMatches(members, std::regex("\\n  [^ ]+(?: [^ =]+)? ([a-z]\\w*)(?: = [^;]*|\\{\\})?;"))) {
    if (name != "remembered") names.insert(name);
  }
  return names;
}

// Those in the second column of the table.
std::multiset<std::string> Listed() {
  const std::string table =
      Between(Read("sentry/options/README.md") + "\n#", "## Kept without an effect\n", "\n#");
  std::multiset<std::string> names;
  std::istringstream lines(table);
  const std::regex kRow("\\| [^|]+ \\| ([^|]+) \\| (?:right|gap): [^|]+ \\|");
  for (std::string line; std::getline(lines, line);) {
    std::smatch row;
    if (line.rfind("| option |", 0) == 0 || line.rfind("| --- |", 0) == 0) continue;
    if (line.rfind("| ", 0) != 0) continue;
    if (std::regex_match(line, row, kRow)) {
      names.merge(AllMatches(row.str(1), std::regex("`(\\w+)`")));
    } else {
      ADD_FAILURE() << line;
    }
  }
  return names;
}

TEST(RememberedOptions, AreAllListedWithAReason) {
  const std::multiset<std::string> remembered = Remembered();
  std::multiset<std::string> listed = Listed();
  ASSERT_TRUE(remembered.contains("kDebug")) << "settings.h was not understood";
  ASSERT_TRUE(remembered.contains("incoming_cpu")) << "settings.h was not understood";
  for (const std::string& name : remembered) {
    EXPECT_EQ(listed.count(name), 1u) << name << " is not in README.md's table, or twice";
  }
  // Kept by netstack, or with an effect on some sockets.
  const std::set<std::string> elsewhere = {"SocketOptions", "max_pacing_rate"};
  for (const std::string& name : listed) {
    EXPECT_TRUE(remembered.contains(name) || elsewhere.contains(name))
        << name << " is in README.md's table, and not remembered";
  }
}

}  // namespace
}  // namespace moat::sentry
