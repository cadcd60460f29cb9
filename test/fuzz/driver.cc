// Runs a libFuzzer target without libFuzzer: the corpus, then seeded random inputs and mutations of
// what came before. Repeatable: the inputs depend only on --runs and the corpus.
//
//   foo_fuzz [--runs=N] [--seed=N] [FILE...]
//   foo_fuzz --write_seeds=DIRECTORY    writes what FuzzSeeds() makes, for libFuzzer's corpus

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "test/fuzz/seeds.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

void FuzzIsBounded() {}

namespace {

using Input = std::vector<uint8_t>;

constexpr size_t kMaxInput = 4096;
constexpr size_t kMaxMade = 256;  // of the inputs made here that are mutated again

// Values at which length and sign checks break.
constexpr uint8_t kEdges[] = {0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff, 0x04, 0x40, 0x45, 0x60};

class Mutator {
 public:
  explicit Mutator(uint64_t seed) : engine_(seed) {}

  size_t Below(size_t bound) { return bound == 0 ? 0 : engine_() % bound; }

  Input Random() {
    Input input(Below(Below(4) == 0 ? kMaxInput : 128));
    for (uint8_t& byte : input) byte = static_cast<uint8_t>(engine_());
    return input;
  }

  Input Mutate(Input input) {
    // One alone, often: what is well-formed stays so but for that.
    for (size_t changes = 1 + Below(Below(2) == 0 ? 1 : 8); changes > 0; --changes) {
      MutateOnce(input);
    }
    if (input.size() > kMaxInput) input.resize(kMaxInput);
    return input;
  }

 private:
  void MutateOnce(Input& input) {
    if (input.empty()) {
      input = Random();
      return;
    }
    const size_t at = Below(input.size());
    switch (Below(6)) {
      case 0: input[at] = static_cast<uint8_t>(engine_()); return;
      case 1: input[at] ^= static_cast<uint8_t>(1u << Below(8)); return;
      case 2: input[at] = kEdges[Below(std::size(kEdges))]; return;
      case 3: input.resize(at); return;
      case 4:
        input.insert(input.begin() + at, 1 + Below(16), kEdges[Below(std::size(kEdges))]);
        return;
      case 5: {  // repeat a piece
        const Input piece(input.begin() + at,
                          input.begin() + at + std::min<size_t>(1 + Below(64), input.size() - at));
        input.insert(input.begin() + Below(input.size()), piece.begin(), piece.end());
        return;
      }
    }
  }

  std::mt19937_64 engine_;
};

struct Options {
  uint64_t runs = 20000;
  uint64_t seed = 1;
  std::vector<std::string> files;
  std::string write_seeds;  // empty: run
};

Options g_options;  // set by main before the one test runs

Input g_input;  // the one that runs

// A fault shows what made it, in hexadecimal: `xxd -r -p` makes a file of it.
void ShowInput(int signal) {
  std::signal(signal, SIG_DFL);
  for (const uint8_t byte : g_input) std::fprintf(stderr, "%02x", byte);
  std::fprintf(stderr, "\n");
  std::raise(signal);
}

void Try(const Input& input) {
  g_input = input;
  LLVMFuzzerTestOneInput(g_input.data(), g_input.size());
}

Input ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << "cannot read " << path;
  return Input(std::istreambuf_iterator<char>(file), {});
}

TEST(Fuzz, BoundedRun) {
  Mutator mutator(g_options.seed);
  std::vector<Input> pool;
  for (const std::string& path : g_options.files) pool.push_back(ReadFile(path));
  if (FuzzSeeds != nullptr) {
    for (Input& seed : FuzzSeeds()) pool.push_back(std::move(seed));
  }
  const size_t kept = pool.size();
  for (const int signal : {SIGABRT, SIGSEGV}) std::signal(signal, ShowInput);
  for (const Input& input : pool) Try(input);
  for (uint64_t run = 0; run < g_options.runs; ++run) {
    Input input;
    if (pool.empty() || mutator.Below(8) == 0) {
      input = mutator.Random();
    } else {
      // Half of them from what is known to be good.
      const bool good = kept > 0 && mutator.Below(2) == 0;
      input = pool[mutator.Below(good ? kept : pool.size())];
      if (mutator.Below(3) == 0) {  // one after the other
        const Input& more = pool[mutator.Below(pool.size())];
        input.insert(input.end(), more.begin(), more.end());
      }
      input = mutator.Mutate(std::move(input));
    }
    Try(input);
    if (pool.size() < kept + kMaxMade) {
      pool.push_back(std::move(input));
    } else if (mutator.Below(16) == 0) {
      pool[kept + mutator.Below(kMaxMade)] = std::move(input);
    }
  }
  if (FuzzUnreached == nullptr || g_options.runs == 0) return;
  for (const std::string& what : FuzzUnreached()) ADD_FAILURE() << "not reached: " << what;
}

int WriteSeeds(const std::string& directory) {
  if (FuzzSeeds == nullptr) return 0;
  int number = 0;
  for (const Input& seed : FuzzSeeds()) {
    std::ofstream file(directory + "/seed" + std::to_string(number++), std::ios::binary);
    file.write(reinterpret_cast<const char*>(seed.data()),
               static_cast<std::streamsize>(seed.size()));
    if (!file.good()) return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "--runs=", 7) == 0) {
      g_options.runs = std::strtoull(argv[i] + 7, nullptr, 10);
    } else if (std::strncmp(argv[i], "--seed=", 7) == 0) {
      g_options.seed = std::strtoull(argv[i] + 7, nullptr, 10);
    } else if (std::strncmp(argv[i], "--write_seeds=", 14) == 0) {
      g_options.write_seeds = argv[i] + 14;
    } else {
      g_options.files.push_back(argv[i]);
    }
  }
  if (!g_options.write_seeds.empty()) return WriteSeeds(g_options.write_seeds);
  return RUN_ALL_TESTS();
}
