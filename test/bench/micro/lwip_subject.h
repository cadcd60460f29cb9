// lwIP (Debian's liblwip, as it is configured there) as a Subject, through its raw API on one
// thread. It is global: there is one at a time. Its clock is the machine's.
#ifndef MOAT_TEST_BENCH_MICRO_LWIP_SUBJECT_H_
#define MOAT_TEST_BENCH_MICRO_LWIP_SUBJECT_H_

#include <cstdint>
#include <memory>

#include "test/bench/micro/subject.h"

namespace moat::bench {

class LwipSubject final : public Subject {
 public:
  static constexpr const char* kName = "lwip";

  LwipSubject();
  ~LwipSubject() override;

  void SetSink(FrameSink* sink) override;
  void Receive(std::span<const uint8_t> frame) override;
  void Settle() override {}  // its programs run within Receive()
  void Tick() override;
  void EchoUdp(uint16_t port) override;
  void EchoTcp(uint16_t port) override;
  void DropTcp(uint16_t port) override;
  size_t Write(size_t size) override;
  size_t connections() const override;

 private:
  class Impl;  // keeps lwIP's headers, and their macros, to the one file
  std::unique_ptr<Impl> impl_;
};

}  // namespace moat::bench

#endif  // MOAT_TEST_BENCH_MICRO_LWIP_SUBJECT_H_
