// The policy table of RFC 6724 by its operator.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "sentry/control/testing.h"

namespace moat::sentry {
namespace {

class AddressPolicyTest : public ControlTest {
 protected:
  // "label precedence" of the row; empty: there is none.
  std::string Row(const std::string& prefix) {
    for (const v1::AddressPolicy& row : Rows()) {
      if (row.prefix() == prefix) return absl::StrCat(row.label(), " ", row.precedence());
    }
    return "";
  }
  std::vector<v1::AddressPolicy> Rows() {
    v1::ListAddressPoliciesResponse response;
    EXPECT_TRUE(Call(&v1::Sandbox::Stub::ListAddressPolicies, v1::ListAddressPoliciesRequest(),
                     &response).ok());
    return {response.policies().begin(), response.policies().end()};
  }
  grpc::Status Add(const std::string& prefix, uint32_t label,
                   std::optional<uint32_t> precedence = {}, bool replace = false) {
    v1::AddAddressPolicyRequest request;
    request.mutable_policy()->set_prefix(prefix);
    request.mutable_policy()->set_label(label);
    if (precedence.has_value()) request.mutable_policy()->set_precedence(*precedence);
    request.set_replace(replace);
    v1::AddAddressPolicyResponse response;
    return Call(&v1::Sandbox::Stub::AddAddressPolicy, request, &response);
  }
  grpc::Status Remove(const std::string& prefix) {
    v1::RemoveAddressPolicyRequest request;
    request.set_prefix(prefix);
    v1::RemoveAddressPolicyResponse response;
    return Call(&v1::Sandbox::Stub::RemoveAddressPolicy, request, &response);
  }
};

TEST_F(AddressPolicyTest, RowsComeAndGo) {
  const size_t before = Rows().size();
  EXPECT_EQ(Row("::1/128"), "0 50");
  ASSERT_TRUE(Add("2001:db8::/32", 20, 45).ok());
  EXPECT_EQ(Row("2001:db8::/32"), "20 45");
  EXPECT_EQ(Add("2001:db8::/32", 21).error_code(), grpc::ALREADY_EXISTS);
  EXPECT_EQ(Row("2001:db8::/32"), "20 45") << "a failed call changed nothing";
  ASSERT_TRUE(Add("2001:db8::/32", 21, {}, /*replace=*/true).ok());
  EXPECT_EQ(Row("2001:db8::/32"), "21 45");
  ASSERT_TRUE(Remove("2001:db8::/32").ok());
  EXPECT_EQ(Remove("2001:db8::/32").error_code(), grpc::NOT_FOUND);
  EXPECT_EQ(Rows().size(), before);
}

TEST_F(AddressPolicyTest, WithoutAPrecedenceTheWiderRowsIsTaken) {
  ASSERT_TRUE(Add("10.0.0.0/8", 20).ok());
  EXPECT_EQ(Row("::ffff:10.0.0.0/104"), "20 35");
  ASSERT_TRUE(Add("2001:db8::/32", 20).ok());
  EXPECT_EQ(Row("2001:db8::/32"), "20 40");
  ASSERT_TRUE(Remove("10.0.0.0/8").ok());
}

TEST_F(AddressPolicyTest, BadRowsAreNamed) {
  for (const char* prefix : {"", "here", "2001:db8::1/32", "::/129"}) {
    const grpc::Status status = Add(prefix, 1);
    EXPECT_EQ(status.error_code(), grpc::INVALID_ARGUMENT) << prefix;
    EXPECT_NE(status.error_message().find("prefix: "), std::string::npos) << prefix;
  }
  EXPECT_EQ(Add("2001:db8::/32", 0x80000000).error_code(), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(Add("2001:db8::/32", 1, 0x80000000).error_code(), grpc::INVALID_ARGUMENT);
}

TEST_F(AddressPolicyTest, RowsAreLimitedAndReset) {
  const size_t before = Rows().size();
  grpc::Status status;
  for (int i = 0; status.ok() && i < 1000; ++i) {
    status = Add(absl::StrCat("2001:db8:", absl::Hex(i), "::/48"), 9);
  }
  EXPECT_EQ(status.error_code(), grpc::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Rows().size(), 256u);
  v1::ResetAddressPoliciesResponse response;
  ASSERT_TRUE(Call(&v1::Sandbox::Stub::ResetAddressPolicies, v1::ResetAddressPoliciesRequest(),
                   &response).ok());
  EXPECT_EQ(Rows().size(), before);
}

}  // namespace
}  // namespace moat::sentry
