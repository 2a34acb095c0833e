/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "plot.h"

#define PREDICTION_KINDS                                                                       \
    (LAM_PLOT_BIT(LAM_PLOT_KIND_CONFUSION) | LAM_PLOT_BIT(LAM_PLOT_KIND_PROBABILITIES) |       \
     LAM_PLOT_BIT(LAM_PLOT_KIND_CONFIDENT))

/* A path's network, and what it says. */
typedef struct plotted_network {
    char folder[PATH_MAX];
    lam_recipe recipe;
    lam_predictions *predictions;
} plotted_network;

typedef struct networks {
    lam_context *context;
    const plot_command *command;
    lam_plot_kinds kinds;
    lam_figure_list *list;
    lam_device *device;
    run_data data; /* of the latest run */
    plotted_network *networks;
    lam_plot_predictions *predictions; /* the same, as figures take them */
    size_t count;
    bool is_undrawn;
} networks;

lam_status find_plotted_run(lam_context *context, const char *path, char folder[PATH_MAX],
                            lam_recipe *ret_recipe)
{
    lam_run_set set;
    size_t chosen = 0;
    lam_status status = lam_run_set_load(context, path, &set);
    if (status != LAM_STATUS_OK)
        return status;
    while (chosen + 1 < set.count && !set.runs[chosen].is_finished)
        chosen++;
    if (!set.runs[chosen].is_finished)
        chosen = 0;
    snprintf(folder, PATH_MAX, "%s", set.runs[chosen].folder);
    *ret_recipe = set.runs[chosen].recipe;
    lam_run_set_free(&set);
    return LAM_STATUS_OK;
}

static lam_status keep_undrawn(networks *all, lam_status status)
{
    if (status != LAM_STATUS_NO_RENDERER)
        return status;
    all->is_undrawn = true;
    return LAM_STATUS_OK;
}

static lam_status predict(networks *all, plotted_network *network)
{
    const lam_predict_options options = {.model = all->command->model,
                                         .split = LAM_SPLIT_TEST,
                                         .gemm = all->command->common.gemm};
    return lam_predict(all->device, &network->recipe, all->data.dataset, network->folder,
                       &options, &network->predictions);
}

static lam_status augment(networks *all, const plotted_network *network)
{
    return keep_undrawn(all, lam_plot_augmentation(all->context, all->device, &network->recipe,
                                                   all->data.dataset, network->folder,
                                                   &all->command->options, all->list));
}

/* Figures of the networks so far, which then make room for others. */
static lam_status show_predictions(networks *all)
{
    lam_status status = LAM_STATUS_OK;
    if (all->kinds & PREDICTION_KINDS && all->count > 0)
        status = keep_undrawn(all, lam_plot_images(all->context, all->predictions, all->count,
                                                   all->data.dataset, all->kinds,
                                                   &all->command->options, all->list));
    for (size_t i = 0; i < all->count; i++)
        lam_predictions_destroy(&all->networks[i].predictions);
    all->count = 0;
    return status;
}

static lam_status ask(networks *all, plotted_network *network)
{
    lam_status status =
        run_data_load(all->context, &all->command->common, network->folder, &all->data);
    network->recipe = all->data.recipe;
    if (status == LAM_STATUS_OK && !all->device)
        status = open_device(all->context, &all->command->common, &all->device);
    if (status == LAM_STATUS_OK && all->kinds & LAM_PLOT_BIT(LAM_PLOT_KIND_AUGMENTATION))
        status = augment(all, network);
    if (status == LAM_STATUS_OK && all->kinds & PREDICTION_KINDS)
        status = predict(all, network);
    return status;
}

/* Figures are of networks that see the same images. */
static lam_status look_at(networks *all, const char *path)
{
    plotted_network *network = &all->networks[all->count];
    lam_status status = find_plotted_run(all->context, path, network->folder, &network->recipe);
    if (status == LAM_STATUS_OK && all->count > 0 &&
        network->recipe.data.source != all->networks[0].recipe.data.source) {
        status = show_predictions(all);
        all->networks[0] = *network;
        network = all->networks;
    }
    if (status == LAM_STATUS_OK)
        status = ask(all, network);
    if (status == LAM_STATUS_OK)
        all->predictions[all->count++] =
            (lam_plot_predictions){.path = network->folder,
                                   .recipe = &network->recipe,
                                   .predictions = network->predictions};
    return status;
}

static lam_status look_at_all(networks *all)
{
    const path_list *paths = &all->command->of_source[LAM_PLOT_SOURCE_RUN];
    for (size_t i = 0; i < paths->count; i++) {
        lam_status status = look_at(all, paths->paths[i]);
        if (status != LAM_STATUS_OK)
            return status;
    }
    return show_predictions(all);
}

lam_status plot_networks(lam_context *context, const plot_command *command,
                         lam_plot_kinds chosen, lam_figure_list *list)
{
    size_t count = command->of_source[LAM_PLOT_SOURCE_RUN].count;
    networks all = {.context = context,
                    .command = command,
                    .kinds = chosen,
                    .list = list,
                    .networks = calloc(count, sizeof *all.networks),
                    .predictions = calloc(count, sizeof *all.predictions)};
    lam_status status =
        all.networks && all.predictions ? look_at_all(&all) : LAM_STATUS_NO_MEMORY;
    for (size_t i = 0; i < count && all.networks; i++)
        lam_predictions_destroy(&all.networks[i].predictions);
    free(all.networks);
    free(all.predictions);
    lam_device_close(&all.device);
    run_data_free(&all.data);
    return status == LAM_STATUS_OK && all.is_undrawn ? LAM_STATUS_NO_RENDERER : status;
}
