/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What the trials of one configuration say together.
 */
#ifndef LAM_SEARCH_RANKING_H
#define LAM_SEARCH_RANKING_H

#include "lamina/study.h"

/** Objective values of its DONE trials, in the order of seeds. Returns how many; 0 also where
 * the configuration does not count yet, since a trial waits or runs. ret_values[seed_count] */
size_t lam_configuration_collect(const lam_study_view *view,
                                 const lam_configuration *configuration, double *ret_values);

/** sqrt(p (1 - p) / rows): the error of an accuracy p measured on so many rows. */
double lam_binomial_error(double accuracy, uint32_t rows);

#endif
