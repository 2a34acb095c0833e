/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "reproduce.h"

/* Where `lamina plot` would be pointed at. */
static void name_source(const reproduce_options *options, const lam_experiment *experiment,
                        lam_plot_kind kind, char path[PATH_MAX])
{
    const char *inside = "";
    if (experiment->kind == LAM_EXPERIMENT_KIND_SEARCH)
        inside = "/fine.db";
    else if (kind == LAM_PLOT_KIND_WEIGHTS)
        inside = "/seed-1";
    snprintf(path, PATH_MAX, "%.3900s/%s%s", options->output, experiment->name, inside);
}

static lam_status plot(lam_context *context, lam_plot_kind kind, const char *const *paths,
                       size_t count, const lam_figure_options *how, lam_figure_list *list)
{
    switch (kind) {
    case LAM_PLOT_KIND_CURVES:
    case LAM_PLOT_KIND_SENSITIVITY:
        return lam_plot_runs(context, paths, count, LAM_PLOT_BIT(kind), how, list);
    case LAM_PLOT_KIND_WEIGHTS:
        return lam_plot_weights(context, paths[0], NULL, how, list);
    default:
        return lam_plot_studies(context, paths, count, LAM_PLOT_BIT(kind), how, list);
    }
}

static lam_status plot_figure(lam_context *context, const reproduce_options *options,
                              const reproduce_plan *plan, const lam_reproduction_figure *figure,
                              const lam_figure_options *how, lam_figure_list *list)
{
    char texts[2 * LAM_REPRODUCTION_FIGURE_RUNS][PATH_MAX];
    const char *paths[2 * LAM_REPRODUCTION_FIGURE_RUNS];
    size_t count = 0;
    for (size_t i = 0; i < figure->count; i++) {
        const lam_experiment *experiment = &plan->manifest->experiments[figure->experiments[i]];
        if (!plan->chosen[figure->experiments[i]])
            return LAM_STATUS_OK;
        if (experiment->kind == LAM_EXPERIMENT_KIND_SEARCH) { /* both searches, overlaid */
            snprintf(texts[count], PATH_MAX, "%.3900s/%s/coarse.db", options->output,
                     experiment->name);
            count++;
        }
        name_source(options, experiment, figure->kind, texts[count++]);
    }
    for (size_t i = 0; i < count; i++)
        paths[i] = texts[i];
    return plot(context, figure->kind, paths, count, how, list);
}

/* The data behind curves is larger than all else that is published, and drawing is over. */
static void leave_pictures(const lam_figure_options *how, const lam_figure_list *list)
{
    static const char *const suffixes[] = {".tsv", "-drawn.tsv", ".gp", "-sheet.png"};
    for (size_t i = 0; i < list->count; i++)
        for (size_t k = 0; k < sizeof suffixes / sizeof suffixes[0]; k++) {
            char path[PATH_MAX];
            snprintf(path, sizeof path, "%.3900s/%s%s", how->directory, list->figures[i].name,
                     suffixes[k]);
            (void)unlink(path);
        }
}

lam_status reproduce_draw(lam_context *context, const reproduce_options *options,
                          const reproduce_plan *plan, const lam_reproduction *reproduction,
                          lam_figure_list *list)
{
    const lam_figure_options how = {.directory = reproduction->figure_directory,
                                    .formats = LAM_FIGURE_FORMAT_SVG};
    bool lacks_renderer = false;
    lam_status status = lam_reproduction_plot(context, reproduction, &how, list);
    for (size_t i = 0; i <= plan->manifest->figure_count; i++) {
        lacks_renderer = lacks_renderer || status == LAM_STATUS_NO_RENDERER;
        if (status != LAM_STATUS_OK && status != LAM_STATUS_NO_RENDERER)
            return status;
        if (i < plan->manifest->figure_count)
            status =
                plot_figure(context, options, plan, &plan->manifest->figures[i], &how, list);
    }
    if (lacks_renderer)
        fprintf(stderr, "lamina: warning: %s; the page shows no pictures\n",
                lam_error_message(context));
    else if (options->publish)
        leave_pictures(&how, list);
    return LAM_STATUS_OK;
}
