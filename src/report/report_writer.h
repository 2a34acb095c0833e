/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A report while it is being written: what its sections share.
 */
#ifndef LAM_REPORT_REPORT_WRITER_H
#define LAM_REPORT_REPORT_WRITER_H

#include "base/error.h"
#include "base/strbuf.h"
#include "figure/page.h"
#include "lamina/report.h"
#include "lamina/run_history.h"

/** What one path holds. */
typedef struct lam_report_item {
    lam_plot_source source;
    char *path;
    lam_run_set set;      /* of a RUN */
    lam_study_view *view; /* of a STUDY */
} lam_report_item;

struct lam_report {
    lam_context *context;
    lam_report_item *items; /* studies first, then runs, range tests and benchmarks */
    size_t count;
};

typedef struct lam_report_writer {
    lam_context *context;
    const lam_report *report;
    const lam_report_options *options;
    lam_page *page;
    lam_figure_options figure_options;
    lam_figure_list *figures;
    size_t shown;         /* of the figures, on the page */
    bool lacks_pictures;  /* some could not be drawn */
    lam_dataset *dataset; /* of the network that was asked last; NULL: none yet */
    lam_data_options dataset_options;
    char *dataset_directory;
} lam_report_writer;

/** report_sources.c: fills a report that is empty. */
LAM_MUST_USE lam_status lam_report_find_items(lam_report *report, const char *const *paths,
                                              size_t count);
void lam_report_item_free(lam_report_item *item);

/** The recipe's or the file's name, with the path where others have the same. */
void lam_report_name_item(const lam_report *report, const lam_report_item *item, char *name,
                          size_t bytes);

/** Tells the caller what comes next. */
void lam_report_announce(const lam_report_writer *writer, const char *format, ...)
    LAM_PRINTF(2, 3);

/** Puts what a function made onto the page, which is told when that was not all: `what` was
 * left out, and why. Gives the errors that end the whole report. */
LAM_MUST_USE lam_status lam_report_take_figures(lam_report_writer *writer, lam_status outcome,
                                                const char *what);

/** A row of a table of two columns, what and its value. */
lam_table lam_report_start_facts(void);
void lam_report_add_fact(lam_table *facts, const char *what, const char *format, ...)
    LAM_PRINTF(3, 4);
/** Puts the table onto the page and frees it. */
void lam_report_end_facts(lam_report_writer *writer, lam_table *facts);

/** Settings and how to do it again: the recipe as a file of its own, called `file`. */
LAM_MUST_USE lam_status lam_report_add_recipe(lam_report_writer *writer,
                                              const lam_recipe *recipe, const char *file,
                                              const char *command);
/** A word of a command, between quotes where the shell would not take it as it is. */
void lam_report_append_word(lam_strbuf *command, const char *word);

/** The sections. */
LAM_MUST_USE lam_status lam_report_add_run(lam_report_writer *writer,
                                           const lam_report_item *item, const char *heading,
                                           bool shows_network);
LAM_MUST_USE lam_status lam_report_add_study(lam_report_writer *writer,
                                             const lam_report_item *item, const char *heading,
                                             lam_plot_kinds kinds);
/** What several runs, or several studies, show together. */
LAM_MUST_USE lam_status lam_report_add_comparison(lam_report_writer *writer);

#endif
