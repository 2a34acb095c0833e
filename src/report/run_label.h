/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What a run is called in figures.
 */
#ifndef LAM_REPORT_RUN_LABEL_H
#define LAM_REPORT_RUN_LABEL_H

#include "lamina/recipe.h"

#define LAM_RUN_LABEL_BYTES 96

/** "a2-fig4", or "a2-fig4, seed 3" of the folder of a seed. */
void lam_run_make_label(const lam_recipe *recipe, const char *folder,
                        char label[LAM_RUN_LABEL_BYTES]);

#endif
