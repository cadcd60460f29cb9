// The addresses that an interface gives itself: one of the link (RFC 4862 5.3), one for each prefix
// that routers advertise for it (5.5), with identifiers of the link address, stable (RFC 7217) or
// random ones, and temporary addresses beside them (RFC 8981). Each has two ends, when it is
// deprecated and when it goes; who owns this calls Expire() at NextChange().
//
// An identifier that the interface has already is as good as a duplicate: another one is tried.
// When all tries are used up there is no address, and Ndp.AutoAddressesGivenUp counts it (RFC 7217
// 6).
#ifndef MOAT_NETSTACK_IP_V6_AUTO_ADDRESSES_H_
#define MOAT_NETSTACK_IP_V6_AUTO_ADDRESSES_H_

#include <vector>

#include "netstack/base/counters.h"
#include "netstack/base/random.h"
#include "netstack/base/siphash.h"
#include "netstack/base/sysctl.h"
#include "netstack/base/time.h"
#include "netstack/ip/configuration.h"
#include "netstack/ip/interface.h"
#include "netstack/ip/table_counters.h"
#include "netstack/wire/ndp.h"

namespace moat::netstack {

class AutoAddresses {
 public:
  static constexpr size_t kMax = 16;  // per interface: ipv6.conf.*.max_addresses

  class Host {
   public:
    virtual ~Host() = default;
    virtual bool AddAutoAddress(InterfaceIndex interface, const Prefix& prefix,
                                const AddressOptions& options) = 0;
    virtual void RemoveAutoAddress(InterfaceIndex interface, const Prefix& prefix) = 0;
    virtual void SetDeprecated(InterfaceIndex interface, const IpAddress& address,
                               bool deprecated) = 0;
    // The router advertises the prefix of the address (`does`), or no longer.
    virtual void SetAdvertiser(InterfaceIndex interface, const IpAddress& address,
                               const IpAddress& router, bool does) = 0;
  };

  // What the interfaces of a stack share.
  class Context {
   public:
    Context(const Clock& clock, Random& random, SysctlTable& sysctls, TableCounters& counters,
            Host& host);
    // Draws the stack's own secret, if that was not done yet: a stack that does not want it draws
    // the same numbers as ever.
    void NeedSecret();

   private:
    friend class AutoAddresses;
    // Without a secret that outlives the stack (the sysctl), "stable" lasts as long as the stack.
    SipHashKey Secret() const;

    const Clock& clock_;
    Random& random_;
    TableCounters& tables_;
    Host& host_;
    Counter given_up_;
    SipHashKey random_secret_;
    const Sysctl* stable_secret_;
  };

  AutoAddresses(Context& context, InterfaceIndex index) : context_(context), index_(index) {}

  // Unless it has a link-local address: whoever gave the interface one wants that one.
  void FormLinkLocal(const Interface& interface);
  // A router advertised a prefix that addresses may be made of (RFC 4862 5.5.3 e).
  void Update(const Interface& interface, const NdpPrefix& prefix);
  // Which next hop an address goes with (RFC 6724 5, rule 5.5; RFC 8028 3.1).
  void NoteAdvertiser(const IpAddress& router, const NdpPrefix& prefix);
  // An address turned out to be another's: one more try (RFC 7217 6, RFC 8981 3.3.3).
  void Duplicate(const Interface& interface, const IpAddress& address);

  // When Expire() has something to do; kNever: never.
  Time NextChange() const;
  // `interface` may be null, when it has just gone.
  void Expire(const Interface* interface);
  void RemoveAll();

 private:
  struct Address {
    Prefix prefix;
    bool temporary = false;
    uint32_t dad_counter = 0;
    bool deprecated = false;
    bool regenerated = false;  // a temporary one that has its successor
    bool dead = false;         // a duplicate
    Time valid = kNever;
    Time preferred = kNever;
    Time created{};
    Duration desync{};  // of a temporary one: how much sooner than others it is deprecated
  };

  Time Now() const { return context_.clock_.Now(); }
  bool HasRoom();
  bool Add(const Interface& interface, const IpAddress& prefix, uint32_t dad_counter,
           Duration valid, Duration preferred);
  // False when the interface has all that were tried.
  bool ChooseIdentifier(const Interface& interface, const IpAddress& prefix, Address& address);
  void AddTemporary(const Interface& interface, const Address& of, uint32_t tries);
  bool ChooseTemporary(const Interface& interface, const IpAddress& prefix, Address& address);
  void RenewTemporary(const Interface& interface, const NdpPrefix& prefix);
  void UpdateLifetimes(const Interface& interface, Address& address, const NdpPrefix& prefix);
  void Deprecate(Address& address, bool deprecated);
  void AddSuccessors(const Interface& interface);

  Context& context_;
  const InterfaceIndex index_;
  std::vector<Address> addresses_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_V6_AUTO_ADDRESSES_H_
