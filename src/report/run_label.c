/* SPDX-License-Identifier: Apache-2.0 */
#include "report/run_label.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "train/run_directory.h"

void lam_run_make_label(const lam_recipe *recipe, const char *folder,
                        char label[LAM_RUN_LABEL_BYTES])
{
    char last[32];
    uint64_t seed;
    size_t end = strlen(folder);
    while (end > 0 && folder[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && folder[begin - 1] != '/')
        begin--;
    snprintf(last, sizeof last, "%.*s", (int)(end - begin), folder + begin);
    if (lam_run_parse_folder(last, &seed))
        snprintf(label, LAM_RUN_LABEL_BYTES, "%s, seed %" PRIu64, recipe->name, seed);
    else
        snprintf(label, LAM_RUN_LABEL_BYTES, "%s", recipe->name);
}
