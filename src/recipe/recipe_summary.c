/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "lamina/recipe.h"

static bool has_layer(const lam_network *network, lam_layer_type type)
{
    for (int i = 0; i < network->layer_count; i++)
        if (network->layers[i].type == type)
            return true;
    return false;
}

static void append_initialization(lam_strbuf *text, const lam_network *network)
{
    static const char *const names[] = {[LAM_INITIALIZATION_HE] = "He initialization",
                                        [LAM_INITIALIZATION_FAN_IN] = "fan-in initialization",
                                        [LAM_INITIALIZATION_GLOROT] = "Glorot initialization"};
    const lam_initialization *first = &network->layers[0].initialization;
    if (first->type == LAM_INITIALIZATION_CONSTANT)
        lam_strbuf_append(text, ", initial deviation %g", first->sigma);
    else
        lam_strbuf_append(text, ", %s", names[first->type]);
}

/* Widths, and what stands between dense layers besides ReLU. */
static void append_network(lam_strbuf *text, const lam_network *network)
{
    lam_strbuf_append(text, "%d", LAM_IMAGE_INPUTS);
    for (int i = 0; i < network->layer_count; i++)
        if (network->layers[i].type == LAM_LAYER_TYPE_DENSE)
            lam_strbuf_append(text, "-%d", network->layers[i].width);
    if (has_layer(network, LAM_LAYER_TYPE_SIGMOID))
        lam_strbuf_append(text, ", sigmoid");
    if (has_layer(network, LAM_LAYER_TYPE_BATCH_NORM))
        lam_strbuf_append(text, ", batch normalization");
    if (has_layer(network, LAM_LAYER_TYPE_ADD))
        lam_strbuf_append(text, ", skips");
    for (int i = 0; i < network->layer_count; i++)
        if (network->layers[i].type == LAM_LAYER_TYPE_DROPOUT) {
            lam_strbuf_append(text, ", dropout %g", network->layers[i].rate);
            break;
        }
    append_initialization(text, network);
}

static void append_cost(lam_strbuf *text, const lam_network *network)
{
    static const char *const names[] = {
        [LAM_LOSS_SOFTMAX_CROSS_ENTROPY] = "softmax cross-entropy",
        [LAM_LOSS_BINARY_CROSS_ENTROPY] = "binary cross-entropy",
        [LAM_LOSS_HINGE] = "hinge loss"};
    lam_strbuf_append(text, ", %s", names[network->loss]);
    if (network->label_smoothing > 0)
        lam_strbuf_append(text, ", label smoothing %g", network->label_smoothing);
    lam_strbuf_append(text, ", l2 %g", network->l2);
}

static void append_optimizer(lam_strbuf *text, const lam_optimizer *optimizer)
{
    static const char *const names[] = {[LAM_OPTIMIZER_SGD] = "SGD",
                                        [LAM_OPTIMIZER_MOMENTUM] = "momentum",
                                        [LAM_OPTIMIZER_NESTEROV] = "Nesterov momentum",
                                        [LAM_OPTIMIZER_ADAM] = "Adam",
                                        [LAM_OPTIMIZER_ADAMW] = "AdamW"};
    lam_strbuf_append(text, ", %s", names[optimizer->type]);
    if (optimizer->type == LAM_OPTIMIZER_MOMENTUM || optimizer->type == LAM_OPTIMIZER_NESTEROV)
        lam_strbuf_append(text, " %g", optimizer->momentum);
    if (optimizer->type == LAM_OPTIMIZER_ADAMW)
        lam_strbuf_append(text, " (weight decay %g)", optimizer->weight_decay);
    if (optimizer->clip_norm > 0)
        lam_strbuf_append(text, ", gradients clipped to %g", optimizer->clip_norm);
}

static void append_duration(lam_strbuf *text, const lam_duration *duration)
{
    static const char *const names[] = {
        [LAM_UNIT_STEPS] = "step", [LAM_UNIT_EPOCHS] = "epoch", [LAM_UNIT_CYCLES] = "cycle"};
    lam_strbuf_append(text, "%" PRId64 " %s%s", duration->count, names[duration->unit],
                      duration->count == 1 ? "" : "s");
}

static void append_triangular(lam_strbuf *text, const lam_schedule *schedule)
{
    lam_strbuf_append(text, ", triangular %g..%g (half cycle %" PRId64, schedule->minimum,
                      schedule->maximum, schedule->half_cycle_steps);
    if (schedule->cycle_growth != 1)
        lam_strbuf_append(text, "; growing by %g", schedule->cycle_growth);
    if (schedule->maximum_decay != 1)
        lam_strbuf_append(text, "; maximum times %g", schedule->maximum_decay);
    lam_strbuf_append(text, ")");
}

static void append_schedule(lam_strbuf *text, const lam_schedule *schedule)
{
    switch (schedule->type) {
    case LAM_SCHEDULE_TRIANGULAR:
        append_triangular(text, schedule);
        break;
    case LAM_SCHEDULE_CONSTANT:
        lam_strbuf_append(text, ", constant rate %g", schedule->rate);
        break;
    case LAM_SCHEDULE_STEP:
    case LAM_SCHEDULE_EXPONENTIAL:
        lam_strbuf_append(text, ", rate %g %s %g every ", schedule->rate,
                          schedule->type == LAM_SCHEDULE_STEP ? "times" : "smoothly times",
                          schedule->factor);
        append_duration(text, &schedule->every);
        break;
    case LAM_SCHEDULE_PLATEAU:
        lam_strbuf_append(text, ", rate %g times %g on a plateau", schedule->rate,
                          schedule->factor);
        break;
    case LAM_SCHEDULE_LINEAR:
    case LAM_SCHEDULE_COSINE:
        lam_strbuf_append(text, ", %s %g..%g",
                          schedule->type == LAM_SCHEDULE_LINEAR ? "linear" : "cosine",
                          schedule->rate, schedule->minimum);
        break;
    }
    if (schedule->warm_up_steps > 0)
        lam_strbuf_append(text, ", warm-up %" PRId64 " steps", schedule->warm_up_steps);
}

static void append_augmentation(lam_strbuf *text, const lam_augmentation *augmentation)
{
    if (augmentation->flip > 0)
        lam_strbuf_append(text, ", flipped with probability %g", augmentation->flip);
    if (augmentation->translation > 0)
        lam_strbuf_append(text, ", moved by up to %d pixels", augmentation->translation);
    if (augmentation->noise > 0)
        lam_strbuf_append(text, ", noise %g", augmentation->noise);
}

void lam_recipe_summarize(const lam_recipe *recipe, char *text, size_t bytes)
{
    lam_strbuf whole = {0};
    append_network(&whole, &recipe->network);
    append_cost(&whole, &recipe->network);
    lam_strbuf_append(&whole, ", batch %d", recipe->batch);
    append_optimizer(&whole, &recipe->optimizer);
    append_schedule(&whole, &recipe->schedule);
    lam_strbuf_append(&whole, ", ");
    append_duration(&whole, &recipe->stop);
    if (recipe->patience > 0)
        lam_strbuf_append(&whole, " at most (patience %d)", recipe->patience);
    append_augmentation(&whole, &recipe->augmentation);
    int length = snprintf(text, bytes, "%s", lam_strbuf_text(&whole));
    if (length >= (int)bytes && bytes > 3)
        memcpy(text + bytes - 4, "...", 4);
    lam_strbuf_free(&whole);
}
