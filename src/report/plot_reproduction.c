/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lamina/reproduce.h"
#include "report/dots.h"
#include "report/verdict.h"

static bool add_number(lam_dots *dots, const lam_experiment *experiment,
                       const lam_published *published, const lam_estimate *ours)
{
    char row[128];
    double middle = (published->low + published->high) / 2;
    double tolerance = lam_verdict_get_tolerance(published, ours);
    double half_width = isfinite(ours->half_width) ? ours->half_width : 0;
    snprintf(row, sizeof row, "%.60s, %s: %s", experiment->name, published->report,
             published->text);
    return lam_dots_add(
               dots, row, "published, with what noise explains",
               (lam_dot){middle, published->low - tolerance, published->high + tolerance}) &&
           lam_dots_add(
               dots, row, "ours, with its 95 % interval",
               (lam_dot){ours->mean, ours->mean - half_width, ours->mean + half_width});
}

static void add_numbers(lam_dots *dots, const lam_reproduction *reproduction)
{
    const lam_quantity test = LAM_QUANTITY_TEST_ACCURACY;
    for (size_t i = 0; i < reproduction->manifest->experiment_count; i++) {
        const lam_experiment *experiment = &reproduction->manifest->experiments[i];
        const lam_estimate *ours = &reproduction->results[i].values[test];
        if (!reproduction->results[i].is_done || ours->count == 0)
            continue;
        for (size_t k = 0; k < experiment->published_count; k++)
            if (experiment->published[k].quantity == test &&
                !add_number(dots, experiment, &experiment->published[k], ours))
                return;
    }
}

lam_status lam_reproduction_plot(lam_context *context, const lam_reproduction *reproduction,
                                 const lam_figure_options *options, lam_figure_list *list)
{
    static const lam_dots_words words = {.row = "experiment",
                                         .series = "whose",
                                         .value = "test_accuracy_percent",
                                         .label = "test accuracy (%)",
                                         .maximum = NAN,
                                         .line = NAN};
    static const lam_figure figure = {
        .name = "published-against-ours",
        .title = "Test accuracies, published and ours",
        .caption =
            "Each published test accuracy with the distance from it that noise explains, and "
            "the mean of our networks with its 95 % interval. They agree where our dot lies "
            "within the upper bar.",
        .alt =
            "Two dots for each published number, one for the report and one for ours, most of "
            "them close together"};
    lam_plotter plotter = lam_plotter_start(context, options, list);
    lam_dots *dots = lam_dots_create();
    lam_status status = LAM_STATUS_OK;
    if (!dots)
        return lam_fail_memory(context, figure.name, sizeof *dots);
    add_numbers(dots, reproduction);
    if (lam_dots_has_value(dots))
        status = lam_dots_save(dots, &words, &plotter, &figure);
    free(dots);
    return lam_plotter_finish(&plotter, status);
}
