/* SPDX-License-Identifier: Apache-2.0 */
#include "recipe/internal.h"

#include <assert.h>
#include <string.h>

#define NAME_OF(name, text) text,
static const char *const source_names[] = {LAM_DATA_SOURCE_LIST(NAME_OF)};
static const char *const layer_names[] = {LAM_LAYER_TYPE_LIST(NAME_OF)};
static const char *const initialization_names[] = {LAM_INITIALIZATION_LIST(NAME_OF)};
static const char *const loss_names[] = {LAM_LOSS_LIST(NAME_OF)};
static const char *const optimizer_names[] = {LAM_OPTIMIZER_LIST(NAME_OF)};
static const char *const schedule_names[] = {LAM_SCHEDULE_LIST(NAME_OF)};
static const char *const statistics_names[] = {LAM_STATISTICS_LIST(NAME_OF)};
#undef NAME_OF

#define FIELD(type, member)                                                                    \
    .offset = offsetof(type, member), .size = sizeof(((type *)0)->member)
#define NAMES(array) .names = (array), .name_count = sizeof(array) / sizeof((array)[0])
#define RANGE(least, most) .minimum = (least), .maximum = (most)

/* Counts of steps, epochs and cycles: cycles of 2e9 steps, a billion times, fit an int64_t. */
#define MAX_COUNT 1000000000
/* Rates, deviations and penalties beyond this can only diverge in single precision. */
#define MAX_REAL 1e6
#define REAL_FROM_0 .real_minimum = 0, .real_maximum = MAX_REAL
#define REAL_ABOVE_0 REAL_FROM_0, .above_minimum = true
#define REAL_FROM_0_TO_1 .real_minimum = 0, .real_maximum = 1
#define REAL_FROM_0_BELOW_1 REAL_FROM_0_TO_1, .below_maximum = true
#define REAL_ABOVE_0_TO_1 REAL_FROM_0_TO_1, .above_minimum = true

#define ONLY(kind, name) (1u << LAM_##kind##_##name)
#define ADAM_TYPES (ONLY(OPTIMIZER, ADAM) | ONLY(OPTIMIZER, ADAMW))
#define INTERVAL_TYPES (ONLY(SCHEDULE, STEP) | ONLY(SCHEDULE, EXPONENTIAL))

static const lam_key keys[] = {
    {LAM_KEY_GROUP_ROOT, "name", LAM_KEY_NAME, FIELD(lam_recipe_draft, recipe.name),
     RANGE(1, LAM_RECIPE_NAME_BYTES - 1),
     .absent = "the folder of a file called recipe.yaml, or else the file's name without its "
               "ending",
     .meaning = "What the run is called."},
    {LAM_KEY_GROUP_ROOT, "description", LAM_KEY_TEXT,
     FIELD(lam_recipe_draft, recipe.description), .maximum = LAM_RECIPE_DESCRIPTION_BYTES - 1,
     .fallback = "\"\"", .meaning = "One or two sentences on what the run is for."},
    {LAM_KEY_GROUP_ROOT, "data", LAM_KEY_GROUP, FIELD(lam_recipe_draft, recipe.data),
     .child = LAM_KEY_GROUP_DATA, .fallback = "{}",
     .meaning = "Which rows train and validate; the test split is always test_batch."},
    {LAM_KEY_GROUP_ROOT, "initialization", LAM_KEY_GROUP,
     FIELD(lam_recipe_draft, initialization), .child = LAM_KEY_GROUP_INITIALIZATION,
     .input_only = true, .fallback = "he",
     .meaning = "How the weights of dense layers start that name nothing else; biases start "
                "at 0."},
    {LAM_KEY_GROUP_ROOT, "layers", LAM_KEY_LAYERS, FIELD(lam_recipe_draft, recipe.network),
     RANGE(1, LAM_MAX_LAYERS), .child = LAM_KEY_GROUP_LAYER,
     .meaning = "The layers from input to output. After a dense layer may follow, in this "
                "order: batch_norm, add, relu or sigmoid, batch_norm (if not before), dropout. "
                "The last is dense with one output per class."},
    {LAM_KEY_GROUP_ROOT, "loss", LAM_KEY_ENUM, FIELD(lam_recipe_draft, recipe.network.loss),
     NAMES(loss_names), .fallback = "softmax_cross_entropy",
     .meaning = "What each row's outputs cost, averaged over the rows."},
    {LAM_KEY_GROUP_ROOT, "label_smoothing", LAM_KEY_REAL,
     FIELD(lam_recipe_draft, recipe.network.label_smoothing), REAL_FROM_0_BELOW_1,
     .fallback = "0",
     .meaning = "e: the true class counts for 1 - e, each other one for e / (classes - 1); "
                "only for softmax_cross_entropy."},
    {LAM_KEY_GROUP_ROOT, "l2", LAM_KEY_REAL, FIELD(lam_recipe_draft, recipe.network.l2),
     REAL_FROM_0, .fallback = "0",
     .meaning = "lambda in cost = loss + lambda * (sum of all squared weights)."},
    {LAM_KEY_GROUP_ROOT, "optimizer", LAM_KEY_GROUP, FIELD(lam_recipe_draft, recipe.optimizer),
     .child = LAM_KEY_GROUP_OPTIMIZER, .fallback = "sgd",
     .meaning = "How a gradient moves the weights."},
    {LAM_KEY_GROUP_ROOT, "schedule", LAM_KEY_GROUP, FIELD(lam_recipe_draft, recipe.schedule),
     .child = LAM_KEY_GROUP_SCHEDULE, .meaning = "The learning rate of each step."},
    {LAM_KEY_GROUP_ROOT, "batch", LAM_KEY_INTEGER, FIELD(lam_recipe_draft, recipe.batch),
     RANGE(1, 1000000),
     .meaning = "Rows per step, at most the training rows; an epoch's last rows that fill no "
                "batch are left out."},
    {LAM_KEY_GROUP_ROOT, "shuffle", LAM_KEY_BOOL, FIELD(lam_recipe_draft, recipe.shuffle),
     .fallback = "true", .meaning = "Whether every epoch has a new order."},
    {LAM_KEY_GROUP_ROOT, "stop", LAM_KEY_GROUP, FIELD(lam_recipe_draft, recipe.stop),
     .child = LAM_KEY_GROUP_STOP, .meaning = "When training ends."},
    {LAM_KEY_GROUP_ROOT, "measure", LAM_KEY_GROUP, FIELD(lam_recipe_draft, recipe.measure),
     .child = LAM_KEY_GROUP_MEASURE, .fallback = "{every_epochs: 1}",
     .meaning = "When loss, cost and accuracy are measured, besides the first and last step."},
    {LAM_KEY_GROUP_ROOT, "augmentation", LAM_KEY_GROUP,
     FIELD(lam_recipe_draft, recipe.augmentation), .child = LAM_KEY_GROUP_AUGMENTATION,
     .fallback = "{}", .meaning = "What happens to a training image each time it is drawn."},
    {LAM_KEY_GROUP_ROOT, "statistics", LAM_KEY_GROUP,
     FIELD(lam_recipe_draft, recipe.statistics), .child = LAM_KEY_GROUP_STATISTICS,
     .fallback = "running",
     .meaning = "Means and variances that batch_norm measures with; others than running need a "
                "batch_norm layer."},
    {LAM_KEY_GROUP_ROOT, "patience", LAM_KEY_INTEGER, FIELD(lam_recipe_draft, recipe.patience),
     RANGE(0, 1000000), .fallback = "0",
     .meaning = "Ends after so many measurements in a row without a lower validation "
                "loss; 0: never."},
    {LAM_KEY_GROUP_ROOT, "snapshots", LAM_KEY_BOOL, FIELD(lam_recipe_draft, recipe.snapshots),
     .fallback = "false",
     .meaning = "Whether the model at the end of each cycle of the schedule is kept."},
    {LAM_KEY_GROUP_ROOT, "seed", LAM_KEY_INTEGER, FIELD(lam_recipe_draft, recipe.seed),
     RANGE(0, INT64_MAX), .fallback = "1",
     .meaning =
         "Chooses the weights at the start, the orders of the rows, and what dropout and "
         "augmentation draw."},

    {LAM_KEY_GROUP_DATA, "source", LAM_KEY_ENUM, FIELD(lam_data_options, source),
     NAMES(source_names), .fallback = "cifar10",
     .meaning = "CIFAR-10's files, or made-up images of the same shape that need no files."},
    {LAM_KEY_GROUP_DATA, "train_files", LAM_KEY_FILES, FIELD(lam_data_options, train_files),
     RANGE(1, LAM_TRAIN_FILE_COUNT), .fallback = "[1, 2, 3, 4, 5]",
     .meaning = "The files data_batch_1 .. data_batch_5 that train, ten thousand rows each."},
    {LAM_KEY_GROUP_DATA, "validation_files", LAM_KEY_FILES,
     FIELD(lam_data_options, validation_files), RANGE(0, LAM_TRAIN_FILE_COUNT),
     .choice = LAM_KEY_CHOICE_AT_MOST_ONE, .absent = "none",
     .meaning = "The files that validate; none of them may train."},
    {LAM_KEY_GROUP_DATA, "validation_count", LAM_KEY_INTEGER,
     FIELD(lam_data_options, validation_count),
     RANGE(0, LAM_TRAIN_FILE_COUNT *LAM_ROWS_PER_FILE - 1),
     .choice = LAM_KEY_CHOICE_AT_MOST_ONE, .absent = "none",
     .meaning = "The last so many rows of the training files validate and do not train."},
    {LAM_KEY_GROUP_DATA, "train_first", LAM_KEY_INTEGER, FIELD(lam_data_options, train_first),
     RANGE(0, LAM_TRAIN_FILE_COUNT *LAM_ROWS_PER_FILE), .fallback = "0",
     .meaning = "Trains on the first so many of the training rows only; 0 keeps all."},

    {LAM_KEY_GROUP_LAYER, "type", LAM_KEY_ENUM, FIELD(lam_layer, type), NAMES(layer_names),
     .meaning = "Affine map; activation; normalization over the batch; random zeros; addition "
                "of an earlier layer's output."},
    {LAM_KEY_GROUP_LAYER, "name", LAM_KEY_NAME, FIELD(lam_layer, name),
     RANGE(0, LAM_LAYER_NAME_BYTES - 1), .absent = "none",
     .meaning = "What an add layer may call this one."},
    {LAM_KEY_GROUP_LAYER, "width", LAM_KEY_INTEGER, FIELD(lam_layer, width),
     RANGE(1, LAM_MAX_WIDTH), .only = ONLY(LAYER_TYPE, DENSE), .meaning = "Outputs."},
    {LAM_KEY_GROUP_LAYER, "initialization", LAM_KEY_GROUP, FIELD(lam_layer, initialization),
     .child = LAM_KEY_GROUP_INITIALIZATION, .only = ONLY(LAYER_TYPE, DENSE),
     .absent = "the recipe's initialization", .meaning = "How the layer's weights start."},
    {LAM_KEY_GROUP_LAYER, "epsilon", LAM_KEY_REAL, FIELD(lam_layer, epsilon), REAL_ABOVE_0,
     .only = ONLY(LAYER_TYPE, BATCH_NORM), .fallback = "1e-5",
     .meaning = "Added to the variance before its root divides."},
    {LAM_KEY_GROUP_LAYER, "momentum", LAM_KEY_REAL, FIELD(lam_layer, momentum),
     REAL_FROM_0_BELOW_1, .only = ONLY(LAYER_TYPE, BATCH_NORM), .fallback = "0.9",
     .meaning = "What running means and variances keep of themselves in a step."},
    {LAM_KEY_GROUP_LAYER, "rate", LAM_KEY_REAL, FIELD(lam_layer, rate), REAL_FROM_0_BELOW_1,
     .only = ONLY(LAYER_TYPE, DROPOUT), .meaning = "The probability of a zero."},
    {LAM_KEY_GROUP_LAYER, "from", LAM_KEY_NAME, FIELD(lam_layer, from),
     RANGE(1, LAM_LAYER_NAME_BYTES - 1), .only = ONLY(LAYER_TYPE, ADD),
     .meaning = "The name of the layer whose output is added: the last before an earlier dense "
                "layer, and of the same width."},

    {LAM_KEY_GROUP_INITIALIZATION, "type", LAM_KEY_ENUM, FIELD(lam_initialization, type),
     NAMES(initialization_names),
     .meaning = "The deviation sigma of normal weights: sqrt(2 / inputs), sqrt(1 / inputs), "
                "sqrt(2 / (inputs + outputs)), or as given."},
    {LAM_KEY_GROUP_INITIALIZATION, "sigma", LAM_KEY_REAL, FIELD(lam_initialization, sigma),
     REAL_ABOVE_0, .only = ONLY(INITIALIZATION, CONSTANT),
     .meaning = "The deviation as given."},

    {LAM_KEY_GROUP_OPTIMIZER, "type", LAM_KEY_ENUM, FIELD(lam_optimizer, type),
     NAMES(optimizer_names),
     .meaning = "Plain gradient descent; with momentum, or Nesterov's; with a rate for each "
                "weight."},
    {LAM_KEY_GROUP_OPTIMIZER, "momentum", LAM_KEY_REAL, FIELD(lam_optimizer, momentum),
     REAL_FROM_0_BELOW_1, .only = ONLY(OPTIMIZER, MOMENTUM) | ONLY(OPTIMIZER, NESTEROV),
     .fallback = "0.9", .meaning = "What a step keeps of the one before."},
    {LAM_KEY_GROUP_OPTIMIZER, "beta1", LAM_KEY_REAL, FIELD(lam_optimizer, beta1),
     REAL_FROM_0_BELOW_1, .only = ADAM_TYPES, .fallback = "0.9",
     .meaning = "What the average of gradients keeps of itself in a step."},
    {LAM_KEY_GROUP_OPTIMIZER, "beta2", LAM_KEY_REAL, FIELD(lam_optimizer, beta2),
     REAL_FROM_0_BELOW_1, .only = ADAM_TYPES, .fallback = "0.999",
     .meaning = "What the average of squared gradients keeps of itself in a step."},
    {LAM_KEY_GROUP_OPTIMIZER, "epsilon", LAM_KEY_REAL, FIELD(lam_optimizer, epsilon),
     REAL_ABOVE_0, .only = ADAM_TYPES, .fallback = "1e-8",
     .meaning = "Added to the root of that average before it divides."},
    {LAM_KEY_GROUP_OPTIMIZER, "weight_decay", LAM_KEY_REAL, FIELD(lam_optimizer, weight_decay),
     REAL_FROM_0, .only = ONLY(OPTIMIZER, ADAMW), .fallback = "0.01",
     .meaning = "A step takes so much times the learning rate off each weight of a dense "
                "layer."},
    {LAM_KEY_GROUP_OPTIMIZER, "clip_norm", LAM_KEY_REAL, FIELD(lam_optimizer, clip_norm),
     REAL_FROM_0, .fallback = "0",
     .meaning = "A gradient whose norm over all parameters is larger is scaled down to it; 0: "
                "never."},

    {LAM_KEY_GROUP_SCHEDULE, "type", LAM_KEY_ENUM, FIELD(lam_schedule, type),
     NAMES(schedule_names),
     .meaning = "One rate; cycles of a rising and a falling line; falling in steps, where "
                "validation stops improving, smoothly, on a line, or on half a cosine."},
    {LAM_KEY_GROUP_SCHEDULE, "rate", LAM_KEY_REAL, FIELD(lam_schedule, rate), REAL_ABOVE_0,
     .only = ~ONLY(SCHEDULE, TRIANGULAR), .meaning = "The learning rate, or the first one."},
    {LAM_KEY_GROUP_SCHEDULE, "minimum", LAM_KEY_REAL, FIELD(lam_schedule, minimum), REAL_FROM_0,
     .only = ONLY(SCHEDULE, TRIANGULAR) | ONLY(SCHEDULE, PLATEAU) | ONLY(SCHEDULE, LINEAR) |
             ONLY(SCHEDULE, COSINE),
     .fallback = "0",
     .meaning = "The learning rate at the start and end of a cycle, at the end of the run, or "
                "the lowest; not above the maximum or `rate'."},
    {LAM_KEY_GROUP_SCHEDULE, "maximum", LAM_KEY_REAL, FIELD(lam_schedule, maximum),
     REAL_ABOVE_0, .only = ONLY(SCHEDULE, TRIANGULAR),
     .meaning = "The learning rate in the middle of a cycle."},
    {LAM_KEY_GROUP_SCHEDULE, "half_cycle_steps", LAM_KEY_INTEGER,
     FIELD(lam_schedule, half_cycle_steps), RANGE(1, MAX_COUNT),
     .only = ONLY(SCHEDULE, TRIANGULAR),
     .meaning = "Steps from minimum to maximum: half a cycle, often called n_s."},
    {LAM_KEY_GROUP_SCHEDULE, "cycle_growth", LAM_KEY_REAL, FIELD(lam_schedule, cycle_growth),
     .real_minimum = 1, .real_maximum = 100, .only = ONLY(SCHEDULE, TRIANGULAR),
     .fallback = "1", .meaning = "Each cycle is so many times as long as the one before."},
    {LAM_KEY_GROUP_SCHEDULE, "maximum_decay", LAM_KEY_REAL, FIELD(lam_schedule, maximum_decay),
     REAL_ABOVE_0_TO_1, .only = ONLY(SCHEDULE, TRIANGULAR), .fallback = "1",
     .meaning = "Each cycle's maximum is so many times that of the one before, but never below "
                "the minimum."},
    {LAM_KEY_GROUP_SCHEDULE, "factor", LAM_KEY_REAL, FIELD(lam_schedule, factor),
     REAL_ABOVE_0_TO_1, .only = INTERVAL_TYPES | ONLY(SCHEDULE, PLATEAU), .fallback = "0.1",
     .meaning = "What the rate is multiplied by each time."},
    {LAM_KEY_GROUP_SCHEDULE, "every_steps", LAM_KEY_COUNT, FIELD(lam_schedule, every),
     RANGE(1, MAX_COUNT), .unit = LAM_UNIT_STEPS, .choice = LAM_KEY_CHOICE_EXACTLY_ONE,
     .only = INTERVAL_TYPES, .meaning = "Multiplies once in so many steps."},
    {LAM_KEY_GROUP_SCHEDULE, "every_epochs", LAM_KEY_COUNT, FIELD(lam_schedule, every),
     RANGE(1, MAX_COUNT), .unit = LAM_UNIT_EPOCHS, .choice = LAM_KEY_CHOICE_EXACTLY_ONE,
     .only = INTERVAL_TYPES, .meaning = "Multiplies once in so many epochs."},
    {LAM_KEY_GROUP_SCHEDULE, "patience", LAM_KEY_INTEGER, FIELD(lam_schedule, patience),
     RANGE(1, 1000000), .only = ONLY(SCHEDULE, PLATEAU),
     .meaning = "Multiplies after so many measurements in a row without a lower validation "
                "loss."},
    {LAM_KEY_GROUP_SCHEDULE, "warm_up_steps", LAM_KEY_INTEGER,
     FIELD(lam_schedule, warm_up_steps), RANGE(0, MAX_COUNT),
     .only = ~ONLY(SCHEDULE, TRIANGULAR), .fallback = "0",
     .meaning = "w: the rates of the first w steps are multiplied by 1 / (w + 1), 2 / (w + 1) "
                ".. w / (w + 1)."},

    {LAM_KEY_GROUP_AUGMENTATION, "flip", LAM_KEY_REAL, FIELD(lam_augmentation, flip),
     REAL_FROM_0_TO_1, .fallback = "0",
     .meaning = "The probability of a left-right mirror image."},
    {LAM_KEY_GROUP_AUGMENTATION, "translation", LAM_KEY_INTEGER,
     FIELD(lam_augmentation, translation), RANGE(0, LAM_IMAGE_SIDE / 2), .fallback = "0",
     .meaning =
         "Moves by up to so many pixels in x and in y; the mean image fills the border."},
    {LAM_KEY_GROUP_AUGMENTATION, "noise", LAM_KEY_REAL, FIELD(lam_augmentation, noise),
     REAL_FROM_0, .fallback = "0",
     .meaning = "The deviation of normal noise on every normalized input."},

    {LAM_KEY_GROUP_STATISTICS, "type", LAM_KEY_ENUM, FIELD(lam_statistics, type),
     NAMES(statistics_names),
     .meaning = "Averages that training keeps; those of a forward pass over training rows; or "
                "over augmented rows of the split that is measured."},
    {LAM_KEY_GROUP_STATISTICS, "rows", LAM_KEY_INTEGER, FIELD(lam_statistics, rows),
     RANGE(1, LAM_TRAIN_FILE_COUNT *LAM_ROWS_PER_FILE),
     .only = ONLY(STATISTICS, PRECISE) | ONLY(STATISTICS, ADAPTED), .fallback = "5000",
     .meaning = "Rows of that pass; a split with fewer is taken whole."},

#define STOP_KEY(unit_name, text)                                                              \
    {LAM_KEY_GROUP_STOP,                                                                       \
     text,                                                                                     \
     LAM_KEY_COUNT,                                                                            \
     RANGE(1, MAX_COUNT),                                                                      \
     .unit = LAM_UNIT_##unit_name,                                                             \
     .choice = LAM_KEY_CHOICE_EXACTLY_ONE,                                                     \
     .meaning = "Ends after so many " text "."},
    LAM_UNIT_LIST(STOP_KEY)
#undef STOP_KEY

        {LAM_KEY_GROUP_MEASURE, "every_steps", LAM_KEY_COUNT, RANGE(1, MAX_COUNT),
         .unit = LAM_UNIT_STEPS, .choice = LAM_KEY_CHOICE_EXACTLY_ONE,
         .meaning = "Measures each time so many steps are done."},
    {LAM_KEY_GROUP_MEASURE, "every_epochs", LAM_KEY_COUNT, RANGE(1, MAX_COUNT),
     .unit = LAM_UNIT_EPOCHS, .choice = LAM_KEY_CHOICE_EXACTLY_ONE,
     .meaning = "Measures each time so many epochs are done."},
    {LAM_KEY_GROUP_MEASURE, "per_cycle", LAM_KEY_COUNT, RANGE(1, MAX_COUNT),
     .unit = LAM_UNIT_CYCLES, .choice = LAM_KEY_CHOICE_EXACTLY_ONE,
     .meaning = "Measures so many times in each cycle of the schedule."},
};

const lam_key *lam_key_next(lam_key_group group, const lam_key *previous)
{
    const lam_key *end = keys + sizeof keys / sizeof keys[0];
    for (const lam_key *key = previous ? previous + 1 : keys; key < end; key++)
        if (key->group == group)
            return key;
    return NULL;
}

const lam_key *lam_key_find(lam_key_group group, const char *name)
{
    const lam_key *key = NULL;
    while ((key = lam_key_next(group, key)))
        if (strcmp(key->name, name) == 0)
            return key;
    return NULL;
}

bool lam_key_belongs(const lam_key *key, int type)
{
    return key->only == 0 || type < 0 || (key->only >> type & 1) != 0;
}

bool lam_key_is_required(const lam_key *key)
{
    return !key->fallback && !key->absent && key->choice == LAM_KEY_CHOICE_FREE;
}

void lam_key_append_names(lam_key_group group, int type, lam_strbuf *buffer)
{
    const char *separator = "";
    const lam_key *key = NULL;
    while ((key = lam_key_next(group, key))) {
        if (!lam_key_belongs(key, type))
            continue;
        lam_strbuf_append(buffer, "%s%s", separator, key->name);
        separator = ", ";
    }
}

static void append_group(lam_key_group group, lam_strbuf *buffer)
{
    const lam_key *first = lam_key_next(group, NULL);
    assert(first);
    if (first->choice == LAM_KEY_CHOICE_EXACTLY_ONE)
        lam_strbuf_append(buffer, "a mapping with exactly one of the keys ");
    else if (strcmp(first->name, "type") == 0)
        lam_strbuf_append(buffer, "the name of a type, or a mapping with the keys ");
    else
        lam_strbuf_append(buffer, "a mapping with the keys ");
    lam_key_append_names(group, -1, buffer);
}

static void append_enum(const lam_key *key, lam_strbuf *buffer)
{
    for (int i = 0; i < key->name_count; i++)
        lam_strbuf_append(buffer, "%s%s", i == 0 ? "" : " | ", key->names[i]);
}

/* "a number from 0 to below 1" */
static void append_range(const lam_key *key, lam_strbuf *buffer)
{
    const char *most = key->above_minimum ? "and at most" : "to";
    if (key->below_maximum)
        most = key->above_minimum ? "and below" : "to below";
    lam_strbuf_append(buffer, "a number %s %.17g %s %.17g",
                      key->above_minimum ? "above" : "from", key->real_minimum, most,
                      key->real_maximum);
}

void lam_key_append_legal(const lam_key *key, lam_strbuf *buffer)
{
    switch (key->kind) {
    case LAM_KEY_NAME:
        lam_strbuf_append(buffer,
                          "%d to %d letters, digits, '.', '_' and '-', the first a letter or "
                          "digit",
                          (int)key->minimum, (int)key->maximum);
        return;
    case LAM_KEY_TEXT:
        lam_strbuf_append(buffer, "text of at most %d bytes", (int)key->maximum);
        return;
    case LAM_KEY_ENUM:
        append_enum(key, buffer);
        return;
    case LAM_KEY_INTEGER:
    case LAM_KEY_COUNT:
        lam_strbuf_append(buffer, "a whole number from %lld to %lld", (long long)key->minimum,
                          (long long)key->maximum);
        return;
    case LAM_KEY_REAL:
        append_range(key, buffer);
        return;
    case LAM_KEY_BOOL:
        lam_strbuf_append(buffer, "true | false");
        return;
    case LAM_KEY_FILES:
        lam_strbuf_append(buffer, "a list of %s the file numbers 1 to %d",
                          key->minimum > 0 ? "one or more of" : "any of", (int)key->maximum);
        return;
    case LAM_KEY_GROUP:
        append_group(key->child, buffer);
        return;
    case LAM_KEY_LAYERS:
        lam_strbuf_append(buffer, "a list of %d to %d layers, each ", (int)key->minimum,
                          (int)key->maximum);
        append_group(key->child, buffer);
        return;
    }
}

/* Edits (one letter changed, put in or left out) that make `a` into `b`, as long as `b` fits
 * the row: Levenshtein, 1966. */
static int count_edits(const char *a, const char *b)
{
    enum { MAX_LENGTH = 40 };
    int row[MAX_LENGTH + 1];
    int a_length = (int)strnlen(a, MAX_LENGTH + 1), b_length = (int)strnlen(b, MAX_LENGTH + 1);
    if (a_length > MAX_LENGTH || b_length > MAX_LENGTH)
        return MAX_LENGTH;
    for (int j = 0; j <= b_length; j++)
        row[j] = j;
    for (int i = 1; i <= a_length; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= b_length; j++) {
            int best = diagonal + (a[i - 1] != b[j - 1]);
            best = row[j] + 1 < best ? row[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[b_length];
}

const char *lam_name_guess(const char *const *names, int count, const char *text)
{
    const char *guess = NULL;
    int least = 4; /* three edits at the most, and fewer than half of the letters */
    for (int i = 0; i < count; i++) {
        int edits = count_edits(text, names[i]);
        if (edits < least && 2 * edits < (int)strlen(names[i])) {
            least = edits;
            guess = names[i];
        }
    }
    return guess;
}

const char *lam_key_guess(lam_key_group group, const char *text)
{
    const char *names[sizeof keys / sizeof keys[0]];
    int count = 0;
    const lam_key *key = NULL;
    while ((key = lam_key_next(group, key)))
        names[count++] = key->name;
    return lam_name_guess(names, count, text);
}
