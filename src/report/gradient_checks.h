/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The four gradient checks of an experiment, and the file that keeps what they gave.
 */
#ifndef LAM_REPORT_GRADIENT_CHECKS_H
#define LAM_REPORT_GRADIENT_CHECKS_H

#include "lamina/gradient_check.h"
#include "lamina/reproduce.h"

#define LAM_GRADIENT_CHECKS_FILE "gradients.json"

/** Checks that are in the file and were made with the same settings stay as they are. Errors:
 * those of lam_check_gradients(). */
LAM_MUST_USE lam_status lam_gradient_checks_run(lam_context *context, lam_device *device,
                                                const lam_experiment *experiment,
                                                const lam_dataset *dataset,
                                                const lam_train_options *options,
                                                lam_experiment_result *result);

#endif
