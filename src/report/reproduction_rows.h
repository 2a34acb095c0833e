/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What the page of published numbers against ours tabulates.
 */
#ifndef LAM_REPORT_REPRODUCTION_ROWS_H
#define LAM_REPORT_REPRODUCTION_ROWS_H

#include "figure/table.h"
#include "lamina/reproduce.h"

/** Columns of lam_reproduction_tabulate(), in their order: X(name, heading, kind of cells) */
#define LAM_REPRODUCTION_COLUMN_LIST(X)                                                        \
    X(EXPERIMENT, "experiment", TEXT)                                                          \
    X(QUANTITY, "quantity", TEXT)                                                              \
    X(REPORT, "report", TEXT)                                                                  \
    X(PUBLISHED, "published", TEXT)                                                            \
    X(OURS, "ours", TEXT)         /* the mean, as many digits as mean anything */              \
    X(INTERVAL, "interval", TEXT) /* of 95 %, "38.20 to 39.74" */                              \
    X(COUNT, "n", NUMBER)                                                                      \
    X(VERDICT, "verdict", TEXT)                                                                \
    X(NOTE, "note", TEXT)                                                                      \
    X(PUBLISHED_LOW, "published_low", NUMBER)                                                  \
    X(PUBLISHED_HIGH, "published_high", NUMBER)                                                \
    X(MEAN, "mean", NUMBER)                                                                    \
    X(DEVIATION, "deviation", NUMBER)                                                          \
    X(HALF_WIDTH, "half_width", NUMBER)                                                        \
    X(TOLERANCE, "tolerance", NUMBER)

enum {
#define LAM_REPRODUCTION_COLUMN_ENUM(name, heading, kind) LAM_REPRODUCTION_COLUMN_##name,
    LAM_REPRODUCTION_COLUMN_LIST(LAM_REPRODUCTION_COLUMN_ENUM)
#undef LAM_REPRODUCTION_COLUMN_ENUM
};

/** Which published numbers. */
typedef enum lam_reproduction_choice {
    LAM_REPRODUCTION_DONE,   /* of experiments that were run */
    LAM_REPRODUCTION_BEYOND, /* judged, and not to agree */
} lam_reproduction_choice;

/** A row for each published number of the experiments `first` .. `end` - 1, in the manifest's
 * order. lam_table_free() it. */
lam_table lam_reproduction_tabulate(const lam_reproduction *reproduction,
                                    lam_reproduction_choice choice, size_t first, size_t end);

/** How many published numbers have each verdict. */
typedef struct lam_reproduction_tally {
    size_t verdicts[LAM_VERDICT_COUNT];
    size_t judged, missing; /* the latter of experiments that were not run */
} lam_reproduction_tally;

lam_reproduction_tally lam_reproduction_count(const lam_reproduction *reproduction);

#endif
