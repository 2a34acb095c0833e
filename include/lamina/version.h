/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The library's version.
 */
#ifndef LAMINA_VERSION_H
#define LAMINA_VERSION_H

#include "lamina/export.h"

LAM_BEGIN_DECLS

/** "major.minor.patch" of the library that is loaded. */
LAM_API const char *lam_version(void);

LAM_END_DECLS

#endif
