/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>

#include "figure/chart_script.h"
#include "figure/figure_text.h"

void lam_script_append_text(lam_strbuf *script, const char *text, double ems)
{
    lam_strbuf line = {0};
    lam_figure_text_shorten(text, ems, &line);
    script->failed |= line.failed;
    lam_figure_text_quote(script, lam_strbuf_text(&line));
    lam_strbuf_free(&line);
}

void lam_script_write_label(lam_strbuf *script, const lam_chart_plan *plan, const char *text,
                            double ems, double x, double y, const char *how)
{
    lam_strbuf_append(script, "    set label ");
    lam_script_append_text(script, text, ems);
    lam_strbuf_append(script, " at screen %.5f, %.5f %s\n", x / plan->width,
                      1 - y / plan->height, how);
}

static void write_formats(const lam_figure_options *options, lam_strbuf *script)
{
    const char *separator = "";
    lam_strbuf_append(script, "formats = '");
#define WRITE_FORMAT(name, text, bit)                                                          \
    if (options->formats == 0 || options->formats & LAM_FIGURE_FORMAT_##name) {                \
        lam_strbuf_append(script, "%s%s", separator, text);                                    \
        separator = " ";                                                                       \
    }
    LAM_FIGURE_FORMAT_LIST(WRITE_FORMAT)
#undef WRITE_FORMAT
    lam_strbuf_append(script, "'   # of svg, png and pdf\n");
}

static void write_colors(const lam_theme_colors *colors, lam_strbuf *script)
{
    lam_strbuf_append(
        script,
        "background = '%s'\ntext_color = '%s'\nmuted = '%s'\nfaint = '%s'\ngrid = '%s'\n",
        colors->background, colors->text, colors->muted, colors->faint, colors->grid);
    for (int i = 0; i < LAM_CHART_COLORS; i++)
        lam_strbuf_append(script, "color%d = '%s'\n", i + 1, colors->series[i]);
    lam_strbuf_append(script, "set palette defined (%s)\n", colors->scale);
}

/* Sizes are of 96 pixels per inch; PNG has twice as many, and PDF counts 72 points. Lines of
 * the legend are 16 pixels apart in all of them. */
static void write_terminals(const lam_chart_plan *plan, lam_strbuf *script)
{
    int width = (int)plan->width, height = (int)plan->height;
    const char *common = "noenhanced background background "
                         "font 'DejaVu Sans, sans-serif,12'";
    lam_strbuf_append(script,
                      "    if (format eq 'svg') {\n"
                      "        set terminal svg size %d,%d %s\n"
                      "        legend_spacing = 0.97; legend_width = -2\n    }\n",
                      width, height, common);
    lam_strbuf_append(script,
                      "    if (format eq 'png') {\n"
                      "        set terminal pngcairo size %d,%d %s \\\n"
                      "            fontscale 1.5 linewidth 2 dashlength 0.5 pointscale 2\n"
                      "        legend_spacing = 1.24; legend_width = 0\n    }\n",
                      2 * width, 2 * height, common);
    lam_strbuf_append(script,
                      "    if (format eq 'pdf') {\n"
                      "        set terminal pdfcairo size %.4fin,%.4fin %s \\\n"
                      "            fontscale 0.5625 linewidth 1.5 pointscale 0.5\n"
                      "        legend_spacing = 1.24; legend_width = 0\n    }\n",
                      width / 96., height / 96., common);
}

static void write_head(const lam_chart_plan *plan, const lam_figure_options *options,
                       lam_strbuf *script)
{
    const char *name = plan->chart->figure.name;
    lam_strbuf_append(
        script, "# Draws %s.tsv with gnuplot 5.4 or newer, in its folder: gnuplot %s.gp\n",
        name, name);
    write_formats(options, script);
    lam_strbuf_append(script,
                      "if (!exists('picture')) picture = '%s'   # without suffix\n"
                      "data = '%s.tsv'\n",
                      name, name);
    if (plan->block_count > 0)
        lam_strbuf_append(script, "drawn = '%s-drawn.tsv'   # x, y, low, high, value\n", name);
    lam_strbuf_append(script, "\n");
    write_colors(plan->colors, script);
    lam_strbuf_append(script,
                      "set encoding utf8\n"
                      "set datafile separator \"\\t\"\n"
                      "set border 3 lc rgb muted lw 1\n"
                      "set style line 1 lc rgb muted lw 1\n"
                      "set tics out nomirror scale 0.5 font ',%d' textcolor rgb text_color\n"
                      "\ndo for [format in formats] {\n",
                      LAM_FONT_SMALL);
    write_terminals(plan, script);
    lam_strbuf_append(script, "    set output picture.'.'.format\n    set multiplot\n");
}

static void write_texts(const lam_chart_plan *plan, lam_strbuf *script)
{
    const lam_figure *figure = &plan->chart->figure;
    double room = plan->width - 32;
    char how[96];
    snprintf(how, sizeof how, "left font ',%d' textcolor rgb text_color", LAM_FONT_TITLE);
    if (*figure->title)
        lam_script_write_label(script, plan, figure->title, room / LAM_FONT_TITLE, 16,
                               8 + LAM_FONT_TITLE, how);
    snprintf(how, sizeof how, "left font ',%d' textcolor rgb muted", LAM_FONT_SMALL);
    const char *rest = figure->caption;
    lam_strbuf line = {0};
    double y = plan->caption_top + 8;
    for (; lam_figure_text_wrap(&rest, room / LAM_FONT_SMALL, &line); y += 16) {
        lam_script_write_label(script, plan, lam_strbuf_text(&line), INFINITY, 16, y, how);
        line.length = 0;
    }
    script->failed |= line.failed;
    lam_strbuf_free(&line);
}

void lam_chart_write_script(const lam_chart_plan *plan, const lam_figure_options *options,
                            lam_strbuf *script)
{
    write_head(plan, options, script);
    write_texts(plan, script);
    for (size_t p = 0; p < plan->chart->panel_count; p++)
        lam_script_write_panel(script, plan, p);
    lam_strbuf_append(script, "    unset multiplot\n    unset output\n}\n");
}
