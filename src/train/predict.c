/* SPDX-License-Identifier: Apache-2.0 */
#include "train/predict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/strbuf.h"

uint8_t lam_find_greatest_class(const double *values)
{
    uint8_t greatest = 0;
    for (uint8_t c = 1; c < LAM_CLASS_COUNT; c++)
        greatest = values[c] > values[greatest] ? c : greatest;
    return greatest;
}

double lam_predictions_get_accuracy(const lam_predictions *predictions, const uint8_t *classes)
{
    int64_t hits = 0;
    for (uint32_t i = 0; i < predictions->rows; i++)
        hits += classes[i] == predictions->labels[i];
    return (double)hits / predictions->rows;
}

static void apply_softmax(double values[LAM_CLASS_COUNT])
{
    double maximum = values[lam_find_greatest_class(values)], sum = 0;
    for (int c = 0; c < LAM_CLASS_COUNT; c++)
        sum += values[c] = exp(values[c] - maximum);
    for (int c = 0; c < LAM_CLASS_COUNT; c++)
        values[c] /= sum;
}

static void apply_sigmoid(double values[LAM_CLASS_COUNT])
{
    for (int c = 0; c < LAM_CLASS_COUNT; c++)
        values[c] = 1 / (1 + exp(-values[c]));
}

/* Room for `rows` rows. */
static lam_status allocate(lam_context *context, uint32_t rows,
                           lam_predictions **ret_predictions)
{
    size_t bytes = (size_t)rows * LAM_CLASS_COUNT * sizeof(double);
    lam_predictions *predictions = calloc(1, sizeof *predictions);
    if (predictions) {
        predictions->rows = rows;
        predictions->labels = malloc(rows);
        predictions->classes = malloc(rows);
        predictions->probabilities = malloc(bytes);
    }
    if (!predictions || !predictions->labels || !predictions->classes ||
        !predictions->probabilities) {
        lam_predictions_destroy(&predictions);
        return lam_fail_memory(context, "predictions", bytes);
    }
    *ret_predictions = predictions;
    return LAM_STATUS_OK;
}

lam_status lam_predictions_copy(lam_context *context, const lam_predictions *predictions,
                                lam_predictions **ret_copy)
{
    lam_predictions *copy = NULL;
    size_t rows = predictions->rows;
    LAM_TRY(allocate(context, predictions->rows, &copy));
    copy->split = predictions->split;
    copy->accuracy = predictions->accuracy;
    memcpy(copy->class_names, predictions->class_names, sizeof copy->class_names);
    memcpy(copy->labels, predictions->labels, rows);
    memcpy(copy->classes, predictions->classes, rows);
    memcpy(copy->probabilities, predictions->probabilities,
           rows * LAM_CLASS_COUNT * sizeof(double));
    *ret_copy = copy;
    return LAM_STATUS_OK;
}

void lam_predictions_destroy(lam_predictions **predictions)
{
    if (!*predictions)
        return;
    free((*predictions)->labels);
    free((*predictions)->classes);
    free((*predictions)->probabilities);
    free((*predictions)->votes);
    free(*predictions);
    *predictions = NULL;
}

/* Turns outputs into classes and probabilities, in place. The classes come first: different
 * outputs may round to the same probability. */
static void interpret(lam_predictions *predictions, lam_loss loss)
{
    for (size_t i = 0; i < predictions->rows; i++) {
        double *row = predictions->probabilities + i * LAM_CLASS_COUNT;
        predictions->classes[i] = lam_find_greatest_class(row);
        if (loss == LAM_LOSS_BINARY_CROSS_ENTROPY)
            apply_sigmoid(row);
        else
            apply_softmax(row);
    }
    predictions->accuracy = lam_predictions_get_accuracy(predictions, predictions->classes);
}

lam_status lam_session_predict(lam_session *session, const lam_recipe *recipe, lam_split split,
                               lam_predictions **ret_predictions)
{
    const lam_dataset *dataset = session->workshop->dataset;
    lam_row_range range = lam_dataset_get_split(dataset, split);
    lam_predictions *predictions = NULL;
    LAM_TRY(allocate(session->workshop->engine->context, range.count, &predictions));
    predictions->split = split;
    memcpy(predictions->labels, lam_dataset_get_labels(dataset) + range.first, range.count);
    for (int c = 0; c < LAM_CLASS_COUNT; c++)
        predictions->class_names[c] = lam_dataset_get_class_name(dataset, c);
    lam_status status =
        lam_session_compute_logits(session, recipe, split, predictions->probabilities);
    if (status != LAM_STATUS_OK) {
        lam_predictions_destroy(&predictions);
        return status;
    }
    interpret(predictions, session->parameters->graph.loss);
    *ret_predictions = predictions;
    return LAM_STATUS_OK;
}

lam_status lam_predict(lam_device *device, const lam_recipe *recipe, const lam_dataset *dataset,
                       const char *directory, const lam_predict_options *options,
                       lam_predictions **ret_predictions)
{
    lam_session *session = NULL;
    char *path = NULL;
    if (lam_dataset_get_split(dataset, options->split).count == 0)
        return lam_fail(lam_device_get_context(device), LAM_STATUS_BAD_ARGUMENT,
                        "%s: its recipe keeps no rows for %s; choose another split", directory,
                        lam_split_name(options->split));
    LAM_TRY(
        lam_run_find_model(lam_device_get_context(device), directory, options->model, &path));
    lam_status status = lam_self_test(device, options->gemm);
    if (status == LAM_STATUS_OK)
        status = lam_session_open(device, recipe, dataset, options->gemm, path, &session);
    if (status == LAM_STATUS_OK)
        status = lam_session_predict(session, recipe, options->split, ret_predictions);
    lam_session_destroy(&session);
    free(path);
    return status;
}

static void append_header(lam_strbuf *text, const lam_predictions *predictions)
{
    lam_strbuf_append(text, "index,true_class,predicted_class%s",
                      predictions->votes ? ",voted_class" : "");
    for (int c = 0; c < LAM_CLASS_COUNT; c++)
        lam_strbuf_append(text, ",%s", predictions->class_names[c]);
    lam_strbuf_append(text, "\n");
}

static void append_row(lam_strbuf *text, const lam_predictions *predictions, uint32_t i)
{
    const char *const *names = predictions->class_names;
    lam_strbuf_append(text, "%u,%s,%s", i, names[predictions->labels[i]],
                      names[predictions->classes[i]]);
    if (predictions->votes)
        lam_strbuf_append(text, ",%s", names[predictions->votes[i]]);
    for (size_t c = 0; c < LAM_CLASS_COUNT; c++)
        lam_strbuf_append(text, ",%.9g", predictions->probabilities[i * LAM_CLASS_COUNT + c]);
    lam_strbuf_append(text, "\n");
}

lam_status lam_predictions_format(lam_context *context, const lam_predictions *predictions,
                                  char **ret_text)
{
    lam_strbuf text = {0};
    append_header(&text, predictions);
    for (uint32_t i = 0; i < predictions->rows; i++)
        append_row(&text, predictions, i);
    if (text.failed) {
        lam_strbuf_free(&text);
        return lam_fail_memory(context, "predictions", text.length);
    }
    *ret_text = text.text;
    return LAM_STATUS_OK;
}

lam_status lam_predictions_save(lam_context *context, const lam_predictions *predictions,
                                const char *path)
{
    char *text = NULL;
    LAM_TRY(lam_predictions_format(context, predictions, &text));
    lam_status status = lam_file_write(context, path, text, strlen(text));
    free(text);
    return status;
}
