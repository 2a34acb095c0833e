/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "screen.h"

#define LABEL_COLUMNS 9 /* of the numbers left of the picture, with the axis */

/* A picture in characters of several dots each: 2 x 4 in Braille, one in ASCII. */
typedef struct canvas {
    int columns, rows;           /* characters */
    int dots_across, dots_below; /* of a character */
    uint8_t *dots;               /* of each character, in Unicode's order */
    uint8_t *owners;             /* the curve that drew last, from 1 */
    double x_minimum, x_maximum, y_minimum, y_maximum;
} canvas;

static void set_dot(canvas *c, long x, long y, uint8_t owner)
{
    /* Braille counts its dots down the columns, and the two below them last. */
    static const uint8_t bits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    if (x < 0 || y < 0 || x >= c->columns * c->dots_across || y >= c->rows * c->dots_below)
        return;
    long cell = y / c->dots_below * c->columns + x / c->dots_across;
    c->dots[cell] |= bits[y % c->dots_below][x % c->dots_across];
    c->owners[cell] = owner;
}

static long place_x(const canvas *c, double x)
{
    double share = (x - c->x_minimum) / (c->x_maximum - c->x_minimum);
    return lround(share * (c->columns * c->dots_across - 1));
}

static long place_y(const canvas *c, double y)
{
    double share = (c->y_maximum - y) / (c->y_maximum - c->y_minimum);
    return lround(share * (c->rows * c->dots_below - 1));
}

static void draw_line(canvas *c, const long from[2], const long to[2], const text_curve *curve,
                      uint8_t owner)
{
    long across = labs(to[0] - from[0]), below = labs(to[1] - from[1]);
    long steps = across > below ? across : below;
    for (long i = 0; i <= steps; i++) {
        double share = steps > 0 ? (double)i / (double)steps : 0;
        long x = from[0] + lround(share * (double)(to[0] - from[0]));
        long y = from[1] + lround(share * (double)(to[1] - from[1]));
        bool is_gap = curve->is_dotted && c->dots_across > 1 && (x + y) % 4 > 1;
        if (!is_gap)
            set_dot(c, x, y, owner);
    }
}

static void draw_curve(canvas *c, const text_curve *curve, uint8_t owner)
{
    long from[2] = {0, 0};
    bool goes_on = false;
    for (size_t i = 0; i < curve->count; i++) {
        bool is_there = isfinite(curve->x[i]) && isfinite(curve->y[i]);
        if (is_there) {
            const long to[2] = {place_x(c, curve->x[i]), place_y(c, curve->y[i])};
            draw_line(c, goes_on ? from : to, to, curve, owner);
            memcpy(from, to, sizeof from);
        }
        goes_on = is_there && !curve->has_no_lines;
    }
}

/* From the least to the greatest number there is. */
static void settle_range(canvas *c, const text_plot *plot)
{
    double least = INFINITY, greatest = -INFINITY;
    for (size_t k = 0; k < plot->count; k++)
        for (size_t i = 0; i < plot->curves[k].count; i++)
            if (isfinite(plot->curves[k].y[i])) {
                least = fmin(least, plot->curves[k].y[i]);
                greatest = fmax(greatest, plot->curves[k].y[i]);
            }
    if (!(least <= greatest))
        least = 0, greatest = 1;
    double air = greatest > least ? 0 : fabs(least) > 0 ? 0.1 * fabs(least) : 1;
    c->y_minimum = least - air;
    c->y_maximum = greatest + air;
    c->x_minimum = plot->x_minimum;
    c->x_maximum = plot->x_maximum > plot->x_minimum ? plot->x_maximum : plot->x_minimum + 1;
}

/* ---- printing ---- */

static void print_title(const text_plot *plot, const screen *s, FILE *out)
{
    fprintf(out, "%s%s%s", screen_style_text(s, SCREEN_STYLE_BOLD), plot->title,
            screen_style_text(s, SCREEN_STYLE_PLAIN));
    for (size_t i = 0; i < plot->count; i++) {
        const text_curve *curve = &plot->curves[i];
        const char *mark = curve->is_dotted      ? (s->has_utf8 ? "╌╌" : "oo")
                           : curve->has_no_lines ? (s->has_utf8 ? "··" : "..")
                                                 : (s->has_utf8 ? "──" : "**");
        fprintf(out, "  %s%s%s %s", screen_style_text(s, curve->style), mark,
                screen_style_text(s, SCREEN_STYLE_PLAIN), curve->name);
    }
    putc('\n', out);
}

/* Of the first, the last and the middle row. */
static void print_label(const canvas *c, const screen *s, int row, FILE *out)
{
    double share = c->rows > 1 ? (double)row / (c->rows - 1) : 0;
    bool has_number =
        row == 0 || row == c->rows - 1 || (c->rows % 2 == 1 && row == c->rows / 2);
    if (has_number)
        fprintf(out, "%*.4g ", LABEL_COLUMNS - 2,
                c->y_maximum - share * (c->y_maximum - c->y_minimum));
    else
        fprintf(out, "%*s", LABEL_COLUMNS - 1, "");
    fputs(s->has_utf8 ? (has_number ? "┤" : "│") : (has_number ? "+" : "|"), out);
}

static void print_cell(const canvas *c, const text_plot *plot, const screen *s, long cell,
                       FILE *out)
{
    const text_curve *curve = c->owners[cell] > 0 ? &plot->curves[c->owners[cell] - 1] : NULL;
    if (!curve) {
        putc(' ', out);
    } else if (s->has_utf8) {
        /* U+2800 + dots */
        const char braille[] = {(char)0xe2, (char)(0xa0 + (c->dots[cell] >> 6)),
                                (char)(0x80 + (c->dots[cell] & 0x3f)), '\0'};
        fprintf(out, "%s%s", screen_style_text(s, curve->style), braille);
    } else {
        fprintf(out, "%s%c", screen_style_text(s, curve->style),
                curve->is_dotted      ? 'o'
                : curve->has_no_lines ? '.'
                                      : '*');
    }
}

static void print_axis(const text_plot *plot, const canvas *c, FILE *out)
{
    char left[32], right[64];
    snprintf(left, sizeof left, "%.6g", c->x_minimum);
    snprintf(right, sizeof right, "%s %.6g", plot->x_label, c->x_maximum);
    fprintf(out, "%*s%s%*s\n", LABEL_COLUMNS, "", left,
            c->columns - (int)strlen(left) > 0 ? c->columns - (int)strlen(left) : 0, right);
}

static void print_canvas(const text_plot *plot, const canvas *c, const screen *s, FILE *out)
{
    print_title(plot, s, out);
    for (int row = 0; row < c->rows; row++) {
        print_label(c, s, row, out);
        for (int column = 0; column < c->columns; column++)
            print_cell(c, plot, s, (long)row * c->columns + column, out);
        fprintf(out, "%s\n", screen_style_text(s, SCREEN_STYLE_PLAIN));
    }
    print_axis(plot, c, out);
}

void text_plot_print(const text_plot *plot, const screen *s, FILE *out)
{
    canvas c = {.columns = plot->columns - LABEL_COLUMNS,
                .rows = plot->rows - 2,
                .dots_across = s->has_utf8 ? 2 : 1,
                .dots_below = s->has_utf8 ? 4 : 1};
    if (c.columns < 1 || c.rows < 1)
        return;
    size_t cells = (size_t)c.columns * (size_t)c.rows;
    c.dots = calloc(2, cells);
    if (!c.dots)
        return;
    c.owners = c.dots + cells;
    settle_range(&c, plot);
    for (size_t i = 0; i < plot->count; i++)
        draw_curve(&c, &plot->curves[i], (uint8_t)(i + 1));
    print_canvas(plot, &c, s, out);
    free(c.dots);
}
