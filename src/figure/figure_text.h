/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Words in figures: how wide they are, where they are cut and wrapped, and how a gnuplot script
 * holds them. All of them take any bytes: what is no UTF-8, and what Pango would lack a glyph
 * for (it draws such characters as big as the whole picture), becomes a small square.
 */
#ifndef LAM_FIGURE_FIGURE_TEXT_H
#define LAM_FIGURE_FIGURE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"

/** Width in ems of DejaVu Sans, rather too wide than too narrow. */
double lam_figure_text_measure(const char *text);

/** Appends the text, or as much of it as fits into `ems` with an ellipsis. */
void lam_figure_text_shorten(const char *text, double ems, lam_strbuf *line);

/** Appends as many words of `*text` as fit into `ems` and moves it behind them; a word that is
 * too long is cut. False when nothing is left. */
bool lam_figure_text_wrap(const char **text, double ems, lam_strbuf *line);

/** Appends 'text' so that gnuplot takes it as it is, on one line: between single quotes, where
 * neither backslashes, backticks nor macros mean anything. A text with an apostrophe stands
 * between double quotes with those written as numbers, since gnuplot 5.4 trips over two
 * apostrophes in a row. */
void lam_figure_text_quote(lam_strbuf *script, const char *text);

#endif
