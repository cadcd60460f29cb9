#include "runtime/config/json_reader.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "runtime/config/parse.h"

namespace moat::runtime {

using nlohmann::json;

JsonReader::JsonReader(const json& value, absl::string_view document, absl::Status* status)
    : value_(&value), document_(document), status_(status) {
  CheckObject();
}

JsonReader::JsonReader(const json& value, const JsonReader& parent, std::string key)
    : value_(&value), parent_(&parent), key_(std::move(key)), status_(parent.status_) {
  CheckObject();
}

void JsonReader::CheckObject() {
  if (!value_->is_object()) Fail("", "must be an object");
}

std::string JsonReader::Path() const {
  if (parent_ == nullptr) return absl::StrCat(document_, ": ");
  std::string above = parent_->Path();
  return absl::StrCat(above, parent_->parent_ == nullptr ? "" : ".", key_);
}

void JsonReader::Fail(absl::string_view name, absl::string_view what) {
  if (failed()) return;
  std::string path = Path();
  if (parent_ == nullptr && name.empty()) path.resize(path.size() - 2);  // the document itself
  const bool dot = parent_ != nullptr && !name.empty();
  *status_ = absl::InvalidArgumentError(absl::StrCat(path, dot ? "." : "", name, ": ", what));
}

const json* JsonReader::Find(const char* name) const {
  if (failed()) return nullptr;
  auto it = value_->find(name);
  if (it == value_->end() || it->is_null()) return nullptr;
  return &*it;
}

bool JsonReader::Has(const char* name) const { return Find(name) != nullptr; }

bool JsonReader::ToString(const json& value, absl::string_view where, std::string* out) {
  if (!value.is_string()) {
    Fail(where, "must be a string");
    return false;
  }
  const std::string& text = value.get_ref<const std::string&>();
  if (text.find('\0') != std::string::npos) {
    Fail(where, "must not contain a NUL byte");
    return false;
  }
  *out = text;
  return true;
}

template <typename T>
void JsonReader::ToInteger(const json& value, absl::string_view where, T* out) {
  if (!value.is_number_integer()) return Fail(where, "must be an integer");
  bool fits;
  if (value.is_number_unsigned()) {
    fits = value.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<T>::max());
  } else {
    // Only negative numbers are held signed.
    fits = std::is_signed_v<T> &&
           value.get<int64_t>() >= static_cast<int64_t>(std::numeric_limits<T>::min());
  }
  if (!fits) {
    return Fail(where, absl::StrCat("must be between ", std::numeric_limits<T>::min(), " and ",
                                    std::numeric_limits<T>::max()));
  }
  *out = value.get<T>();
}

template <typename T>
void JsonReader::ReadInteger(const char* name, T* out) {
  if (const json* value = Find(name)) ToInteger(*value, name, out);
}

void JsonReader::Read(const char* name, int* out) { ReadInteger(name, out); }
void JsonReader::Read(const char* name, int64_t* out) { ReadInteger(name, out); }
void JsonReader::Read(const char* name, uint16_t* out) { ReadInteger(name, out); }
void JsonReader::Read(const char* name, uint32_t* out) { ReadInteger(name, out); }
void JsonReader::Read(const char* name, uint64_t* out) { ReadInteger(name, out); }

void JsonReader::Read(const char* name, std::string* out) {
  if (const json* value = Find(name)) ToString(*value, name, out);
}

void JsonReader::Read(const char* name, bool* out) {
  const json* value = Find(name);
  if (value == nullptr) return;
  if (!value->is_boolean()) return Fail(name, "must be true or false");
  *out = value->get<bool>();
}

void JsonReader::Read(const char* name, std::vector<std::string>* out) {
  const json* value = Find(name);
  if (value == nullptr) return;
  if (!value->is_array()) return Fail(name, "must be an array of strings");
  out->reserve(value->size());
  for (const json& element : *value) {
    const std::string where = absl::StrCat(name, "[", out->size(), "]");
    if (!ToString(element, where, &out->emplace_back())) return;
  }
}

void JsonReader::Read(const char* name, std::vector<uint32_t>* out) {
  const json* value = Find(name);
  if (value == nullptr) return;
  if (!value->is_array()) return Fail(name, "must be an array of integers");
  for (const json& element : *value) {
    const std::string where = absl::StrCat(name, "[", out->size(), "]");
    ToInteger(element, where, &out->emplace_back());
    if (failed()) return;
  }
}

void JsonReader::Read(const char* name, std::map<std::string, std::string>* out) {
  const json* value = Find(name);
  if (value == nullptr) return;
  if (!value->is_object()) return Fail(name, "must be an object of strings");
  for (auto it = value->begin(); it != value->end(); ++it) {
    if (it.key().find('\0') != std::string::npos) {
      return Fail(name, "has a key with a NUL byte");
    }
    const std::string where = absl::StrCat(name, "[", it.key(), "]");
    if (!ToString(it.value(), where, &(*out)[it.key()])) return;
  }
}

void JsonReader::Object(const char* name, Visitor visit) {
  const json* value = Find(name);
  if (value == nullptr) return;
  JsonReader reader(*value, *this, name);
  if (!failed()) visit(reader);
}

void JsonReader::Array(const char* name, Visitor visit) {
  const json* value = Find(name);
  if (value == nullptr) return;
  if (!value->is_array()) return Fail(name, "must be an array of objects");
  size_t index = 0;
  for (const json& element : *value) {
    JsonReader reader(element, *this, absl::StrCat(name, "[", index++, "]"));
    if (!failed()) visit(reader);
    if (failed()) return;
  }
}

void JsonReader::Members(const char* name, Visitor visit) {
  const json* value = Find(name);
  if (value == nullptr) return;
  if (!value->is_object()) return Fail(name, "must be an object of objects");
  JsonReader outer(*value, *this, name);
  for (auto it = value->begin(); it != value->end(); ++it) {
    JsonReader reader(it.value(), outer, it.key());
    if (!failed()) visit(reader);
    if (failed()) return;
  }
}

absl::StatusOr<json> ParseJson(absl::string_view text, absl::string_view document) {
  if (text.size() > kMaxDocumentSize) {
    return absl::InvalidArgumentError(
        absl::StrCat(document, ": longer than ", kMaxDocumentSize, " bytes"));
  }
  // The one place where the library's exceptions are wanted: they carry the position.
  try {
    return json::parse(text.begin(), text.end());
  } catch (const json::parse_error& error) {
    return absl::InvalidArgumentError(
        absl::StrCat(document, ": not valid JSON at byte ", error.byte));
  }
}

}  // namespace moat::runtime
