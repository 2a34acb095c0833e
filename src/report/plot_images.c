/* SPDX-License-Identifier: Apache-2.0 */
#include "report/plot_images.h"

static lam_status plot_all_probabilities(lam_plotter *plotter, const lam_plot_predictions *runs,
                                         size_t count)
{
    for (size_t first = 0; first < count; first += LAM_MOST_PROBABILITIES) {
        size_t left = count - first;
        LAM_TRY(lam_plot_probabilities(plotter, runs + first,
                                       left < LAM_MOST_PROBABILITIES ? left
                                                                     : LAM_MOST_PROBABILITIES));
    }
    return LAM_STATUS_OK;
}

static lam_status plot_kinds(lam_plotter *plotter, const lam_plot_predictions *runs,
                             size_t count, const lam_dataset *dataset, lam_plot_kinds kinds)
{
    for (size_t run = 0; run < count; run++)
        if (kinds & LAM_PLOT_BIT(LAM_PLOT_KIND_CONFUSION))
            LAM_TRY(lam_plot_confusion(plotter, &runs[run]));
    if (kinds & LAM_PLOT_BIT(LAM_PLOT_KIND_PROBABILITIES))
        LAM_TRY(plot_all_probabilities(plotter, runs, count));
    for (size_t run = 0; run < count; run++)
        if (kinds & LAM_PLOT_BIT(LAM_PLOT_KIND_CONFIDENT))
            LAM_TRY(lam_plot_confident(plotter, &runs[run], dataset));
    return LAM_STATUS_OK;
}

lam_status lam_plot_images(lam_context *context, const lam_plot_predictions *runs, size_t count,
                           const lam_dataset *dataset, lam_plot_kinds kinds,
                           const lam_figure_options *options, lam_figure_list *list)
{
    lam_plotter plotter = lam_plotter_start(context, options, list);
    return lam_plotter_finish(&plotter, plot_kinds(&plotter, runs, count, dataset, kinds));
}
