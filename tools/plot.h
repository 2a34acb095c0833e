/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What the parts of `lamina plot` share.
 */
#ifndef LAM_TOOLS_PLOT_H
#define LAM_TOOLS_PLOT_H

#include <limits.h>

#include "tool.h"

enum { SOURCE_COUNT = LAM_PLOT_SOURCE_BENCH + 1 };

/** Paths of one kind of source, in the order given. */
typedef struct path_list {
    const char **paths;
    size_t count;
} path_list;

typedef struct plot_command {
    common_options common;
    path_list paths, of_source[SOURCE_COUNT];
    lam_plot_kinds wanted; /* by name; 0: what the sources have without a device */
    const char *model;
    lam_figure_options options;
} plot_command;

/** The folder of the run that a path names; of a set of seeds the first that is finished, which
 * stands for all where a figure shows a single network. */
LAM_MUST_USE lam_status find_plotted_run(lam_context *context, const char *path,
                                         char folder[PATH_MAX], lam_recipe *ret_recipe);

/** Those of `kinds` that need a device and the data, of all runs. */
LAM_MUST_USE lam_status plot_networks(lam_context *context, const plot_command *command,
                                      lam_plot_kinds kinds, lam_figure_list *list);

#endif
