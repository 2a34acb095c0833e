/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/strbuf.h"
#include "report/plot_images.h"
#include "report/prediction_counts.h"

#define BIN_WIDTH (1. / LAM_PROBABILITY_BINS)
#define GROUPS 2 /* right and wrong images */
#define MOST_PANELS (GROUPS * LAM_MOST_PROBABILITIES)
#define PANEL_PIXELS 300

enum column { RUN, GROUP, LOW, HIGH, MIDDLE, IMAGES };

typedef struct probability_figure {
    const lam_plot_predictions *runs;
    size_t count;
    char labels[LAM_MOST_PROBABILITIES][LAM_RUN_LABEL_BYTES];
    lam_table table;     /* for each run the bins of right images, then of wrong ones */
    double most[GROUPS]; /* images in a bin */
    uint32_t none;       /* images without a number */
    lam_series series[MOST_PANELS];
    lam_word words[MOST_PANELS];
    lam_panel panels[MOST_PANELS];
} probability_figure;

static const char *const group_names[GROUPS] = {"right", "wrong"};

static void add_bins(probability_figure *f, size_t run, size_t group, const uint32_t *images)
{
    lam_table *table = &f->table;
    for (size_t bin = 0; bin < LAM_PROBABILITY_BINS; bin++) {
        lam_table_add_row(table);
        lam_table_set_text(table, RUN, f->labels[run]);
        lam_table_set_text(table, GROUP, group_names[group]);
        lam_table_set_number(table, LOW, (double)bin / LAM_PROBABILITY_BINS);
        lam_table_set_number(table, HIGH, (double)(bin + 1) / LAM_PROBABILITY_BINS);
        lam_table_set_number(table, MIDDLE, (bin + 0.5) / LAM_PROBABILITY_BINS);
        lam_table_set_number(table, IMAGES, images[bin]);
        f->most[group] = fmax(f->most[group], images[bin]);
    }
}

static void fill_table(probability_figure *f)
{
    lam_table_add_column(&f->table, "run", LAM_CELL_TEXT);
    lam_table_add_column(&f->table, "images_are", LAM_CELL_TEXT);
    lam_table_add_column(&f->table, "probability_from", LAM_CELL_NUMBER);
    lam_table_add_column(&f->table, "probability_to", LAM_CELL_NUMBER);
    lam_table_add_column(&f->table, "probability_middle", LAM_CELL_NUMBER);
    lam_table_add_column(&f->table, "images", LAM_CELL_NUMBER);
    for (size_t run = 0; run < f->count; run++) {
        lam_probability_counts counts = lam_probability_counts_make(f->runs[run].predictions);
        lam_run_make_label(f->runs[run].recipe, f->runs[run].path, f->labels[run]);
        add_bins(f, run, 0, counts.right);
        add_bins(f, run, 1, counts.wrong);
        f->none += counts.none;
    }
}

static bool is_empty(const probability_figure *f, const lam_series *series)
{
    for (size_t row = 0; row < series->row_count; row++)
        if (lam_table_get_number(&f->table, series->first_row + row, IMAGES) > 0)
            return false;
    return true;
}

/* Panels of one group stand in a row and share their scale, so that runs compare. */
static void add_panel(probability_figure *f, size_t run, size_t group)
{
    size_t index = group * f->count + run;
    double top = f->most[group] > 0 ? 1.05 * f->most[group] : 1;
    f->series[index] = (lam_series){
        .mark = LAM_MARK_BARS,
        .color = (int)group,
        .first_row = (run * GROUPS + group) * LAM_PROBABILITY_BINS,
        .row_count = LAM_PROBABILITY_BINS,
        .x = MIDDLE,
        .y = IMAGES,
        .bar_width = BIN_WIDTH,
    };
    f->words[index] = (lam_word){.x = 0.5, .y = top / 2, .text = "none"};
    f->panels[index] = (lam_panel){
        .title = group == 0 ? f->labels[run] : NULL,
        .x = {.label = group + 1 == GROUPS ? "probability of the true class" : NULL,
              .minimum = 0,
              .maximum = 1},
        .y = {.label = run > 0      ? NULL
                       : group == 0 ? "images classified right"
                                    : "images classified wrong",
              .minimum = 0,
              .maximum = top},
        .series = &f->series[index],
        .series_count = 1,
        .words = &f->words[index],
        .word_count = is_empty(f, &f->series[index]),
    };
}

static const char *get_meaning(lam_loss loss)
{
    static const char *const meanings[] = {
        [LAM_LOSS_SOFTMAX_CROSS_ENTROPY] = "softmax",
        [LAM_LOSS_BINARY_CROSS_ENTROPY] = "sigmoid of the class's own output",
        [LAM_LOSS_HINGE] = "softmax of scores, not calibrated",
    };
    return meanings[loss];
}

static void append_run(const probability_figure *f, size_t run, lam_strbuf *text)
{
    char settings[400];
    const lam_plot_predictions *r = &f->runs[run];
    lam_recipe_summarize(r->recipe, settings, f->count > 1 ? 120 : sizeof settings);
    lam_strbuf_append(text, " %s: %s, %.2f %% right (%s).", f->labels[run],
                      get_meaning(r->recipe->network.loss), 100 * r->predictions->accuracy,
                      settings);
}

static void name_figure(const lam_plotter *plotter, const probability_figure *f,
                        lam_figure *figure)
{
    lam_strbuf label = {0};
    for (size_t run = 0; run < f->count; run++)
        lam_strbuf_append(&label, "%s%s", run ? "-" : "", f->labels[run]);
    lam_plotter_name_figure(plotter, lam_strbuf_text(&label), "probabilities", figure);
    lam_strbuf_free(&label);
}

static void describe(const lam_plotter *plotter, const probability_figure *f,
                     lam_figure *figure)
{
    const lam_predictions *first = f->runs[0].predictions;
    lam_strbuf text = {0};
    lam_strbuf_append(&text,
                      "%" PRIu32 " %s images by the probability that the network gives "
                      "their true class, in bins of %g.",
                      first->rows, lam_split_name(first->split), BIN_WIDTH);
    if (f->none > 0)
        lam_strbuf_append(&text, " Left out for want of a number: %" PRIu32 ".", f->none);
    for (size_t run = 0; run < f->count; run++)
        append_run(f, run, &text);
    name_figure(plotter, f, figure);
    lam_plot_write(figure->title, sizeof figure->title, "Probability of the true class");
    lam_plot_write(figure->caption, sizeof figure->caption, "%s", lam_strbuf_text(&text));
    lam_plot_write(
        figure->alt, sizeof figure->alt,
        "Histograms of the probability of the true class from 0 to 1, above of the images "
        "classified right, below of those classified wrong; runs side by side: %zu.",
        f->count);
    lam_strbuf_free(&text);
}

static lam_status save(lam_plotter *plotter, probability_figure *f)
{
    fill_table(f);
    if (f->table.failed)
        return lam_fail_memory(plotter->context, "a histogram", 0);
    if (f->most[0] + f->most[1] == 0)
        return LAM_STATUS_OK;
    for (size_t group = 0; group < GROUPS; group++)
        for (size_t run = 0; run < f->count; run++)
            add_panel(f, run, group);
    lam_chart chart = {
        .table = &f->table,
        .panels = f->panels,
        .panel_count = GROUPS * f->count,
        .columns = f->count,
        .width = f->count > 2 ? PANEL_PIXELS * (int)f->count : 0,
    };
    describe(plotter, f, &chart.figure);
    return lam_plotter_save(plotter, &chart);
}

lam_status lam_plot_probabilities(lam_plotter *plotter, const lam_plot_predictions *runs,
                                  size_t count)
{
    probability_figure figure = {.runs = runs, .count = count};
    lam_status status = save(plotter, &figure);
    lam_table_free(&figure.table);
    return status;
}
