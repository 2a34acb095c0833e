/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What `lamina watch` and `lamina search watch` look at.
 */
#ifndef LAM_TOOLS_WATCH_H
#define LAM_TOOLS_WATCH_H

#include "screen.h"
#include "search.h"

/** Runs or a study at one moment. */
typedef struct watch_view {
    lam_run_set runs;      /* empty for a study */
    lam_study_view *study; /* NULL for runs */
    lam_progress progress; /* of the runs; `latest` is the mean of all */
    double age;            /* of `progress`, in seconds; negative where it is not known */
    bool is_over;
} watch_view;

/* ---- watch_runs.c ---- */

LAM_MUST_USE lam_status load_watched_runs(lam_context *context, const char *path,
                                          watch_view *ret_view);
/** A page for a terminal, a line for a file, and what of it is worth another line. */
void print_watched_runs(const watch_view *view, const screen *s, FILE *out);
void format_watched_runs(const watch_view *view, char *line, size_t bytes);
void format_runs_change(const watch_view *view, char *key, size_t bytes);

/* ---- watch_study.c ---- */

void print_watched_study(lam_context *context, const watch_view *view, const screen *s,
                         FILE *out);
void format_study_change(const watch_view *view, char *key, size_t bytes);

/** "███░░ 60 %", ASCII where the terminal knows no more. */
void print_bar(FILE *out, const screen *s, double share, int columns);

#endif
