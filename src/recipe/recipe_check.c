/* SPDX-License-Identifier: Apache-2.0 */
#include "recipe/internal.h"

#include <stdio.h>

#include "base/network_rules.h"

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
    lam_network_fault fault;
    char path[LAM_RECIPE_PATH_BYTES];
    if (!lam_network_find_fault(network, LAM_CLASS_COUNT, &fault))
        return LAM_STATUS_OK;
    const lam_node *item = lam_node_find(document->root, "layers")->child;
    for (int i = 0; i < fault.layer; i++)
        item = item->next;
    snprintf(path, sizeof path, "layers[%d]", fault.layer);
    return lam_recipe_fail(document, part(item, fault.key), path, "%s", fault.text);
}

static lam_status check_loss(const lam_document *document, const lam_network *network)
{
    if (network->label_smoothing == 0 || network->loss == LAM_LOSS_SOFTMAX_CROSS_ENTROPY)
        return LAM_STATUS_OK;
    const lam_node *smoothing = lam_node_find(document->root, "label_smoothing");
    const lam_node *loss = lam_node_find(document->root, "loss");
    return lam_recipe_fail(document, blame(loss, smoothing), "label_smoothing",
                           "only softmax_cross_entropy smooths labels; give that loss, or no "
                           "label_smoothing");
}

/* Statistics of batch_norm layers need one. */
static lam_status check_statistics(const lam_document *document, const lam_recipe *recipe)
{
    if (recipe->statistics.type == LAM_STATISTICS_RUNNING)
        return LAM_STATUS_OK;
    for (int i = 0; i < recipe->network.layer_count; i++)
        if (recipe->network.layers[i].type == LAM_LAYER_TYPE_BATCH_NORM)
            return LAM_STATUS_OK;
    return lam_recipe_fail(document, lam_node_find(document->root, "statistics"), "statistics",
                           "no layer is a batch_norm that has statistics; add one, or leave "
                           "`statistics' out");
}

/* The rate that a schedule never exceeds, and the key that sets it. */
static double get_highest_rate(const lam_schedule *schedule, const char **ret_key)
{
    bool has_maximum = schedule->type == LAM_SCHEDULE_TRIANGULAR;
    *ret_key = has_maximum ? "maximum" : "rate";
    return has_maximum ? schedule->maximum : schedule->rate;
}

static lam_status check_schedule(const lam_document *document, const lam_schedule *schedule)
{
    const char *key = NULL;
    double highest = get_highest_rate(schedule, &key);
    if (schedule->minimum <= highest)
        return LAM_STATUS_OK;
    const lam_node *minimum = find(document, "schedule", "minimum");
    return lam_recipe_fail(document, blame(minimum, find(document, "schedule", key)),
                           "schedule", "the minimum %g is above the %s %g", schedule->minimum,
                           key, highest);
}

static lam_status check_measurements_in_cycle(const lam_document *document,
                                              const lam_recipe *recipe)
{
    const lam_node *per_cycle = find(document, "measure", "per_cycle");
    if (!lam_schedule_has_cycles(&recipe->schedule))
        return lam_recipe_fail(
            document, blame(find(document, "schedule", "type"), per_cycle), "measure.per_cycle",
            "the schedule has no cycles; give measure.every_epochs or measure.every_steps, or "
            "a triangular schedule");
    int64_t cycle_steps = lam_schedule_get_cycle_end(&recipe->schedule, 0);
    if (recipe->measure.count <= cycle_steps)
        return LAM_STATUS_OK;
    const lam_node *half = find(document, "schedule", "half_cycle_steps");
    return lam_recipe_fail(document, blame(half, per_cycle), "measure.per_cycle",
                           "%lld measurements do not fit into a cycle of %lld steps",
                           (long long)recipe->measure.count, (long long)cycle_steps);
}

/* What is counted in cycles needs a schedule that has them. */
static lam_status check_cycles(const lam_document *document, const lam_recipe *recipe)
{
    bool has_cycles = lam_schedule_has_cycles(&recipe->schedule);
    const lam_node *type = find(document, "schedule", "type");
    const lam_node *stop = find(document, "stop", "cycles");
    const lam_node *snapshots = lam_node_find(document->root, "snapshots");
    if (recipe->stop.unit == LAM_UNIT_CYCLES && !has_cycles)
        return lam_recipe_fail(document, blame(type, stop), "stop.cycles",
                               "the schedule has no cycles; give stop.epochs or stop.steps, or "
                               "a triangular schedule");
    if (recipe->snapshots && !has_cycles)
        return lam_recipe_fail(document, blame(type, snapshots), "snapshots",
                               "the schedule has no cycles at whose ends to keep a model; give "
                               "a triangular schedule");
    if (recipe->measure.unit != LAM_UNIT_CYCLES)
        return LAM_STATUS_OK;
    return check_measurements_in_cycle(document, recipe);
}

static lam_status check_data(const lam_document *document, const lam_data_options *data)
{
    const lam_node *train_files = find(document, "data", "train_files");
    const lam_node *validation_files = find(document, "data", "validation_files");
    uint32_t shared = data->train_files & data->validation_files;
    if (shared != 0)
        return lam_recipe_fail(document, blame(train_files, validation_files), "data",
                               "file %d stands in train_files%s and in validation_files",
                               __builtin_ctz(shared) + 1,
                               train_files ? "" : " (all five unless given)");
    uint32_t rows = lam_count_file_rows(data->train_files);
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

/* What waits for better measurements needs rows to measure. */
static lam_status check_validation(const lam_document *document, const lam_recipe *recipe)
{
    static const char *const need =
        "%s waits for better results on validation rows; give data.validation_files or "
        "data.validation_count";
    if (recipe->data.validation_files != 0 || recipe->data.validation_count > 0)
        return LAM_STATUS_OK;
    const lam_node *type = find(document, "schedule", "type");
    const lam_node *files = find(document, "data", "validation_files");
    const lam_node *count = find(document, "data", "validation_count");
    const lam_node *patience = lam_node_find(document->root, "patience");
    const lam_node *none = blame(files, count);
    if (recipe->schedule.type == LAM_SCHEDULE_PLATEAU)
        return lam_recipe_fail(document, blame(none, type), "schedule", need, "plateau");
    if (recipe->patience > 0)
        return lam_recipe_fail(document, blame(none, patience), "patience", need, "patience");
    return LAM_STATUS_OK;
}

static lam_status check_steps(const lam_document *document, const lam_recipe *recipe,
                              uint32_t train_rows)
{
    const lam_node *stop = lam_node_find(document->root, "stop");
    const lam_node *warm_up = find(document, "schedule", "warm_up_steps");
    lam_schedule_span span;
    if (lam_recipe_count_steps(document->context, recipe, train_rows, &span) != LAM_STATUS_OK)
        return lam_recipe_fail(document, stop->child ? stop->child : stop, "stop",
                               "the number of steps is out of range; stop after fewer");
    if (recipe->schedule.warm_up_steps < span.total_steps)
        return LAM_STATUS_OK;
    return lam_recipe_fail(document, blame(stop->child, warm_up), "schedule.warm_up_steps",
                           "%lld is not below the run's %lld steps",
                           (long long)recipe->schedule.warm_up_steps,
                           (long long)span.total_steps);
}

lam_status lam_recipe_check(const lam_document *document, const lam_recipe *recipe)
{
    LAM_TRY(check_layers(document, &recipe->network));
    LAM_TRY(check_loss(document, &recipe->network));
    LAM_TRY(check_statistics(document, recipe));
    LAM_TRY(check_schedule(document, &recipe->schedule));
    LAM_TRY(check_cycles(document, recipe));
    LAM_TRY(check_data(document, &recipe->data));
    LAM_TRY(check_validation(document, recipe));
    uint32_t train_rows = lam_recipe_get_train_rows(recipe);
    LAM_TRY(check_batch(document, recipe, train_rows));
    return check_steps(document, recipe, train_rows);
}
