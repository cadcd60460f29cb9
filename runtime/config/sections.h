// The parsers of config.json's parts, one file each, put together by parse.cc. Private to the
// directory.
#ifndef MOAT_RUNTIME_CONFIG_SECTIONS_H_
#define MOAT_RUNTIME_CONFIG_SECTIONS_H_

#include "runtime/config/json_reader.h"
#include "runtime/config/spec.h"

namespace moat::runtime {

// Each reads one object into *out and fails the reader's document where a field is missing or
// wrong.
void ReadProcess(JsonReader& reader, Process* out);
void ReadHooks(JsonReader& reader, Hooks* out);
void ReadResources(JsonReader& reader, Resources* out);
void ReadSeccomp(JsonReader& reader, Seccomp* out);
void ReadLinux(JsonReader& reader, Linux* out);

// Rules that span several parts; `reader` stands at the document.
void CheckSpec(JsonReader& reader, const Spec& spec);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_CONFIG_SECTIONS_H_
