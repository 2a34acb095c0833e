/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What lam_study_compute_importance() computes.
 *
 * Epsilon squared (Kelley, "An unbiased correlation ratio measure", PNAS 21, 1935): of the
 * variance of the objective among configurations (each by its mean over seeds), the share that
 * goes with one parameter alone, estimated without the bias that many groups give to the
 * correlation ratio eta squared. The configurations fall into k groups by the parameter: by
 * value for a CHOICE, else by its coordinate into floor(sqrt(n)) groups, at most 10, of as
 * equal counts as equal coordinates allow. With the sums of squares between the groups, within
 * them and in total,
 *
 *     epsilon squared = (between - (k - 1) within / (n - k)) / total
 *
 * and negative estimates, which chance gives where there is nothing to find, are 0.
 *
 * It is NaN with fewer than LAM_IMPORTANCE_MIN configurations that vary the parameter, where
 * all of them are in one group or each in its own, and where all their objectives are equal.
 *
 * It sees one parameter at a time: of two that matter only together, each can have 0, and what
 * goes with interactions belongs to none, so that the shares of all parameters need not add up
 * to 1. Nor does it see what lies within a group. fANOVA (Hutter, Hoos and Leyton-Brown, ICML
 * 2014) fits a random forest and splits the variance of its predictions over the whole space,
 * interactions included; this is a statement on the configurations that were tried, and a
 * sampler that crowds some region (TPE, CMAES) weighs it by that.
 */
#ifndef LAM_SEARCH_IMPORTANCE_H
#define LAM_SEARCH_IMPORTANCE_H

#include "lamina/study.h"

#define LAM_IMPORTANCE_MIN 8

#endif
