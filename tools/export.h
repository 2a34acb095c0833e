/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What `lamina export` has read, and the texts that it makes of it.
 */
#ifndef LAM_TOOLS_EXPORT_H
#define LAM_TOOLS_EXPORT_H

#include "search.h"

/** One path: run folders, or a study. */
typedef struct export_source {
    const char *path;
    lam_run_set runs;     /* empty for a study */
    lam_study *study;     /* NULL for runs */
    lam_study_view *view; /* of the study */
} export_source;

typedef struct export_sources {
    lam_context *context;
    export_source *list;
    size_t count;
} export_sources;

/** A row for each measurement, with the path, seed and where a study is among the sources
 * iteration and values in front. */
LAM_MUST_USE lam_status export_csv(const export_sources *sources, FILE *out);

/** {"sources": [..]}: records and measurements of runs, trials and rankings of studies. */
LAM_MUST_USE lam_status export_json(const export_sources *sources, FILE *out);

#endif
