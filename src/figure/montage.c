/* SPDX-License-Identifier: Apache-2.0 */
#include "figure/montage.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "figure/figure_text.h"
#include "figure/png.h"
#include "figure/theme.h"

#define GAP 10         /* pixels between tiles */
#define LINE_HEIGHT 14 /* of words beneath them */
#define EM 11.0
#define MAX_LABEL_WIDTH 110.0 /* longer words are cut */
#define MAX_NAME_WIDTH 170.0
#define MIN_WIDTH 480.0 /* of all, for the caption's sake */
#define SIDES 48.0      /* what lam_chart_save() leaves beside a plot without axes */

/* The sheet in pixels. Tiles stand in the middle of cells that have room for their words. */
typedef struct sheet {
    const lam_montage *of;
    size_t columns, rows;
    size_t tile_width, tile_height; /* magnified */
    size_t cell_width, cell_height;
    size_t width, height;
    double names_width; /* left of it */
    uint8_t *rgb;       /* u8[height, width, 3] */
    lam_word *words;
    size_t word_count;
} sheet;

/* Copies the line of a label that starts at `text`; returns the next one or NULL. */
static const char *copy_line(const char *text, char *line, size_t bytes)
{
    size_t length = strcspn(text, "\n");
    snprintf(line, bytes, "%.*s", (int)length, text);
    return text[length] ? text + length + 1 : NULL;
}

static void measure_labels(const lam_montage *of, double *ret_width, size_t *ret_lines)
{
    *ret_width = 0;
    *ret_lines = 0;
    for (size_t i = 0; i < of->tile_count; i++) {
        size_t lines = 0;
        for (const char *text = of->tiles[i].label; text && lines < 2; lines++) {
            char line[LAM_WORD_BYTES];
            text = copy_line(text, line, sizeof line);
            *ret_width = fmax(*ret_width, EM * lam_figure_text_measure(line));
        }
        *ret_lines = lines > *ret_lines ? lines : *ret_lines;
    }
    *ret_width = fmin(*ret_width, MAX_LABEL_WIDTH);
}

static double measure_names(const lam_montage *of, size_t rows)
{
    double widest = 0;
    for (size_t row = 0; of->row_names && row < rows; row++)
        widest = fmax(widest, EM * lam_figure_text_measure(of->row_names[row]));
    return of->row_names ? fmin(widest, MAX_NAME_WIDTH) + GAP : 0;
}

static sheet measure_sheet(const lam_montage *of)
{
    sheet s = {.of = of, .columns = of->columns > 0 ? of->columns : 1};
    if (s.columns > of->tile_count)
        s.columns = of->tile_count;
    s.rows = of->tile_count > 0 ? lam_divide_up(of->tile_count, s.columns) : 0;
    size_t magnification = of->magnification > 0 ? of->magnification : 1;
    s.tile_width = magnification * of->tile_width;
    s.tile_height = magnification * of->tile_height;
    double label_width;
    size_t lines;
    measure_labels(of, &label_width, &lines);
    s.cell_width = (size_t)fmax((double)s.tile_width, ceil(label_width)) + GAP;
    s.cell_height = s.tile_height + lines * LINE_HEIGHT + GAP;
    s.width = s.columns * s.cell_width;
    s.height = s.rows * s.cell_height;
    s.names_width = measure_names(of, s.rows);
    return s;
}

static void fill_background(sheet *s, const char *color)
{
    unsigned red, green, blue;
    sscanf(color, "#%2x%2x%2x", &red, &green, &blue);
    for (size_t i = 0; i < s->width * s->height; i++) {
        s->rgb[3 * i] = (uint8_t)red;
        s->rgb[3 * i + 1] = (uint8_t)green;
        s->rgb[3 * i + 2] = (uint8_t)blue;
    }
}

static size_t find_tile_left(const sheet *s, size_t tile)
{
    return tile % s->columns * s->cell_width + (s->cell_width - s->tile_width) / 2;
}

static void draw_tile(sheet *s, size_t tile)
{
    size_t left = find_tile_left(s, tile), top = tile / s->columns * s->cell_height;
    size_t magnification = s->tile_width / s->of->tile_width;
    for (size_t y = 0; y < s->tile_height; y++) {
        uint8_t *to = &s->rgb[3 * ((top + y) * s->width + left)];
        const uint8_t *from =
            &s->of->tiles[tile].rgb[3 * (y / magnification) * s->of->tile_width];
        for (size_t x = 0; x < s->tile_width; x++)
            memcpy(&to[3 * x], &from[3 * (x / magnification)], 3);
    }
}

static void add_word(sheet *s, const char *text, double x, double y, double width)
{
    lam_strbuf line = {0};
    lam_figure_text_shorten(text, width / EM + 0.01, &line);
    lam_word *word = &s->words[s->word_count++];
    *word = (lam_word){.x = x, .y = y};
    snprintf(word->text, sizeof word->text, "%s", lam_strbuf_text(&line));
    lam_strbuf_free(&line);
}

static void add_words(sheet *s)
{
    const lam_montage *of = s->of;
    for (size_t i = 0; i < of->tile_count; i++) {
        double x = (double)find_tile_left(s, i) + (double)s->tile_width / 2;
        double y =
            (double)(i / s->columns * s->cell_height + s->tile_height) + 0.7 * LINE_HEIGHT;
        const char *text = of->tiles[i].label;
        for (int l = 0; l < 2 && text; l++, y += LINE_HEIGHT) {
            char line[LAM_WORD_BYTES];
            text = copy_line(text, line, sizeof line);
            add_word(s, line, x, y, (double)(s->cell_width - GAP));
        }
    }
    for (size_t row = 0; of->row_names && row < s->rows; row++)
        add_word(s, of->row_names[row], -s->names_width / 2,
                 (double)(row * s->cell_height) + (double)s->tile_height / 2,
                 s->names_width - GAP);
}

static lam_status save_picture(lam_context *context, sheet *s,
                               const lam_figure_options *options, const char *name)
{
    size_t bytes;
    bool fits = s->tile_width <= UINT16_MAX && s->tile_height <= UINT16_MAX &&
                s->width <= INT32_MAX && s->height <= INT32_MAX &&
                lam_checked_multiply(3 * s->width, s->height, &bytes);
    s->rgb = fits ? malloc(bytes) : NULL;
    if (!s->rgb)
        return lam_fail_memory(context, "a sheet of pictures", fits ? bytes : SIZE_MAX);
    fill_background(s, lam_theme_get_colors(options->theme)->background);
    for (size_t i = 0; i < s->of->tile_count; i++) {
        if (s->of->tiles[i].rgb)
            draw_tile(s, i);
    }
    lam_strbuf path = {0};
    lam_strbuf_append(&path, "%s/%s", options->directory, name);
    lam_status status = path.failed ? lam_fail_memory(context, name, bytes)
                                    : lam_png_write(context, path.text, (uint32_t)s->width,
                                                    (uint32_t)s->height, s->rgb);
    lam_strbuf_free(&path);
    free(s->rgb);
    return status;
}

static lam_status save_chart(lam_context *context, const sheet *s, const char *picture,
                             const lam_figure_options *options, lam_figure_list *list)
{
    double width = fmax(MIN_WIDTH, s->names_width + (double)s->width);
    lam_panel panel = {
        .x = {.is_hidden = true, .minimum = -s->names_width, .maximum = width - s->names_width},
        .y = {.is_hidden = true, .is_upside_down = true},
        .is_square = s->rows > 0,
        .picture = s->rows > 0 ? picture : NULL,
        .picture_width = (uint32_t)s->width,
        .picture_height = (uint32_t)s->height,
        .words = s->words,
        .word_count = s->word_count,
    };
    lam_chart chart = {.figure = s->of->figure,
                       .table = s->of->table,
                       .panels = &panel,
                       .panel_count = 1,
                       .width = (int)(width + SIDES)};
    return lam_chart_save(context, &chart, options, list);
}

lam_status lam_montage_save(lam_context *context, const lam_montage *montage,
                            const lam_figure_options *options, lam_figure_list *list)
{
    sheet s = measure_sheet(montage);
    char picture[sizeof montage->figure.name + sizeof "-sheet.png"];
    snprintf(picture, sizeof picture, "%s-sheet.png", montage->figure.name);
    LAM_TRY(lam_directory_create(context, options->directory));
    if (s.rows > 0)
        LAM_TRY(save_picture(context, &s, options, picture));
    s.words = calloc(2 * montage->tile_count + s.rows + 1, sizeof *s.words);
    if (!s.words)
        return lam_fail_memory(context, "words of a montage", montage->tile_count);
    add_words(&s);
    lam_status status = save_chart(context, &s, picture, options, list);
    free(s.words);
    return status;
}
