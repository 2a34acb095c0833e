/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Event files for TensorBoard of what runs and studies measured: scalars of each measurement,
 * and for run folders histograms of the models' parameters, templates of the first layer's
 * units, and a session of the plugin "hparams".
 *
 * Tags: loss/train, cost/train, accuracy/train, the same of validation, learning_rate; where a
 * run is finished the same of test at its last step, and best/accuracy/validation etc. at the
 * step of the best model. Of a study's finished trial: objective.
 *
 * Measurements carry no dates: those of a finished run are spread over the time that it took,
 * up to when metrics.csv was last written.
 *
 * A folder holds one event file, events.out.tfevents.<time>.lamina, which is written whole and
 * takes the place of an earlier one; other files stay. Where a file begins again, as after
 * training was resumed, it has another name: TensorBoard goes on with the last file of a
 * folder, and forgets of earlier ones what the last has again.
 */
#ifndef LAMINA_EVENT_LOG_H
#define LAMINA_EVENT_LOG_H

#include <stddef.h>

#include "lamina/context.h"

LAM_BEGIN_DECLS

/**
 * Writes the event files of run folders, folders of sets of seeds and studies below
 * `directory`: <name of the folder>, <name of the folder>/seed-<seed>, and <name of the study>/
 * trial-<iteration>, with several seeds -seed-<seed> behind it. Names that come again get a
 * number. Gives the number of event files. Errors: BAD_MODEL, BAD_STUDY, BAD_OUTPUT, NO_MEMORY,
 * INTERRUPTED.
 */
LAM_API LAM_MUST_USE lam_status lam_event_log_export(lam_context *context,
                                                     const char *const *paths, size_t count,
                                                     const char *directory, size_t *ret_files);

/** Writes the event file of one run folder while the run is in training, by this process or
 * another. */
typedef struct lam_event_follower lam_event_follower;

/** Neither folder has to be there yet; `group` names what repetitions of a run have in common,
 * NULL for a run by itself. Errors: NO_MEMORY. */
LAM_API LAM_MUST_USE lam_status lam_event_follower_create(lam_context *context,
                                                          const char *run_directory,
                                                          const char *event_directory,
                                                          const char *group,
                                                          lam_event_follower **ret_follower);
LAM_API void lam_event_follower_destroy(lam_event_follower **follower);

/** Appends the measurements that are new since the last call, in one write; begins the file
 * again where the run began again or was resumed. Errors: BAD_OUTPUT, BAD_MODEL, NO_MEMORY. */
LAM_API LAM_MUST_USE lam_status lam_event_follower_update(lam_event_follower *follower);

/** The same, and where the run is over all that is known at its end. Errors: as above. */
LAM_API LAM_MUST_USE lam_status lam_event_follower_finish(lam_event_follower *follower);

LAM_END_DECLS

#endif
