/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A study as its figures need it: read once, ranked, with words for axes and captions.
 */
#ifndef LAM_REPORT_PLOTTED_STUDY_H
#define LAM_REPORT_PLOTTED_STUDY_H

#include "base/strbuf.h"
#include "lamina/study.h"
#include "report/parameter_axis.h"
#include "report/plotter.h"

typedef struct lam_plotted_study {
    lam_study *study;
    lam_study_view *view;
    lam_ranking ranking;
    lam_parameter_axis *axes;                 /* [space.count] */
    double importance[LAM_MAX_PARAMETERS];    /* of each parameter; NaN: too little to say */
    size_t by_importance[LAM_MAX_PARAMETERS]; /* parameters, the most important first; of
                                                 equals, and without a share, as in the space */
    char name[128]; /* of its file, without folder and suffix, shortened */
    char stem[128]; /* the same for names of figures, not shortened */
} lam_plotted_study;

/** Errors: BAD_STUDY, NO_MEMORY. lam_plotted_study_close() it. */
LAM_MUST_USE lam_status lam_plotted_study_open(lam_context *context, const char *path,
                                               lam_plotted_study *ret_study);
void lam_plotted_study_close(lam_plotted_study *study);

/** A value of the objective as figures show it: accuracies in %. */
double lam_plotted_study_show(const lam_plotted_study *study, double objective);
/** The objective's name, and the same with its unit. */
const char *lam_plotted_study_get_name(const lam_plotted_study *study);
const char *lam_plotted_study_get_label(const lam_plotted_study *study);
bool lam_plotted_study_has_accuracy(const lam_plotted_study *study);

/** The value that a rank's configuration has of a parameter, as text; "" for none. */
const char *lam_plotted_study_get_value(const lam_plotted_study *study, const lam_rank *rank,
                                        size_t parameter);

/** What is worse is not worth an axis: losses grow beyond all bounds before they diverge. Half
 * as far again from the best trial that is done as the worst of them, at least by half of its
 * value; infinite for accuracies. */
double lam_plotted_study_find_ceiling(const lam_plotted_study *study);

/** The axis of an objective that is shown as column `column` of the table, with its range up to
 * the ceiling; of one value alone both ends are the same. Losses that span more than a decade
 * and a half are shown on a logarithmic scale. */
lam_axis lam_plotted_study_make_axis(const lam_plotted_study *study, const lam_table *table,
                                     size_t column);

/** Fills name, title, caption and alternative text: `what` says what is shown against what,
 * and `note` more of it in whole sentences. */
void lam_plotted_study_describe(const lam_plotted_study *study, const lam_plotter *plotter,
                                const char *kind, const char *what, const char *note,
                                lam_figure *figure);

/** Sentences for captions, each with a blank in front: what the pick is, how many
 * configurations over what and what became of them, and what was trained. */
void lam_plotted_study_append_best(const lam_plotted_study *study, lam_strbuf *text);
void lam_plotted_study_append_plan(const lam_plotted_study *study, lam_strbuf *text);
void lam_plotted_study_append_recipe(const lam_plotted_study *study, lam_strbuf *text);

#endif
