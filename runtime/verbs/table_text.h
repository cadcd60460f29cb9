// Rows of cells as aligned columns, three blanks apart, as runc's lists have them.
#ifndef MOAT_RUNTIME_VERBS_TABLE_TEXT_H_
#define MOAT_RUNTIME_VERBS_TABLE_TEXT_H_

#include <string>
#include <vector>

namespace moat::runtime {

// The first row is the header. Every row has as many cells. Control characters become '?'.
std::string TableText(const std::vector<std::vector<std::string>>& rows);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_VERBS_TABLE_TEXT_H_
