/* SPDX-License-Identifier: Apache-2.0 */
#include "lamina/version.h"

const char *lam_version(void)
{
    return LAM_VERSION;
}
