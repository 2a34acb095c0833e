/* SPDX-License-Identifier: Apache-2.0 */
#include "report/plot_studies.h"

#include <stdlib.h>

#include "lamina/plot.h"

/* Of each study its own figures. */
static lam_status plot_study(lam_plotter *plotter, const lam_plotted_study *study,
                             lam_plot_kinds kinds)
{
    static const struct {
        lam_plot_kind kind;
        lam_status (*draw)(lam_plotter *plotter, const lam_plotted_study *study);
    } drawers[] = {
        {LAM_PLOT_KIND_HISTORY, lam_plot_history},
        {LAM_PLOT_KIND_SLICE, lam_plot_slice},
        {LAM_PLOT_KIND_CONTOUR, lam_plot_contour},
        {LAM_PLOT_KIND_PARALLEL, lam_plot_parallel},
        {LAM_PLOT_KIND_HALVING, lam_plot_halving},
        {LAM_PLOT_KIND_IMPORTANCE, lam_plot_importance},
    };
    for (size_t i = 0; i < sizeof drawers / sizeof drawers[0]; i++)
        if (kinds & LAM_PLOT_BIT(drawers[i].kind))
            LAM_TRY(drawers[i].draw(plotter, study));
    return LAM_STATUS_OK;
}

static lam_status plot_all(lam_plotter *plotter, const lam_plotted_study *studies, size_t count,
                           lam_plot_kinds kinds)
{
    if (kinds & LAM_PLOT_BIT(LAM_PLOT_KIND_SEARCH))
        LAM_TRY(lam_plot_searches(plotter, studies, count));
    for (size_t i = 0; i < count; i++)
        LAM_TRY(plot_study(plotter, &studies[i], kinds));
    return LAM_STATUS_OK;
}

lam_status lam_plot_studies(lam_context *context, const char *const *paths, size_t count,
                            lam_plot_kinds kinds, const lam_figure_options *options,
                            lam_figure_list *list)
{
    lam_plotted_study *studies = calloc(count + 1, sizeof *studies);
    if (!studies)
        return lam_fail_memory(context, "studies", count * sizeof *studies);
    lam_plotter plotter = lam_plotter_start(context, options, list);
    lam_status status = LAM_STATUS_OK;
    for (size_t i = 0; i < count && status == LAM_STATUS_OK; i++)
        status = lam_plotted_study_open(context, paths[i], &studies[i]);
    if (status == LAM_STATUS_OK)
        status = plot_all(&plotter, studies, count, kinds);
    for (size_t i = 0; i < count; i++)
        lam_plotted_study_close(&studies[i]);
    free(studies);
    return lam_plotter_finish(&plotter, status);
}
