/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What TensorBoard shows of a run folder's models.
 */
#ifndef LAM_REPORT_EVENT_MODEL_H
#define LAM_REPORT_EVENT_MODEL_H

#include "report/event_run.h"

/**
 * Appends events of every model in `folder` that was saved at a step of its own, in the order
 * of steps: histograms of its layers' parameters ("layer1/weight"), and where the first layer
 * takes images the templates of its units ("layer1/templates"), each of its own scale.
 * Errors: BAD_MODEL, NO_MEMORY.
 */
LAM_MUST_USE lam_status lam_event_append_models(lam_context *context, const char *folder,
                                                const lam_event_clock *clock, lam_strbuf *file);

#endif
