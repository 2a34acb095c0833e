/* SPDX-License-Identifier: Apache-2.0 */
#include "report/prediction_counts.h"

#include <math.h>

lam_confusion lam_confusion_count(const lam_predictions *predictions)
{
    lam_confusion confusion = {0};
    for (uint32_t row = 0; row < predictions->rows; row++)
        confusion.rows[predictions->labels[row]][predictions->classes[row]]++;
    return confusion;
}

uint32_t lam_confusion_count_true(const lam_confusion *confusion, size_t class_index)
{
    uint32_t count = 0;
    for (size_t predicted = 0; predicted < LAM_CLASS_COUNT; predicted++)
        count += confusion->rows[class_index][predicted];
    return count;
}

uint32_t lam_confusion_count_predicted(const lam_confusion *confusion, size_t class_index)
{
    uint32_t count = 0;
    for (size_t label = 0; label < LAM_CLASS_COUNT; label++)
        count += confusion->rows[label][class_index];
    return count;
}

static double get_probability(const lam_predictions *predictions, uint32_t row, uint8_t of)
{
    return predictions->probabilities[(size_t)row * LAM_CLASS_COUNT + of];
}

static bool is_row_right(const lam_predictions *predictions, uint32_t row)
{
    return predictions->classes[row] == predictions->labels[row];
}

lam_probability_counts lam_probability_counts_make(const lam_predictions *predictions)
{
    lam_probability_counts counts = {0};
    for (uint32_t row = 0; row < predictions->rows; row++) {
        double probability = get_probability(predictions, row, predictions->labels[row]);
        if (isnan(probability)) {
            counts.none++;
            continue;
        }
        size_t bin = (size_t)(probability * LAM_PROBABILITY_BINS);
        bin = bin < LAM_PROBABILITY_BINS ? bin : LAM_PROBABILITY_BINS - 1;
        (is_row_right(predictions, row) ? counts.right : counts.wrong)[bin]++;
    }
    return counts;
}

double lam_predictions_get_confidence(const lam_predictions *predictions, uint32_t row)
{
    return get_probability(predictions, row, predictions->classes[row]);
}

size_t lam_predictions_find_confident(const lam_predictions *predictions, bool is_right,
                                      size_t limit, uint32_t *ret_rows)
{
    size_t count = 0;
    for (uint32_t row = 0; row < predictions->rows; row++) {
        double confidence = lam_predictions_get_confidence(predictions, row);
        if (is_row_right(predictions, row) != is_right || isnan(confidence))
            continue;
        size_t place = count;
        while (place > 0 &&
               lam_predictions_get_confidence(predictions, ret_rows[place - 1]) < confidence)
            place--;
        if (place == limit)
            continue;
        count += count < limit;
        for (size_t i = count - 1; i > place; i--)
            ret_rows[i] = ret_rows[i - 1];
        ret_rows[place] = row;
    }
    return count;
}
