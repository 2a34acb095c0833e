/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What `lamina reproduce` is made of.
 */
#ifndef LAM_TOOLS_REPRODUCE_H
#define LAM_TOOLS_REPRODUCE_H

#include "tool.h"

/** One call of the command; borrowed. */
typedef struct reproduce_options {
    common_options common;
    const char *manifest, *output, *publish, *note;
    const char **only; /* names; 0 of them: all of the manifest's default ones */
    size_t only_count;
    size_t seeds;
    bool all, list, no_peer;
} reproduce_options;

/** An experiment is done if chosen[its index]. */
typedef struct reproduce_plan {
    const lam_manifest *manifest;
    bool *chosen;
} reproduce_plan;

/* ---- reproduce_run.c ---- */

/** Runs what is chosen, with progress on stderr, and fills results[experiment_count]. A failure
 * has been said. */
LAM_MUST_USE lam_status reproduce_run(lam_context *context, const reproduce_options *options,
                                      const reproduce_plan *plan,
                                      lam_experiment_result *results, char device[512]);

/* ---- reproduce_figures.c ---- */

/** Draws the manifest's figures whose experiments were run, into the reproduction's folder of
 * them; without a renderer a warning is all that is said. Errors: as in lamina/plot.h. */
LAM_MUST_USE lam_status reproduce_draw(lam_context *context, const reproduce_options *options,
                                       const reproduce_plan *plan,
                                       const lam_reproduction *reproduction,
                                       lam_figure_list *list);

/* ---- reproduce_peer.c ---- */

/** Times of another program for the same networks, kept in a file. */
typedef struct reproduce_peer reproduce_peer;

/** NULL where there is none: without Python, NumPy or the manifest's scripts. free() it. */
reproduce_peer *reproduce_peer_open(const lam_manifest *manifest, const char *directory);
void reproduce_peer_close(reproduce_peer **peer);

/** Seconds that it would train `networks` of the recipe for, from a part of an epoch that is
 * timed once for each network and batch; NaN where it cannot. */
double reproduce_peer_estimate(reproduce_peer *peer, lam_context *context,
                               const lam_recipe *recipe, size_t networks);
/** Norm-wise relative error of a file of lam_check_gradients() against it; NaN where it
 * cannot. */
double reproduce_peer_check(const reproduce_peer *peer, const char *path);

#endif
