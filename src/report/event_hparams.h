/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Sessions of TensorBoard's plugin "hparams" (tensorboard/plugins/hparams/plugin_data.proto).
 *
 * No file holds the plugin's optional message "experiment": TensorBoard takes the first that it
 * finds for all runs below its folder, and hides hyper-parameters that this one does not name.
 * Without one it lists those of all sessions.
 */
#ifndef LAM_REPORT_EVENT_HPARAMS_H
#define LAM_REPORT_EVENT_HPARAMS_H

#include <jansson.h>

#include "base/strbuf.h"
#include "lamina/recipe.h"

/** A recipe's numbers and words by their keys ("schedule.maximum"), its layers and other lists
 * as one text each; without name and description. json_decref() it; NULL without memory. */
json_t *lam_hparams_make(lam_context *context, const lam_recipe *recipe);

/** Of a study's trial: the value of a parameter, which stands as YAML, as what it is. */
json_t *lam_hparam_parse(const char *value);

/** One run's hyper-parameters, an object of texts, numbers and truth values; borrowed. Sessions
 * of one `group` are repetitions, whose metrics TensorBoard averages. */
void lam_event_add_session_start(lam_strbuf *summary, const json_t *hparams, const char *group,
                                 double time);
void lam_event_add_session_end(lam_strbuf *summary, bool has_succeeded, double time);

#endif
