// docs/requirements.md, made from conform/requirements/*.tsv.
#ifndef MOAT_CONFORM_DOC_REQUIREMENTS_PAGE_H_
#define MOAT_CONFORM_DOC_REQUIREMENTS_PAGE_H_

#include <string>

#include "conform/requirements/requirements.h"

namespace moat::conform {

inline constexpr char kRequirementsPath[] = "docs/requirements.md";

std::string RequirementsPage(const Requirements& requirements);

}  // namespace moat::conform

#endif  // MOAT_CONFORM_DOC_REQUIREMENTS_PAGE_H_
