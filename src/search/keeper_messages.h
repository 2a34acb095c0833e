/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What goes between a worker and who keeps its study, as JSON. Writers give NULL without
 * memory, and the caller releases their result; readers false for what does not fit.
 */
#ifndef LAM_SEARCH_KEEPER_MESSAGES_H
#define LAM_SEARCH_KEEPER_MESSAGES_H

#include <jansson.h>

#include "lamina/search.h"

json_t *lam_message_write_worker(const lam_worker_identity *worker);
bool lam_message_read_worker(const json_t *json, lam_worker_identity *ret_worker);

/** NULL is a claim, too: of nothing. */
json_t *lam_message_write_claim(const lam_wave_claim *claim);
bool lam_message_read_claim(const json_t *json, lam_wave_claim **ret_claim);

json_t *lam_message_write_look(const lam_search_look *look);
bool lam_message_read_look(const json_t *json, lam_search_look *ret_look);

json_t *lam_message_write_report(const lam_wave_report *report);
/** lam_message_free_report() it, also after a failure. */
bool lam_message_read_report(const json_t *json, lam_wave_report *ret_report);
void lam_message_free_report(lam_wave_report *report);

json_t *lam_message_write_outcomes(const lam_trial_outcome *outcomes, size_t count);
/** lam_message_free_outcomes() them, also after a failure. */
bool lam_message_read_outcomes(const json_t *json, lam_trial_outcome **ret_outcomes,
                               size_t *ret_count);
void lam_message_free_outcomes(lam_trial_outcome *outcomes, size_t count);

json_t *lam_message_write_speeds(const lam_population_speed *speeds, size_t count);
/** free() them, also after a failure. */
bool lam_message_read_speeds(const json_t *json, lam_population_speed **ret_speeds,
                             size_t *ret_count);

/** Errors: NO_MEMORY. */
LAM_MUST_USE lam_status lam_message_write_plan(lam_context *context, const lam_study_plan *plan,
                                               json_t **ret_json);
/** lam_space_free() its space. Errors: BAD_STUDY, BAD_RECIPE, BAD_ARGUMENT. */
LAM_MUST_USE lam_status lam_message_read_plan(lam_context *context, const json_t *json,
                                              lam_study_plan *ret_plan);

#endif
