// What the load tools share: addresses, sockets, time, and percentiles.
#ifndef MOAT_TEST_BENCH_LOAD_NET_H_
#define MOAT_TEST_BENCH_LOAD_NET_H_

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <vector>

namespace moat::bench {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

// Ends the program with a message on nonsense.
Address ParseAddress(const std::string& host, const std::string& port);

// Ends the program with `what` and errno's text.
[[noreturn]] void Fail(const std::string& what);
int Check(int result, const char* what);

int Socket(int family, int type);            // blocking
int ConnectTcp(const Address& address);      // blocking, TCP_NODELAY
int ListenTcp(const Address& address);       // non-blocking, SO_REUSEADDR, backlog 4096
void SetReceiveTimeout(int fd, int milliseconds);

double Now();  // seconds, monotonic

// Of a sample that is sorted in place; 0 of an empty one.
double Percentile(std::vector<double>& samples, double percent);

// Each runs to its end and prints one line of JSON; `seconds` bounds the clients.
int ServeTcp(const Address& address);
int ServeUdp(const Address& address);
int PingPong(const Address& address, double seconds, size_t bytes);
int ConnectionRate(const Address& address, double seconds, int concurrency);
int UdpRequests(const Address& address, double seconds, int concurrency);
int SendStream(const Address& address, double seconds);
int ReceiveStream(const Address& address, double seconds);
int IdleConnections(const Address& address, int count);

}  // namespace moat::bench

#endif  // MOAT_TEST_BENCH_LOAD_NET_H_
