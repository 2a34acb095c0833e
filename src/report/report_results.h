/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Results of runs as tables of a page.
 */
#ifndef LAM_REPORT_REPORT_RESULTS_H
#define LAM_REPORT_REPORT_RESULTS_H

#include "report/report_writer.h"

/** Means over the finished networks of a set, of the trained ones and of the best; of a run
 * that is not finished its latest measurement. */
void lam_report_add_results(lam_report_writer *writer, const lam_run_set *set);

/** Each network of a set of seeds. */
void lam_report_add_seeds(lam_report_writer *writer, const lam_run_set *set);

/** Several sets, a row each. */
void lam_report_add_run_table(lam_report_writer *writer);

#endif
