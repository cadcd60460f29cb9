// Typed access to one JSON object that remembers where it stands in the document, so that the first
// thing wrong is reported as "document: path.to.field: what". After a failure every further read is
// a no-op; the caller looks at the status once, at the end.
#ifndef MOAT_RUNTIME_CONFIG_JSON_READER_H_
#define MOAT_RUNTIME_CONFIG_JSON_READER_H_

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace moat::runtime {

class JsonReader {
 public:
  using Visitor = absl::FunctionRef<void(JsonReader&)>;

  // Reads `value`, which must be an object; fails `status` otherwise. All are borrowed.
  JsonReader(const nlohmann::json& value, absl::string_view document, absl::Status* status);

  // Present and not null.
  bool Has(const char* name) const;

  // An absent or null field leaves *out alone.
  void Read(const char* name, std::string* out);
  void Read(const char* name, bool* out);
  void Read(const char* name, int* out);
  void Read(const char* name, int64_t* out);
  void Read(const char* name, uint16_t* out);
  void Read(const char* name, uint32_t* out);
  void Read(const char* name, uint64_t* out);
  void Read(const char* name, std::vector<std::string>* out);
  void Read(const char* name, std::vector<uint32_t>* out);
  void Read(const char* name, std::map<std::string, std::string>* out);
  template <typename T>
  void Read(const char* name, std::optional<T>* out) {
    if (Has(name)) Read(name, &out->emplace());
  }

  // Visits the object `name`, if there is one.
  void Object(const char* name, Visitor visit);
  // Visits each object of the array `name`, if there is one.
  void Array(const char* name, Visitor visit);
  // Visits each member of the object `name`, whose values are objects; key() is the member's name.
  void Members(const char* name, Visitor visit);
  const std::string& key() const { return key_; }

  // Fails the document at the field `name` of this object, or at the object itself when empty.
  void Fail(absl::string_view name, absl::string_view what);
  bool failed() const { return !status_->ok(); }

 private:
  JsonReader(const nlohmann::json& value, const JsonReader& parent, std::string key);

  const nlohmann::json* Find(const char* name) const;
  std::string Path() const;
  void CheckObject();
  bool ToString(const nlohmann::json& value, absl::string_view where, std::string* out);
  template <typename T>
  void ToInteger(const nlohmann::json& value, absl::string_view where, T* out);
  template <typename T>
  void ReadInteger(const char* name, T* out);

  const nlohmann::json* value_;
  const JsonReader* parent_ = nullptr;
  std::string document_;  // only at the root
  std::string key_;       // below the parent: "args" or "mounts[3]"
  absl::Status* status_;
};

// Parses text into a tree; a syntax error becomes one line with its byte position.
absl::StatusOr<nlohmann::json> ParseJson(absl::string_view text, absl::string_view document);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_CONFIG_JSON_READER_H_
