/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/prediction_counts.h"
#include "report/weight_templates.h"
#include "support/device_fixture.h"
#include "support/folder.h"
#include "support/suite.h"
#include "train/safetensors.h"

static test_folder folder;

static void set_up(void)
{
    folder = test_folder_make();
}

static void tear_down(void)
{
    test_folder_remove(&folder);
}

/* ---- predictions, made up row by row ---- */

enum { MOST_ROWS = 64 };

static uint8_t labels[MOST_ROWS], classes[MOST_ROWS];
static double probabilities[MOST_ROWS * LAM_CLASS_COUNT];
static lam_predictions predictions;

static void clear_predictions(void)
{
    memset(probabilities, 0, sizeof probabilities);
    predictions = (lam_predictions){.split = LAM_SPLIT_TEST,
                                    .labels = labels,
                                    .classes = classes,
                                    .probabilities = probabilities};
}

/* A row whose classes other than these two are impossible. */
static void add_row(uint8_t label, double of_label, uint8_t class_index, double of_class)
{
    uint32_t row = predictions.rows++;
    ck_assert_uint_lt(row, MOST_ROWS);
    labels[row] = label;
    classes[row] = class_index;
    probabilities[row * LAM_CLASS_COUNT + label] = of_label;
    probabilities[row * LAM_CLASS_COUNT + class_index] = of_class;
}

static void add_right(uint8_t label, double probability)
{
    add_row(label, probability, label, probability);
}

START_TEST(confusion_counts_rows_by_true_and_predicted_class)
{
    clear_predictions();
    add_right(3, 0.9);
    add_right(3, 0.5);
    add_row(3, 0.1, 5, 0.8);
    add_row(0, 0.1, 5, 0.8);
    add_right(9, 1);
    lam_confusion confusion = lam_confusion_count(&predictions);
    ck_assert_uint_eq(confusion.rows[3][3], 2);
    ck_assert_uint_eq(confusion.rows[3][5], 1);
    ck_assert_uint_eq(confusion.rows[5][3], 0);
    ck_assert_uint_eq(lam_confusion_count_true(&confusion, 3), 3);
    ck_assert_uint_eq(lam_confusion_count_true(&confusion, 5), 0);
    ck_assert_uint_eq(lam_confusion_count_predicted(&confusion, 5), 2);
    ck_assert_uint_eq(lam_confusion_count_predicted(&confusion, 9), 1);
    uint32_t sum = 0;
    for (size_t c = 0; c < LAM_CLASS_COUNT; c++)
        sum += lam_confusion_count_true(&confusion, c);
    ck_assert_uint_eq(sum, predictions.rows);
}
END_TEST

START_TEST(bins_hold_their_lower_end_and_the_last_holds_one)
{
    clear_predictions();
    add_right(1, 1);
    add_right(1, 0.95);
    add_right(1, 0.5);
    add_row(1, 0, 2, 0.9);
    add_row(1, 0.0499, 2, 0.9);
    add_row(1, 0.25, 2, 0.6);
    lam_probability_counts counts = lam_probability_counts_make(&predictions);
    ck_assert_uint_eq(counts.right[19], 2);
    ck_assert_uint_eq(counts.right[10], 1);
    ck_assert_uint_eq(counts.wrong[0], 2);
    ck_assert_uint_eq(counts.wrong[5], 1);
}
END_TEST

START_TEST(bins_and_rows_without_number_sum_to_rows)
{
    clear_predictions();
    for (int i = 0; i <= 40; i++)
        add_row(7, i / 40., i % 3 ? 7 : 2, i % 3 ? i / 40. : 0.3);
    add_row(4, NAN, 4, NAN);
    add_row(4, NAN, 5, 0.2);
    lam_probability_counts counts = lam_probability_counts_make(&predictions);
    uint32_t right = 0, wrong = 0;
    for (int bin = 0; bin < LAM_PROBABILITY_BINS; bin++) {
        right += counts.right[bin];
        wrong += counts.wrong[bin];
    }
    ck_assert_uint_eq(right, 27);
    ck_assert_uint_eq(wrong, 14);
    ck_assert_uint_eq(counts.none, 2);
}
END_TEST

static void expect_confident(bool is_right, size_t limit, const uint32_t *expected,
                             size_t count)
{
    uint32_t rows[MOST_ROWS];
    ck_assert_uint_eq(lam_predictions_find_confident(&predictions, is_right, limit, rows),
                      count);
    for (size_t i = 0; i < count; i++)
        ck_assert_uint_eq(rows[i], expected[i]);
}

START_TEST(confident_rows_come_greatest_first_and_equals_by_row)
{
    clear_predictions();
    add_right(0, 0.5);
    add_right(1, 0.9);
    add_row(2, 0.2, 3, 0.7);
    add_right(4, 0.9);
    add_right(4, 1);
    add_row(2, 0.9, 3, NAN);
    add_row(2, 0.2, 3, 0.7);
    add_right(4, 0.9);
    expect_confident(true, 8, (const uint32_t[]){4, 1, 3, 7, 0}, 5);
    expect_confident(true, 3, (const uint32_t[]){4, 1, 3}, 3);
    expect_confident(true, 0, NULL, 0);
    expect_confident(false, 8, (const uint32_t[]){2, 6}, 2);
    expect_confident(false, 1, (const uint32_t[]){2}, 1);
}
END_TEST

START_TEST(wrong_rows_are_confident_of_the_wrong_class)
{
    clear_predictions();
    add_row(2, 0.4, 3, 0.41);
    add_row(2, 0.01, 3, 0.6);
    expect_confident(false, 2, (const uint32_t[]){1, 0}, 2);
    ck_assert_double_eq(lam_predictions_get_confidence(&predictions, 1), 0.6);
}
END_TEST

/* ---- weights ---- */

enum { UNITS = 3, PLANE = LAM_IMAGE_SIDE * LAM_IMAGE_SIDE };

static lam_recipe recipe;

static const char *write_model(const double *weights, size_t units)
{
    const char *path = test_path(&folder, "model.safetensors");
    const size_t shape[2] = {LAM_IMAGE_INPUTS, units};
    lam_safetensors_writer *writer = NULL;
    ck_assert_ok(lam_safetensors_writer_create(test_context(), &writer));
    ck_assert_ok(lam_safetensors_writer_add(writer, "layer1.weight", false, shape, 2, weights));
    ck_assert_ok(lam_safetensors_writer_save(writer, path));
    lam_safetensors_writer_destroy(&writer);
    recipe.network.layer_count = 1;
    recipe.network.layers[0] = (lam_layer){.type = LAM_LAYER_TYPE_DENSE, .width = (int)units};
    return path;
}

/* Unit 0 is zero but for red = -3 in the top left pixel, green = 4 to the right of it and
 * blue = 1 below it; unit 1 is 2 everywhere; unit 2 rises with the input. */
static lam_first_layer load_units(void)
{
    static double weights[LAM_IMAGE_INPUTS][UNITS];
    for (int input = 0; input < LAM_IMAGE_INPUTS; input++) {
        weights[input][0] = 0;
        weights[input][1] = 2;
        weights[input][2] = input;
    }
    weights[0][0] = -3;
    weights[PLANE + 1][0] = 4;
    weights[2 * PLANE + LAM_IMAGE_SIDE][0] = 1;
    lam_first_layer layer = {0};
    ck_assert_ok(lam_first_layer_load(test_context(), &recipe,
                                      write_model(&weights[0][0], UNITS), &layer));
    ck_assert_uint_eq(layer.units, UNITS);
    return layer;
}

START_TEST(ranges_are_those_of_each_unit)
{
    lam_first_layer layer = load_units();
    lam_weight_range range = lam_first_layer_measure(&layer, 0);
    ck_assert_double_eq(range.minimum, -3);
    ck_assert_double_eq(range.maximum, 4);
    ck_assert_double_eq_tol(range.norm, sqrt(26), 1e-12);
    range = lam_first_layer_measure(&layer, 1);
    ck_assert_double_eq(range.minimum, 2);
    ck_assert_double_eq(range.maximum, 2);
    ck_assert_double_eq_tol(range.norm, 2 * sqrt(LAM_IMAGE_INPUTS), 1e-9);
    lam_first_layer_free(&layer);
    ck_assert_ptr_null(layer.weights);
}
END_TEST

static void expect_pixel(const uint8_t *rgb, int y, int x, const uint8_t expected[3])
{
    const uint8_t *pixel = rgb + (y * LAM_IMAGE_SIDE + x) * 3;
    for (int channel = 0; channel < 3; channel++)
        ck_assert_msg(pixel[channel] == expected[channel], "row %d column %d colour %d: %d", y,
                      x, channel, pixel[channel]);
}

START_TEST(colours_of_a_pixel_are_its_three_weights)
{
    uint8_t rgb[LAM_IMAGE_INPUTS];
    lam_first_layer layer = load_units();
    lam_first_layer_paint(&layer, 0, -3, 4, rgb);
    const uint8_t zero = 109; /* 255 * 3 / 7 */
    expect_pixel(rgb, 0, 0, (const uint8_t[]){0, zero, zero});
    expect_pixel(rgb, 0, 1, (const uint8_t[]){zero, 255, zero});
    expect_pixel(rgb, 1, 0, (const uint8_t[]){zero, zero, 146});
    expect_pixel(rgb, 31, 31, (const uint8_t[]){zero, zero, zero});
    lam_first_layer_paint(&layer, 0, -5, 5, rgb);
    expect_pixel(rgb, 0, 0, (const uint8_t[]){51, 128, 128});
    lam_first_layer_paint(&layer, 2, 0, LAM_IMAGE_INPUTS - 1, rgb);
    expect_pixel(rgb, 0, 0, (const uint8_t[]){0, 85, 170});
    expect_pixel(rgb, 31, 31, (const uint8_t[]){85, 170, 255});
    lam_first_layer_free(&layer);
}
END_TEST

START_TEST(weights_that_are_all_alike_are_grey)
{
    uint8_t rgb[LAM_IMAGE_INPUTS];
    lam_first_layer layer = load_units();
    lam_first_layer_paint(&layer, 1, 2, 2, rgb);
    for (int i = 0; i < LAM_IMAGE_INPUTS; i++)
        ck_assert_uint_eq(rgb[i], 128);
    lam_first_layer_free(&layer);
}
END_TEST

START_TEST(weights_that_are_no_numbers_or_of_another_width_are_refused)
{
    static double weights[LAM_IMAGE_INPUTS];
    lam_first_layer layer = {0};
    weights[7] = NAN;
    const char *path = write_model(weights, 1);
    ck_assert_int_eq(lam_first_layer_load(test_context(), &recipe, path, &layer),
                     LAM_STATUS_BAD_MODEL);
    ck_assert_ptr_nonnull(strstr(lam_error_message(test_context()), "not finite"));
    recipe.network.layers[0].width = 2;
    ck_assert_int_eq(lam_first_layer_load(test_context(), &recipe, path, &layer),
                     LAM_STATUS_BAD_MODEL);
    ck_assert_ptr_null(layer.weights);
}
END_TEST

static void add_test(Suite *suite, const char *name, const TTest *test)
{
    tcase_add_checked_fixture(lam_add_test(suite, name, test, 60), set_up, tear_down);
}

static void add_tests(Suite *suite)
{
    add_test(suite, "confusion", confusion_counts_rows_by_true_and_predicted_class);
    add_test(suite, "bins", bins_hold_their_lower_end_and_the_last_holds_one);
    add_test(suite, "sums of bins", bins_and_rows_without_number_sum_to_rows);
    add_test(suite, "confident", confident_rows_come_greatest_first_and_equals_by_row);
    add_test(suite, "confident of what", wrong_rows_are_confident_of_the_wrong_class);
    add_test(suite, "ranges", ranges_are_those_of_each_unit);
    add_test(suite, "colours", colours_of_a_pixel_are_its_three_weights);
    add_test(suite, "grey", weights_that_are_all_alike_are_grey);
    add_test(suite, "bad weights", weights_that_are_no_numbers_or_of_another_width_are_refused);
}

LAM_SUITE_MAIN("plot_images", add_tests)
