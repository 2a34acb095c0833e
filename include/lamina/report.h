/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * One page on what runs, sets of seeds, studies, range tests and benchmarks gave: results in
 * tables, figures, settings, and the commands that make them again.
 */
#ifndef LAMINA_REPORT_H
#define LAMINA_REPORT_H

#include "lamina/figure.h"
#include "lamina/plot.h"

LAM_BEGIN_DECLS

/** What a page is to tell of. */
typedef struct lam_report lam_report;

/** Called before each part of the work with what comes next, as one line. */
typedef void lam_report_progress_function(void *user, const char *what);

typedef struct lam_report_options {
    const char *output; /* the page; its folder must be there, an older page is replaced */
    lam_page_format format;
    const char *title; /* NULL: made of the names */
    lam_theme theme;   /* of the figures; a page itself follows its reader's */
    /* Figures are made in the folder <output without its suffix>-figures. Markdown needs it.
     * With HTML it is removed in the end where it was not there before, unless figures lack
     * their pictures, or with this: */
    bool keeps_figures;
    /* Figures that ask a trained network need both a device and its data; without them the page
     * says that they are missing. */
    lam_device *device;         /* may be NULL */
    const char *data_directory; /* NULL: where each run recorded it */
    const char *no_device_note; /* why there is no device, one sentence; NULL: none was given */
    lam_report_progress_function *progress; /* may be NULL */
    void *progress_user;
} lam_report_options;

/**
 * Reads what the paths hold: each is one that lam_plot_find_source() knows, or a folder that
 * holds such (three levels down at most; of benchmarks only those that are named themselves).
 * Parts of folders that cannot be read are left out with a warning. Errors: BAD_ARGUMENT
 * (nothing there to tell of), BAD_MODEL, BAD_STUDY, NO_MEMORY. lam_report_close() it.
 */
LAM_API LAM_MUST_USE lam_status lam_report_open(lam_context *context, const char *const *paths,
                                                size_t count, lam_report **ret_report);
/** Takes the address of a handle, accepts NULL and nulls the handle. */
LAM_API void lam_report_close(lam_report **report);

/** Whether the page has figures for which a trained network is asked. */
LAM_API bool lam_report_needs_device(const lam_report *report);

/**
 * Writes the page. Blocking. `figures` gets what was made, also after a failure. What one
 * figure lacks (a model, the data) the page says in its place. Errors: BAD_OUTPUT, NO_MEMORY,
 * INTERRUPTED (the page is as it was before); NO_RENDERER (the page is written, without the
 * pictures that could not be drawn).
 */
LAM_API LAM_MUST_USE lam_status lam_report_write(lam_report *report,
                                                 const lam_report_options *options,
                                                 lam_figure_list *figures);

LAM_END_DECLS

#endif
