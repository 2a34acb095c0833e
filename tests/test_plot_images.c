/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/source.h"
#include "lamina/plot.h"
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

/* ---- figures of predictions ---- */

enum { TEST_ROWS = 10000 };

static const lam_figure_options *into_folder(void)
{
    static lam_figure_options options;
    options = (lam_figure_options){.directory = folder.path};
    return &options;
}

/* A few rows of ten classes: class c is taken for c + 1 where c is even, every second time. */
static lam_plot_predictions make_run(const char *name)
{
    static lam_recipe recipes[8];
    static int next;
    lam_recipe *named = &recipes[next++ % 8];
    clear_predictions();
    for (int i = 0; i < MOST_ROWS; i++) {
        uint8_t c = (uint8_t)(i % LAM_CLASS_COUNT);
        bool is_wrong = c % 2 == 0 && i % 4 == 0;
        add_row(c, is_wrong ? 0.1 : 0.9, is_wrong ? (uint8_t)(c + 1) : c, 0.9);
    }
    for (int c = 0; c < LAM_CLASS_COUNT; c++)
        predictions.class_names[c] = lam_cifar10_class_name(c);
    snprintf(named->name, sizeof named->name, "%s", name);
    named->network.layer_count = 1;
    named->network.layers[0] = (lam_layer){.type = LAM_LAYER_TYPE_DENSE, .width = 10};
    return (lam_plot_predictions){
        .path = "runs/any", .recipe = named, .predictions = &predictions};
}

static size_t find_column(const char *headings, const char *name)
{
    size_t column = 0, length = strlen(name);
    for (const char *at = headings;; at = strchr(at, '\t') + 1, column++) {
        if (strncmp(at, name, length) == 0 && (at[length] == '\t' || at[length] == '\n'))
            return column;
        ck_assert_msg(strcspn(at, "\t") < strcspn(at, "\n"), "there is no column %s", name);
    }
}

/* The numbers of a column of <figure>.tsv; gives how many. */
static size_t read_column(const char *figure, const char *name, double *values)
{
    char file[128];
    snprintf(file, sizeof file, "%s.tsv", figure);
    char *text = test_file_read(test_path(&folder, file), NULL);
    size_t column = find_column(text, name), rows = 0;
    for (const char *line = strchr(text, '\n') + 1; *line; line = strchr(line, '\n') + 1) {
        const char *cell = line;
        for (size_t i = 0; i < column; i++)
            cell = strchr(cell, '\t') + 1;
        values[rows++] = strtod(cell, NULL);
    }
    free(text);
    return rows;
}

static double sum(const double *values, size_t count)
{
    double total = 0;
    for (size_t i = 0; i < count; i++)
        total += values[i];
    return total;
}

START_TEST(confusion_holds_all_rows_and_their_shares)
{
    double images[128], percent[128];
    lam_figure_list list = {0};
    const lam_plot_predictions run = make_run("a");
    ck_assert_ok(lam_plot_images(test_context(), &run, 1, NULL,
                                 LAM_PLOT_BIT(LAM_PLOT_KIND_CONFUSION), into_folder(), &list));
    ck_assert_uint_eq(list.count, 1);
    ck_assert_str_eq(list.figures[0].name, "a-confusion");
    ck_assert_uint_eq(read_column("a-confusion", "images", images), 110);
    ck_assert_uint_eq(read_column("a-confusion", "percent", percent), 110);
    ck_assert_double_eq(sum(images, 100), MOST_ROWS);
    for (size_t row = 0; row < LAM_CLASS_COUNT; row++)
        ck_assert_double_eq_tol(sum(percent + 10 * row, 10), 100, 1e-9);
    /* Class 0: rows 0, 20, 40 and 60 of 0, 10 .. 60. Class 1: 1, 11 .. 61, all right. */
    ck_assert_double_eq(images[1], 4);
    ck_assert_double_eq_tol(percent[1], 400. / 7, 1e-9);
    ck_assert_double_eq_tol(percent[101], 700. / 11, 1e-9);
    lam_figure_list_free(&list);
}
END_TEST

START_TEST(classes_without_images_have_no_shares)
{
    double percent[128];
    lam_figure_list list = {0};
    const lam_plot_predictions run = make_run("a");
    predictions.rows = 1;
    ck_assert_ok(lam_plot_images(test_context(), &run, 1, NULL,
                                 LAM_PLOT_BIT(LAM_PLOT_KIND_CONFUSION), into_folder(), &list));
    ck_assert_uint_eq(read_column("a-confusion", "percent", percent), 110);
    ck_assert_double_eq(percent[1], 100);
    ck_assert_double_eq(percent[0], 0);
    for (size_t cell = 10; cell < 100; cell++)
        ck_assert(isnan(percent[cell]));
    ck_assert_double_eq(percent[101], 0);
    ck_assert(isnan(percent[100]));
    lam_figure_list_free(&list);
}
END_TEST

START_TEST(probabilities_of_four_runs_stand_side_by_side)
{
    double images[256];
    lam_plot_predictions runs[5];
    lam_figure_list list = {0};
    for (int i = 0; i < 5; i++)
        runs[i] = make_run(i == 4 ? "b" : "a");
    ck_assert_ok(lam_plot_images(test_context(), runs, 5, NULL,
                                 LAM_PLOT_BIT(LAM_PLOT_KIND_PROBABILITIES), into_folder(),
                                 &list));
    ck_assert_uint_eq(list.count, 2);
    ck_assert_str_eq(list.figures[0].name, "a-a-a-a-probabilities");
    ck_assert_str_eq(list.figures[1].name, "b-probabilities");
    ck_assert_uint_eq(read_column("a-a-a-a-probabilities", "images", images), 160);
    for (size_t run = 0; run < 4; run++)
        ck_assert_double_eq(sum(images + 40 * run, 40), MOST_ROWS);
    ck_assert_double_eq(images[18], 48); /* right, 0.9 .. 0.95 */
    ck_assert_double_eq(images[22], 16); /* wrong, 0.1 .. 0.15 */
    lam_figure_list_free(&list);
}
END_TEST

START_TEST(figures_of_runs_with_one_name_are_kept_apart)
{
    lam_plot_predictions runs[3];
    lam_figure_list list = {0};
    for (int i = 0; i < 3; i++)
        runs[i] = make_run("same");
    runs[2].path = "runs/same/seed-7/";
    ck_assert_ok(lam_plot_images(test_context(), runs, 3, NULL,
                                 LAM_PLOT_BIT(LAM_PLOT_KIND_CONFUSION), into_folder(), &list));
    ck_assert_uint_eq(list.count, 3);
    ck_assert_str_eq(list.figures[0].name, "same-confusion");
    ck_assert_str_eq(list.figures[1].name, "same-confusion-2");
    ck_assert_str_eq(list.figures[2].name, "same-seed-7-confusion");
    lam_figure_list_free(&list);
}
END_TEST

/* Predictions of the synthetic test split, all right with probability 0.5 but for some. */
static lam_plot_predictions make_test_run(const lam_dataset *dataset, lam_predictions *p)
{
    static uint8_t all_classes[TEST_ROWS];
    static double all_probabilities[TEST_ROWS * LAM_CLASS_COUNT];
    lam_plot_predictions run = make_run("a");
    const uint8_t *all_labels =
        lam_dataset_get_labels(dataset) + lam_dataset_get_split(dataset, LAM_SPLIT_TEST).first;
    *p = predictions;
    p->rows = TEST_ROWS;
    p->labels = (uint8_t *)all_labels;
    p->classes = all_classes;
    p->probabilities = all_probabilities;
    for (int row = 0; row < TEST_ROWS; row++) {
        all_classes[row] = all_labels[row];
        all_probabilities[row * LAM_CLASS_COUNT + all_labels[row]] = 0.5;
    }
    run.predictions = p;
    return run;
}

static void take_for_another(lam_predictions *p, int row, double probability)
{
    p->classes[row] = (uint8_t)((p->labels[row] + 1) % LAM_CLASS_COUNT);
    p->probabilities[row * LAM_CLASS_COUNT + p->classes[row]] = probability;
}

/* The first image on a sheet starts where its white background ends. */
static void expect_first_pixel(const char *sheet, const uint8_t *image)
{
    png_image png = {.version = PNG_IMAGE_VERSION};
    ck_assert(png_image_begin_read_from_file(&png, test_path(&folder, sheet)));
    png.format = PNG_FORMAT_RGB;
    uint8_t *rgb = malloc(PNG_IMAGE_SIZE(png)), *pixel = rgb;
    ck_assert(png_image_finish_read(&png, NULL, rgb, 0, NULL));
    while (pixel[0] == 255 && pixel[1] == 255 && pixel[2] == 255)
        pixel += 3;
    ck_assert_uint_lt((size_t)(pixel - rgb), 3 * (size_t)png.width);
    for (int channel = 0; channel < 3; channel++)
        ck_assert_uint_eq(pixel[channel], image[channel * LAM_IMAGE_SIDE * LAM_IMAGE_SIDE]);
    free(rgb);
}

START_TEST(confident_images_are_listed_by_row_of_the_split)
{
    double images[32];
    lam_dataset *dataset = NULL;
    lam_predictions p;
    lam_figure_list list = {0};
    const lam_data_options data = {
        .source = LAM_DATA_SOURCE_SYNTHETIC, .train_files = 1, .train_first = 1};
    ck_assert_ok(lam_dataset_load(test_context(), &data, NULL, &dataset));
    const lam_plot_predictions run = make_test_run(dataset, &p);
    take_for_another(&p, 77, 0.6);
    take_for_another(&p, 9999, 0.8);
    p.probabilities[5000 * LAM_CLASS_COUNT + p.labels[5000]] = 0.99;
    ck_assert_ok(lam_plot_images(test_context(), &run, 1, dataset,
                                 LAM_PLOT_BIT(LAM_PLOT_KIND_CONFIDENT), into_folder(), &list));
    ck_assert_str_eq(list.figures[0].name, "a-confident");
    ck_assert_uint_eq(read_column("a-confident", "image", images), 15);
    const double right[10] = {5000, 0, 1, 2, 3, 4, 5, 6, 7, 8};
    for (int i = 0; i < 10; i++)
        ck_assert_double_eq(images[i], right[i]);
    ck_assert_double_eq(images[10], 9999);
    ck_assert_double_eq(images[11], 77);
    ck_assert(isnan(images[12]));
    expect_first_pixel("a-confident-sheet.png",
                       lam_dataset_get_images(dataset) + (size_t)5001 * LAM_IMAGE_INPUTS);
    p.rows--;
    ck_assert_int_eq(lam_plot_images(test_context(), &run, 1, dataset,
                                     LAM_PLOT_BIT(LAM_PLOT_KIND_CONFIDENT), into_folder(),
                                     &list),
                     LAM_STATUS_BAD_ARGUMENT);
    lam_figure_list_free(&list);
    lam_dataset_destroy(&dataset);
}
END_TEST

/* ---- weights ---- */

enum { UNITS = 3, PLANE = LAM_IMAGE_SIDE * LAM_IMAGE_SIDE };

static lam_recipe recipe;

static void use_single_layer(size_t units)
{
    recipe.network.layer_count = 1;
    recipe.network.layers[0] = (lam_layer){.type = LAM_LAYER_TYPE_DENSE, .width = (int)units};
}

static const char *write_model(const double *weights, size_t units)
{
    const char *path = test_path(&folder, "model.safetensors");
    const size_t shape[2] = {LAM_IMAGE_INPUTS, units};
    lam_safetensors_writer *writer = NULL;
    ck_assert_ok(lam_safetensors_writer_create(test_context(), &writer));
    ck_assert_ok(lam_safetensors_writer_add(writer, "layer1.weight", false, shape, 2, weights));
    ck_assert_ok(lam_safetensors_writer_save(writer, path));
    lam_safetensors_writer_destroy(&writer);
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
    use_single_layer(UNITS);
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
    use_single_layer(1);
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

/* A run folder in the test's own whose first layer has `units` units, and its figures. */
static lam_figure_list plot_units(size_t units, bool is_hidden)
{
    static double weights[LAM_IMAGE_INPUTS * 250];
    lam_figure_list list = {0};
    char *json = NULL, record[8192], text[256];
    for (size_t i = 0; i < LAM_IMAGE_INPUTS * units; i++)
        weights[i] = (double)(i % units) - (double)(i / units) / LAM_IMAGE_INPUTS;
    snprintf(text, sizeof text,
             "{name: a, layers: [%s {type: dense, width: 10}], batch: 10,"
             "schedule: {type: constant, rate: 0.1}, stop: {epochs: 1}}",
             is_hidden ? "{type: dense, width: 250}, relu," : "");
    ck_assert_ok(
        lam_recipe_parse(test_context(), text, strlen(text), "test", NULL, 0, &recipe));
    ck_assert_ok(lam_recipe_format(test_context(), &recipe, &json));
    snprintf(record, sizeof record, "{\"status\": \"running\", \"recipe\": %s}", json);
    test_file_write_text(test_path(&folder, "run.json"), record);
    write_model(weights, units);
    ck_assert_ok(lam_plot_weights(test_context(), folder.path, NULL, into_folder(), &list));
    free(json);
    return list;
}

START_TEST(each_class_of_a_single_layer_has_a_picture)
{
    double least[16], greatest[16];
    lam_figure_list list = plot_units(10, false);
    ck_assert_uint_eq(list.count, 2);
    ck_assert_str_eq(list.figures[0].name, "a-weights");
    ck_assert_str_eq(list.figures[1].name, "a-weights-shared");
    ck_assert_uint_eq(read_column("a-weights", "minimum", least), 10);
    ck_assert_uint_eq(read_column("a-weights-shared", "maximum", greatest), 10);
    for (int unit = 0; unit < 10; unit++) {
        ck_assert_double_eq_tol(least[unit], unit - 1, 1e-3);
        ck_assert_double_eq_tol(greatest[unit], unit, 1e-3);
    }
    char *text = test_file_read(test_path(&folder, "a-weights.tsv"), NULL);
    ck_assert_ptr_nonnull(strstr(text, "\n10\ttruck\t"));
    free(text);
    ck_assert(test_file_exists(test_path(&folder, "a-weights-sheet.png")));
    ck_assert_ptr_nonnull(strstr(list.figures[1].caption, "from -9 (0)"));
    lam_figure_list_free(&list);
}
END_TEST

START_TEST(of_many_units_the_first_have_pictures_and_the_caption_says_so)
{
    double units[256];
    lam_figure_list list = plot_units(250, true);
    ck_assert_uint_eq(read_column("a-weights", "unit", units), 200);
    ck_assert_double_eq(units[199], 200);
    ck_assert_ptr_nonnull(strstr(list.figures[0].caption, "the first 200 of 250 units"));
    char *text = test_file_read(test_path(&folder, "a-weights.tsv"), NULL);
    ck_assert_ptr_null(strstr(text, "airplane"));
    free(text);
    lam_figure_list_free(&list);
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
    add_test(suite, "confusion figure", confusion_holds_all_rows_and_their_shares);
    add_test(suite, "no shares", classes_without_images_have_no_shares);
    add_test(suite, "probabilities", probabilities_of_four_runs_stand_side_by_side);
    add_test(suite, "names", figures_of_runs_with_one_name_are_kept_apart);
    add_test(suite, "confident figure", confident_images_are_listed_by_row_of_the_split);
    add_test(suite, "ranges", ranges_are_those_of_each_unit);
    add_test(suite, "colours", colours_of_a_pixel_are_its_three_weights);
    add_test(suite, "grey", weights_that_are_all_alike_are_grey);
    add_test(suite, "bad weights", weights_that_are_no_numbers_or_of_another_width_are_refused);
    add_test(suite, "classes", each_class_of_a_single_layer_has_a_picture);
    add_test(suite, "many units",
             of_many_units_the_first_have_pictures_and_the_caption_says_so);
}

LAM_SUITE_MAIN("plot_images", add_tests)
