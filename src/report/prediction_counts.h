/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What predictions come to once they are counted and ordered.
 */
#ifndef LAM_REPORT_PREDICTION_COUNTS_H
#define LAM_REPORT_PREDICTION_COUNTS_H

#include "lamina/predict.h"

#define LAM_PROBABILITY_BINS 20

typedef struct lam_confusion {
    uint32_t rows[LAM_CLASS_COUNT][LAM_CLASS_COUNT]; /* [true class][predicted class] */
} lam_confusion;

lam_confusion lam_confusion_count(const lam_predictions *predictions);

/** Rows of a true class, and rows that were taken for a class. */
uint32_t lam_confusion_count_true(const lam_confusion *confusion, size_t class_index);
uint32_t lam_confusion_count_predicted(const lam_confusion *confusion, size_t class_index);

/** Rows by the probability of their true class, in bins of equal width over 0 .. 1; a bin holds
 * its lower end, and the last 1, too. */
typedef struct lam_probability_counts {
    uint32_t right[LAM_PROBABILITY_BINS], wrong[LAM_PROBABILITY_BINS];
    uint32_t none; /* rows whose probability is no number */
} lam_probability_counts;

lam_probability_counts lam_probability_counts_make(const lam_predictions *predictions);

/** The probability of the class that a row was taken for. */
double lam_predictions_get_confidence(const lam_predictions *predictions, uint32_t row);

/**
 * Finds the rows with the greatest confidence among those that were taken for their true class,
 * or else among all others: the greatest first, of equals the first row. Writes up to `limit`
 * into ret_rows and gives their number.
 */
size_t lam_predictions_find_confident(const lam_predictions *predictions, bool is_right,
                                      size_t limit, uint32_t *ret_rows);

#endif
