/* SPDX-License-Identifier: Apache-2.0 */
#include "recipe/internal.h"

#include <stdio.h>

/* The value that a mapping of the recipe gives to a key; NULL when the key is left out. */
static const lam_node *find(const lam_document *document, const char *group, const char *key)
{
    return lam_node_find(lam_node_find(document->root, group), key);
}

/* Of two values that clash, the one written later: an override, or else `second`. */
static const lam_node *blame(const lam_node *first, const lam_node *second)
{
    if (!first || !second)
        return first ? first : second;
    return first->source > second->source ? first : second;
}

/* The part of a layer that is to blame; the layer itself when it is written short. */
static const lam_node *part(const lam_node *layer, const char *key)
{
    const lam_node *value = lam_node_find(layer, key);
    return value ? value : layer;
}

static lam_status check_layers(const lam_document *document, const lam_network *network)
{
    const lam_node *list = lam_node_find(document->root, "layers");
    const lam_node *item = list->child;
    bool after_dense = false;
    char path[LAM_RECIPE_PATH_BYTES];
    for (int i = 0; i < network->layer_count; i++, item = item->next) {
        const lam_layer *layer = &network->layers[i];
        bool is_dense = layer->type == LAM_LAYER_TYPE_DENSE;
        snprintf(path, sizeof path, "layers[%d]", i);
        if (!is_dense && !after_dense)
            return lam_recipe_fail(document, part(item, "type"), path,
                                   i == 0 ? "the first layer must be dense"
                                          : "an activation must follow a dense layer");
        bool is_last = i + 1 == network->layer_count;
        if (is_last && !is_dense)
            return lam_recipe_fail(document, part(item, "type"), path,
                                   "the last layer must be dense");
        if (is_last && layer->width != LAM_CLASS_COUNT)
            return lam_recipe_fail(document, part(item, "width"), path,
                                   "the last layer has width %d, but needs one output for each "
                                   "of the %d classes",
                                   layer->width, LAM_CLASS_COUNT);
        after_dense = is_dense;
    }
    return LAM_STATUS_OK;
}

static lam_status check_schedule(const lam_document *document, const lam_schedule *schedule)
{
    if (schedule->type != LAM_SCHEDULE_TRIANGULAR || schedule->minimum <= schedule->maximum)
        return LAM_STATUS_OK;
    const lam_node *minimum = find(document, "schedule", "minimum");
    const lam_node *maximum = find(document, "schedule", "maximum");
    return lam_recipe_fail(document, blame(minimum, maximum), "schedule",
                           "the minimum %g is above the maximum %g", schedule->minimum,
                           schedule->maximum);
}

/* What is counted in cycles needs a schedule that has them. */
static lam_status check_cycles(const lam_document *document, const lam_recipe *recipe)
{
    int64_t cycle_steps = lam_schedule_get_cycle_steps(&recipe->schedule);
    const lam_node *type = find(document, "schedule", "type");
    if (recipe->stop.unit == LAM_UNIT_CYCLES && cycle_steps == 0)
        return lam_recipe_fail(document, blame(type, find(document, "stop", "cycles")),
                               "stop.cycles",
                               "the schedule has no cycles; give stop.epochs or stop.steps, or "
                               "a triangular schedule");
    if (recipe->measure.unit != LAM_UNIT_CYCLES)
        return LAM_STATUS_OK;
    const lam_node *per_cycle = find(document, "measure", "per_cycle");
    if (cycle_steps == 0)
        return lam_recipe_fail(document, blame(type, per_cycle), "measure.per_cycle",
                               "the schedule has no cycles; give measure.every_epochs or "
                               "measure.every_steps, or a triangular schedule");
    if (recipe->measure.count > cycle_steps) {
        const lam_node *half = find(document, "schedule", "half_cycle_steps");
        return lam_recipe_fail(document, blame(half, per_cycle), "measure.per_cycle",
                               "%lld measurements do not fit into a cycle of %lld steps",
                               (long long)recipe->measure.count, (long long)cycle_steps);
    }
    return LAM_STATUS_OK;
}

/* Checks the splits and gives the rows that train. */
static lam_status check_data(const lam_document *document, const lam_data_options *data,
                             uint32_t *ret_train_rows)
{
    const lam_node *train_files = find(document, "data", "train_files");
    const lam_node *validation_files = find(document, "data", "validation_files");
    uint32_t shared = data->train_files & data->validation_files;
    if (shared != 0)
        return lam_recipe_fail(document, blame(train_files, validation_files), "data",
                               "file %d stands in train_files%s and in validation_files",
                               __builtin_ctz(shared) + 1,
                               train_files ? "" : " (all five unless given)");
    uint32_t rows = (uint32_t)__builtin_popcount(data->train_files) * LAM_ROWS_PER_FILE;
    const lam_node *count = find(document, "data", "validation_count");
    if (data->validation_count >= rows)
        return lam_recipe_fail(document, blame(train_files, count), "data.validation_count",
                               "%u of the %u rows of the training files validate, which leaves "
                               "none to train; legal: less than %u",
                               data->validation_count, rows, rows);
    rows -= data->validation_count;
    const lam_node *first = find(document, "data", "train_first");
    if (data->train_first > rows)
        return lam_recipe_fail(document, blame(blame(train_files, count), first),
                               "data.train_first", "%u is more than the %u training rows",
                               data->train_first, rows);
    *ret_train_rows = data->train_first > 0 ? data->train_first : rows;
    return LAM_STATUS_OK;
}

static lam_status check_batch(const lam_document *document, const lam_recipe *recipe,
                              uint32_t train_rows)
{
    if ((uint32_t)recipe->batch <= train_rows)
        return LAM_STATUS_OK;
    const lam_node *files = find(document, "data", "train_files");
    const lam_node *count = find(document, "data", "validation_count");
    const lam_node *first = find(document, "data", "train_first");
    const lam_node *batch = lam_node_find(document->root, "batch");
    return lam_recipe_fail(document, blame(blame(blame(files, count), first), batch), "batch",
                           "%d is more than the %u training rows", recipe->batch, train_rows);
}

lam_status lam_recipe_check(const lam_document *document, const lam_recipe *recipe)
{
    uint32_t train_rows = 0;
    LAM_TRY(check_layers(document, &recipe->network));
    LAM_TRY(check_schedule(document, &recipe->schedule));
    LAM_TRY(check_cycles(document, recipe));
    LAM_TRY(check_data(document, &recipe->data, &train_rows));
    return check_batch(document, recipe, train_rows);
}
