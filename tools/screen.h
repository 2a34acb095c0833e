/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A terminal that is drawn over again and again, and curves in its characters.
 */
#ifndef LAM_TOOLS_SCREEN_H
#define LAM_TOOLS_SCREEN_H

#include <stdbool.h>
#include <stdio.h>
#include <termios.h>

#include "lamina/context.h"

typedef struct screen {
    bool is_terminal; /* on stdout, and able to move its cursor */
    bool has_color;   /* a terminal, and the user does not mind: NO_COLOR */
    bool has_utf8;    /* of the locale */
    bool is_open;     /* draws over itself, and has the terminal's settings */
    bool has_keys;    /* stdin is the terminal, too */
    int columns, rows;
    struct termios settings; /* to be restored */
} screen;

/** What stdout is. */
screen screen_find(void);
/** Goes to a page of its own, without a cursor and without echoing keys. */
void screen_open(screen *s);
/** Back to the terminal as it was; nothing where it was not opened. */
void screen_close(screen *s);
/** Draws lines over what is there, in one write; what does not fit is cut off. */
void screen_draw(screen *s, const char *text);
/** Prints the same lines one below the other. */
void screen_print(const screen *s, const char *text);

typedef enum screen_event {
    SCREEN_EVENT_TIME,
    SCREEN_EVENT_RESIZE,
    SCREEN_EVENT_QUIT
} screen_event;
/** Waits for so many seconds, another size, or the wish to quit: q, Ctrl-C or a request to
 * stop.
 */
screen_event screen_wait(screen *s, const lam_context *context, double seconds);

/** Styles; "" where there is no colour. */
typedef enum screen_style {
    SCREEN_STYLE_PLAIN,
    SCREEN_STYLE_BOLD,
    SCREEN_STYLE_DIM,
    SCREEN_STYLE_FIRST,  /* colours of series: blue .. */
    SCREEN_STYLE_SECOND, /* .. and orange, which all kinds of colour vision tell apart */
} screen_style;
const char *screen_style_text(const screen *s, screen_style style);

/* ---- text_plot.c ---- */

/** A curve; borrowed. Numbers that are none leave gaps. */
typedef struct text_curve {
    const char *name;
    const double *x, *y;
    size_t count;
    bool is_dotted;    /* or in ASCII drawn with another character */
    bool has_no_lines; /* points alone */
    screen_style style;
} text_curve;

typedef struct text_plot {
    const char *title; /* with the unit */
    const char *x_label;
    double x_minimum, x_maximum;
    const text_curve *curves;
    size_t count;
    int columns, rows; /* all in all: at least 30 x 6 */
} text_plot;

/** Prints `rows` lines: title with legend, the picture, the axis. */
void text_plot_print(const text_plot *plot, const screen *s, FILE *out);

#endif
