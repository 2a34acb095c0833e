/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "tool.h"

static bool is_same_folder(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_same_data(const lam_data_options *a, const lam_data_options *b)
{
    return a->source == b->source && a->train_files == b->train_files &&
           a->validation_files == b->validation_files &&
           a->validation_count == b->validation_count && a->train_first == b->train_first;
}

/* Takes `folder`. */
static lam_status load_rows(lam_context *context, const lam_recipe *recipe, char *folder,
                            run_data *run)
{
    bool is_there = run->dataset && is_same_folder(folder, run->folder) &&
                    is_same_data(&recipe->data, &run->recipe.data);
    run->recipe = *recipe;
    free(run->folder);
    run->folder = folder;
    if (is_there)
        return LAM_STATUS_OK;
    lam_dataset_destroy(&run->dataset);
    return lam_dataset_load(context, &recipe->data, folder, &run->dataset);
}

lam_status run_data_load(lam_context *context, const common_options *options,
                         const char *directory, run_data *run)
{
    lam_recipe recipe;
    char *recorded = NULL;
    lam_status status = lam_run_load(context, directory, &recipe, &recorded);
    if (status != LAM_STATUS_OK)
        return status;
    const char *data = settle_data(options, &recipe);
    bool is_asked_for = options->data || !recorded;
    if (is_asked_for) {
        free(recorded);
        recorded = data ? strdup(data) : NULL;
    }
    return load_rows(context, &recipe, recorded, run);
}

void run_data_free(run_data *run)
{
    lam_dataset_destroy(&run->dataset);
    free(run->folder);
    *run = (run_data){0};
}
