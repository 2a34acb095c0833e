/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What the suites on studies share: a study in a folder of its own, and workers that train
 * nothing.
 */
#ifndef LAM_TESTS_SUPPORT_SMALL_STUDY_H
#define LAM_TESTS_SUPPORT_SMALL_STUDY_H

#include "lamina/search.h"
#include "support/folder.h"
#include "support/suite.h"

#define ck_assert_ok(expression)                                                               \
    ck_assert_msg((expression) == LAM_STATUS_OK, "%s", lam_error_message(study_context))

/** Of the test that runs. */
extern test_folder study_folder;
extern lam_context *study_context;
extern char study_warnings[4096]; /* one a line */
extern char study_path[512];

/** 12 configurations of l2 and the rate, 2 seeds; free its space. */
lam_study_plan small_plan(void);
/** The same with a space of its own. */
lam_study_plan small_plan_over(const char *const *space, size_t count);

/** A study in `study_path`. */
lam_study *create_study(const lam_study_plan *plan);
lam_study *create_small_study(void);
lam_study *open_study(void);

/** The call fails with `status` and a one-line message that holds `fragment`. */
void study_fails(lam_status status, lam_status expected, const char *fragment);

/** A worker of this process. */
lam_worker_identity small_worker(const char *name);

/** Claims what the worker sees first; NULL where there is nothing to do. */
lam_wave_claim *claim_wave(lam_study *study, const lam_worker_identity *worker, size_t limit);

/** Reports a measurement of each of the claim's trials at `step`, with an accuracy that is a
 * function of its configuration and seed. */
bool report_step(lam_study *study, const lam_wave_claim *claim, int64_t step);
lam_measurement small_measurement(int64_t configuration, int seed_index, int64_t step);

/** Ends all of the claim's trials. */
bool finish_wave(lam_study *study, const lam_wave_claim *claim, lam_trial_state state);

/** Works until nothing is left to do for this worker; gives how many trials that were. */
int64_t work_off(lam_study *study, const char *name, size_t limit);

/** A number from the file, by a connection of its own. */
int64_t ask_study(const char *query);
void change_study(const char *statement);

/** Adds a test that has a context and a folder. */
void add_study_test(Suite *suite, const char *name, const TTest *test);

#endif
