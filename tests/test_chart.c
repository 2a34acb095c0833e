/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "figure/chart.h"
#include "figure/montage.h"
#include "support/device_fixture.h"
#include "support/folder.h"
#include "support/suite.h"

/* Whatever a shell, gnuplot, XML or a terminal might take for its own. */
#define HOSTILE                                                                                \
    "\"q\" \\n `touch pwned` $(touch pwned) @name %d%s {/Bold x; !touch pwned\n"               \
    "# <b>&amp;</text> \t\x01\x1b \xff\xc3 \xe4\xb8\x89 ü"
#define APOSTROPHES "''it's '' " HOSTILE

static test_folder folder;
static lam_table table;
static lam_figure_list list;
static lam_figure_options options;

static void set_up(void)
{
    folder = test_folder_make();
    options = (lam_figure_options){.directory = folder.path};
}

static void tear_down(void)
{
    lam_figure_list_free(&list);
    lam_table_free(&table);
    test_folder_remove(&folder);
}

/* Columns x, y, low, high, value and text, with a row for each x. */
enum { X, Y, LOW, HIGH, VALUE, TEXT };

static void fill_table(size_t rows, const char *text)
{
    static const char *const names[] = {"x", "y", "low", "high", "value", "text"};
    for (size_t c = 0; c <= TEXT; c++)
        lam_table_add_column(&table, names[c], c == TEXT ? LAM_CELL_TEXT : LAM_CELL_NUMBER);
    for (size_t row = 0; row < rows; row++) {
        double y = 2 + sin((double)row / 10);
        lam_table_add_row(&table);
        lam_table_set_number(&table, X, (double)row);
        lam_table_set_number(&table, Y, y);
        lam_table_set_number(&table, LOW, y - 0.5);
        lam_table_set_number(&table, HIGH, y + 0.5);
        lam_table_set_number(&table, VALUE, (double)(row % 7));
        lam_table_set_text(&table, TEXT, text);
    }
}

/* A series of all rows. */
static lam_series make_series(lam_mark mark)
{
    return (lam_series){.mark = mark,
                        .title = "series",
                        .row_count = table.row_count,
                        .x = X,
                        .y = Y,
                        .low = LOW,
                        .high = HIGH,
                        .value = VALUE,
                        .text = TEXT,
                        .first_axis = X,
                        .axis_count = 4};
}

static lam_status save_panel(const lam_panel *panel)
{
    lam_chart chart = {.figure = {.name = "chart", .title = "Title", .caption = "Caption."},
                       .table = &table,
                       .panels = panel,
                       .panel_count = 1};
    return lam_chart_save(test_context(), &chart, &options, &list);
}

static lam_status save_series(lam_mark mark)
{
    lam_series series = make_series(mark);
    lam_panel panel = {
        .x = {.label = "x"}, .y = {.label = "y"}, .series = &series, .series_count = 1};
    return save_panel(&panel);
}

static void expect_in_file(const char *name, const char *part, bool is_there)
{
    char *text = test_file_read(test_path(&folder, name), NULL);
    ck_assert_msg((strstr(text, part) != NULL) == is_there, "'%s' %s %s", part,
                  is_there ? "is not in" : "is in", name);
    free(text);
}

static void expect_in_message(const char *part)
{
    const char *message = lam_error_message(test_context());
    ck_assert_msg(strstr(message, part), "no '%s' in: %s", part, message);
}

/* A program in place of gnuplot: a shell script. */
static void use_program(const char *lines)
{
    const char *path = test_path(&folder, "program");
    char text[400];
    snprintf(text, sizeof text, "#!/bin/sh\n%s\n", lines);
    test_file_write_text(path, text);
    chmod(path, 0755);
    setenv("LAMINA_GNUPLOT", path, 1);
}

static void expect_svg(const char *name)
{
    char *text = test_file_read(test_path(&folder, name), NULL);
    ck_assert(strncmp(text, "<?xml", 5) == 0);
    ck_assert_ptr_nonnull(strstr(text, "</svg>"));
    free(text);
}

static void expect_png(const char *name, uint32_t width)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    ck_assert_msg(png_image_begin_read_from_file(&image, test_path(&folder, name)), "%s: %s",
                  name, image.message);
    ck_assert_uint_eq(image.width, width);
    png_image_free(&image);
}

START_TEST(chart_without_formats_is_data_and_script)
{
    fill_table(3, "t");
    setenv("LAMINA_GNUPLOT", "/nonexistent/gnuplot", 1);
    ck_assert_ok(save_series(LAM_MARK_LINE));
    ck_assert_int_eq(test_folder_count(&folder), 2);
    expect_in_file("chart.tsv", "x\ty\tlow\thigh\tvalue\ttext\n0\t2\t1.5\t2.5\t0\tt\n", true);
    expect_in_file("chart.gp", "data skip 1 using 1:2 with lines", true);
    expect_in_file("chart.gp", folder.path, false);
    ck_assert_uint_eq(list.count, 1);
    ck_assert_str_eq(list.figures[0].name, "chart");
}
END_TEST

START_TEST(every_mark_is_drawn_in_both_themes)
{
    fill_table(30, "50%");
    lam_series series[LAM_MARK_PATHS + 1];
    lam_panel panels[LAM_MARK_PATHS + 1];
    for (int mark = 0; mark <= LAM_MARK_PATHS; mark++) {
        series[mark] = make_series((lam_mark)mark);
        panels[mark] = (lam_panel){.title = "mark",
                                   .x = {.label = "x", .minimum = NAN, .maximum = NAN},
                                   .y = {.label = "y"},
                                   .color_label = "value",
                                   .series = &series[mark],
                                   .series_count = 1};
    }
    lam_chart chart = {.figure = {.name = "marks", .title = "Marks", .caption = "All."},
                       .table = &table,
                       .panels = panels,
                       .panel_count = LAM_MARK_PATHS + 1,
                       .columns = 5,
                       .width = 800,
                       .height = 300};
    options.formats = LAM_FIGURE_FORMAT_SVG | LAM_FIGURE_FORMAT_PNG | LAM_FIGURE_FORMAT_PDF;
    ck_assert_ok(lam_chart_save(test_context(), &chart, &options, &list));
    expect_svg("marks.svg");
    expect_png("marks.png", 1600);
    expect_in_file("marks.gp", "no data", false);
    /* Data, drawn rows, script and three pictures. */
    ck_assert_int_eq(test_folder_count(&folder), 6);
    options.formats = LAM_FIGURE_FORMAT_SVG;
    options.theme = LAM_THEME_DARK;
    ck_assert_ok(lam_chart_save(test_context(), &chart, &options, &list));
    expect_svg("marks.svg");
    /* Pictures of the other theme are gone. */
    ck_assert_int_eq(test_folder_count(&folder), 4);
}
END_TEST

START_TEST(hostile_texts_are_drawn_as_they_are)
{
    const char *names[] = {HOSTILE, APOSTROPHES};
    fill_table(2, HOSTILE);
    lam_series series[] = {make_series(LAM_MARK_LINE), make_series(LAM_MARK_LABELS)};
    series[0].title = HOSTILE;
    lam_panel panel = {.title = HOSTILE,
                       .x = {.label = HOSTILE, .names = names, .name_count = 2},
                       .y = {.label = APOSTROPHES},
                       .color_label = HOSTILE,
                       .series = series,
                       .series_count = 2};
    lam_chart chart = {.figure = {.name = "hostile", .title = APOSTROPHES, .caption = HOSTILE},
                       .table = &table,
                       .panels = &panel,
                       .panel_count = 1};
    options.formats = LAM_FIGURE_FORMAT_SVG;
    ck_assert_ok(lam_chart_save(test_context(), &chart, &options, &list));
    expect_svg("hostile.svg");
    expect_in_file("hostile.svg", "<text>\"q\" \\n `touch pwned` $(touch pwned) @name %d%s {",
                   true);
    expect_in_file("hostile.svg", "<text>''it's '' \"q\" \\n `touch pwned` $(", true);
    expect_in_file("hostile.svg", "&lt;b>&amp;amp;&lt;/text>", true);
    ck_assert(!test_file_exists(test_path(&folder, "pwned")));
    ck_assert(!test_file_exists("pwned"));
    expect_in_file("hostile.gp", "drawn index 0", true); /* gnuplot would misread the table */
}
END_TEST

START_TEST(little_or_no_data_is_drawn)
{
    fill_table(3, "t");
    lam_panel panel = {.y = {.is_log = true}};
    lam_series series = make_series(LAM_MARK_STEPS);
    panel.series = &series;
    panel.series_count = 1;
    options.formats = LAM_FIGURE_FORMAT_SVG;
    series.row_count = 1;
    ck_assert_ok(save_panel(&panel));
    expect_in_file("chart.gp", "with linespoints", true);
    series.row_count = 0;
    ck_assert_ok(save_panel(&panel));
    expect_in_file("chart.svg", "no data", true);
    series.row_count = 99;
    table.columns[Y].numbers[0] = -1; /* nothing for a logarithm */
    table.columns[Y].numbers[1] = NAN;
    ck_assert_ok(save_panel(&panel));
    expect_in_file("chart.svg", "no data", false);
    table.columns[Y].numbers[2] = INFINITY;
    ck_assert_ok(save_panel(&panel));
    expect_in_file("chart.svg", "no data", true);
    panel.series_count = 0;
    ck_assert_ok(save_panel(&panel));
}
END_TEST

/* How many lines of the drawn rows have numbers, or have none. */
static size_t count_drawn(bool has_numbers)
{
    char *text = test_file_read(test_path(&folder, "chart-drawn.tsv"), NULL);
    size_t count = 0;
    for (char *line = text; *line; line = strchr(line, '\n') + 1)
        count += (*line != '\n') == has_numbers;
    free(text);
    return count;
}

START_TEST(long_lines_keep_extremes_and_gaps)
{
    fill_table(20000, "t");
    table.columns[Y].numbers[5432] = 99;
    table.columns[Y].numbers[5433] = -99;
    table.columns[Y].numbers[7000] = NAN; /* narrower than a pixel */
    for (size_t row = 8000; row < 9000; row++)
        table.columns[Y].numbers[row] = NAN;
    ck_assert_ok(save_series(LAM_MARK_LINE));
    ck_assert_uint_lt(count_drawn(true), 4000);
    ck_assert_uint_gt(count_drawn(true), 1000);
    ck_assert_uint_eq(count_drawn(false), 1 + 2);
    expect_in_file("chart-drawn.tsv", "\n5432\t99\t", true);
    expect_in_file("chart-drawn.tsv", "\n5433\t-99\t", true);
    expect_in_file("chart.tsv", "\n7001\t", true);
    ck_assert_ok(save_series(LAM_MARK_BAND));
    ck_assert_uint_lt(count_drawn(true), 1000);
    ck_assert_ok(save_series(LAM_MARK_POINTS));
    ck_assert_uint_lt(count_drawn(true), 30000);
}
END_TEST

START_TEST(legends_of_many_long_titles_leave_room_for_the_plot)
{
    fill_table(3, "t");
    lam_series series[LAM_CHART_MAX_SERIES];
    for (int s = 0; s < LAM_CHART_MAX_SERIES; s++) {
        series[s] = make_series(LAM_MARK_LINE);
        series[s].color = s;
        series[s].title = "a title of a series that has far too many words in it to be read";
    }
    lam_panel panel = {.series = series, .series_count = LAM_CHART_MAX_SERIES};
    lam_chart chart = {.figure = {.name = "chart"},
                       .table = &table,
                       .panels = &panel,
                       .panel_count = 1,
                       .width = 600,
                       .height = 100};
    ck_assert_ok(lam_chart_save(test_context(), &chart, &options, &list));
    char *script = test_file_read(test_path(&folder, "chart.gp"), NULL);
    const char *at = strstr(script, "set terminal svg size 600,");
    ck_assert_ptr_nonnull(at);
    int rows = 0, height = atoi(strchr(at, ',') + 1);
    ck_assert_int_eq(sscanf(strstr(script, "maxrows "), "maxrows %d", &rows), 1);
    ck_assert_int_le(rows, LAM_CHART_MAX_SERIES / 2);
    ck_assert_int_gt(height, 16 * rows + 80);
    ck_assert_ptr_nonnull(strstr(script, "title 'a title of a series …'"));
    free(script);
}
END_TEST

START_TEST(missing_gnuplot_leaves_data_and_script)
{
    fill_table(3, "t");
    setenv("LAMINA_GNUPLOT", "/nonexistent/gnuplot", 1);
    options.formats = LAM_FIGURE_FORMAT_SVG;
    ck_assert_int_eq(save_series(LAM_MARK_LINE), LAM_STATUS_NO_RENDERER);
    expect_in_message("/nonexistent/gnuplot cannot be run: No such file or directory");
    expect_in_message(folder.path);
    expect_in_message("run `gnuplot chart.gp' there");
    ck_assert_int_eq(test_folder_count(&folder), 2);
    ck_assert_uint_eq(list.count, 1);
}
END_TEST

START_TEST(failing_gnuplot_is_quoted_and_leaves_no_picture)
{
    fill_table(3, "t");
    options.formats = LAM_FIGURE_FORMAT_SVG | LAM_FIGURE_FORMAT_PNG;
    use_program("echo half > .chart.drawing.svg; echo 'line 7: what?' >&2; exit 1");
    test_file_write_text(test_path(&folder, "chart.png"), "of older data");
    ck_assert_int_eq(save_series(LAM_MARK_LINE), LAM_STATUS_NO_RENDERER);
    expect_in_message("failed while it drew");
    expect_in_message("line 7: what?;");
    ck_assert_int_eq(test_folder_count(&folder), 3); /* data, script and the program */
    use_program("exit 0");
    ck_assert_int_eq(save_series(LAM_MARK_LINE), LAM_STATUS_BAD_OUTPUT);
}
END_TEST

START_TEST(request_to_stop_ends_gnuplot)
{
    fill_table(3, "t");
    options.formats = LAM_FIGURE_FORMAT_SVG;
    use_program("sleep 30");
    double start = lam_clock_get_seconds();
    lam_context_request_stop(test_context());
    ck_assert_int_eq(save_series(LAM_MARK_LINE), LAM_STATUS_INTERRUPTED);
    ck_assert_double_lt(lam_clock_get_seconds() - start, 10);
}
END_TEST

START_TEST(folder_that_cannot_be_made_is_reported)
{
    fill_table(3, "t");
    test_file_write_text(test_path(&folder, "file"), "");
    options.directory = test_path(&folder, "file/figures");
    ck_assert_int_eq(save_series(LAM_MARK_LINE), LAM_STATUS_BAD_OUTPUT);
    ck_assert_uint_eq(list.count, 0);
}
END_TEST

START_TEST(figure_that_cannot_be_named_is_refused)
{
    lam_panel panel = {0};
    lam_chart chart = {
        .figure = {.name = "../x"}, .table = &table, .panels = &panel, .panel_count = 1};
    ck_assert_int_eq(lam_chart_save(test_context(), &chart, &options, &list),
                     LAM_STATUS_BAD_ARGUMENT);
    snprintf(chart.figure.name, sizeof chart.figure.name, "x");
    chart.panel_count = LAM_CHART_MAX_PANELS + 1;
    ck_assert_int_eq(lam_chart_save(test_context(), &chart, &options, &list),
                     LAM_STATUS_BAD_ARGUMENT);
}
END_TEST

START_TEST(montage_magnifies_its_tiles)
{
    static const uint8_t red[3 * 4] = {255, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    lam_tile tiles[3] = {{red, "a\nb"}, {red, NULL}, {red, HOSTILE}};
    const char *rows[] = {"first", HOSTILE};
    fill_table(3, "t");
    lam_montage montage = {.figure = {.name = "tiles", .title = "Tiles"},
                           .table = &table,
                           .tile_width = 2,
                           .tile_height = 2,
                           .magnification = 8,
                           .columns = 2,
                           .tiles = tiles,
                           .tile_count = 3,
                           .row_names = rows};
    options.formats = LAM_FIGURE_FORMAT_SVG | LAM_FIGURE_FORMAT_PNG;
    ck_assert_ok(lam_montage_save(test_context(), &montage, &options, &list));
    expect_svg("tiles.svg");
    expect_in_file("tiles.svg", "data:image/png;base64", true);
    ck_assert(test_file_exists(test_path(&folder, "tiles-sheet.png")));
    expect_in_file("tiles.gp", "'tiles-sheet.png'", true);
    montage.tile_count = 0;
    ck_assert_ok(lam_montage_save(test_context(), &montage, &options, &list));
    expect_in_file("tiles.svg", "no data", true);
}
END_TEST

static void add_tests(Suite *suite)
{
    const lam_named_test tests[] = {
        {"no_formats", chart_without_formats_is_data_and_script},
        {"marks", every_mark_is_drawn_in_both_themes},
        {"hostile", hostile_texts_are_drawn_as_they_are},
        {"little", little_or_no_data_is_drawn},
        {"long", long_lines_keep_extremes_and_gaps},
        {"legends", legends_of_many_long_titles_leave_room_for_the_plot},
        {"missing", missing_gnuplot_leaves_data_and_script},
        {"failing", failing_gnuplot_is_quoted_and_leaves_no_picture},
        {"stop", request_to_stop_ends_gnuplot},
        {"folder", folder_that_cannot_be_made_is_reported},
        {"refused", figure_that_cannot_be_named_is_refused},
        {"montage", montage_magnifies_its_tiles},
    };
    lam_add_tests(suite, tests, sizeof tests / sizeof *tests, 30, set_up, tear_down);
}

LAM_SUITE_MAIN("chart", add_tests)
