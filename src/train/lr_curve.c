/* SPDX-License-Identifier: Apache-2.0 */
#include "train/lr_curve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/strbuf.h"

#define BLOW_UP 4.0
#define LARGEST_TABLE_BYTES ((size_t)1 << 30)

static const char table_header[] = "step,learning_rate,loss,smoothed_loss\n";

lam_status lam_lr_curve_create(lam_context *context, int64_t capacity, lam_lr_curve *ret_curve)
{
    lam_lr_curve curve = {.capacity = capacity, .kept = fmax(0, 1 - 25 / (double)capacity)};
    curve.points = calloc((size_t)capacity, sizeof *curve.points);
    if (!curve.points)
        return lam_fail_memory(context, "a curve of losses",
                               (size_t)capacity * sizeof *curve.points);
    *ret_curve = curve;
    return LAM_STATUS_OK;
}

void lam_lr_curve_free(lam_lr_curve *curve)
{
    free(curve->points);
    curve->points = NULL;
}

bool lam_lr_curve_append(lam_lr_curve *curve, double rate, double loss)
{
    if (curve->blew_up || curve->count == curve->capacity)
        return false;
    double average = curve->kept * curve->average + (1 - curve->kept) * loss;
    double smoothed = average / (1 - pow(curve->kept, (double)(curve->count + 1)));
    const lam_lr_point *lowest = &curve->points[curve->lowest];
    curve->blew_up =
        !isfinite(smoothed) || (curve->count > 0 && smoothed > BLOW_UP * lowest->smoothed);
    if (!isfinite(smoothed))
        return false;
    if (curve->count > 0 && smoothed < lowest->smoothed)
        curve->lowest = curve->count;
    curve->points[curve->count++] = (lam_lr_point){rate, loss, smoothed};
    curve->average = average;
    return !curve->blew_up;
}

/* The loss before any rate was large enough to change it. */
static double get_first_loss(const lam_lr_curve *curve)
{
    int64_t count = (curve->count + 19) / 20;
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += curve->points[i].loss;
    return sum / (double)count;
}

/* The first rate from which on the smoothed loss stays below `level` down to its lowest. */
static double find_falling_rate(const lam_lr_curve *curve, double level)
{
    int64_t first = curve->lowest;
    while (first > 0 && curve->points[first - 1].smoothed < level)
        first--;
    return curve->points[first].rate;
}

lam_lr_range_summary lam_lr_curve_summarize(const lam_lr_curve *curve)
{
    lam_lr_range_summary summary = {.steps = curve->count, .blew_up = curve->blew_up};
    if (curve->count == 0)
        return summary;
    const lam_lr_point *lowest = &curve->points[curve->lowest];
    double start = get_first_loss(curve), fall = start - lowest->smoothed;
    summary.lowest_loss = lowest->smoothed;
    summary.lowest_rate = lowest->rate;
    summary.has_suggestion = fall > 0.01 * start;
    if (summary.has_suggestion) {
        summary.maximum = lowest->rate / 2;
        summary.minimum =
            fmin(find_falling_rate(curve, start - 0.1 * fall), summary.maximum / 10);
    }
    return summary;
}

/* ---- as a table ---- */

lam_status lam_lr_curve_save(lam_context *context, const lam_lr_curve *curve, const char *path)
{
    lam_strbuf text = {0};
    lam_strbuf_append(&text, "%s", table_header);
    for (int64_t i = 0; i < curve->count; i++) {
        const lam_lr_point *point = &curve->points[i];
        lam_strbuf_append(&text, "%lld,%.9g,%.9g,%.9g\n", (long long)i, point->rate,
                          point->loss, point->smoothed);
    }
    lam_status status = text.failed ? lam_fail_memory(context, path, text.length)
                                    : lam_file_write(context, path, text.text, text.length);
    lam_strbuf_free(&text);
    return status;
}

/* Behind the row, or NULL where it is none. */
static const char *parse_point(const char *row, lam_lr_point *point)
{
    double *const cells[] = {&point->rate, &point->loss, &point->smoothed};
    char *end = NULL;
    (void)strtoll(row, &end, 10);
    for (size_t i = 0; i < 3; i++) {
        if (end == row || *end != ',')
            return NULL;
        row = end + 1;
        *cells[i] = strtod(row, &end);
    }
    return end > row && *end == '\n' ? end + 1 : NULL;
}

static void keep_point(lam_lr_curve *curve, const lam_lr_point *point)
{
    curve->points[curve->count++] = *point;
    if (point->smoothed < curve->points[curve->lowest].smoothed)
        curve->lowest = curve->count - 1;
    curve->blew_up = point->smoothed > BLOW_UP * curve->points[curve->lowest].smoothed;
}

static int64_t count_lines(const char *text)
{
    int64_t count = 0;
    for (; (text = strchr(text, '\n')); text++)
        count++;
    return count;
}

static lam_status parse_table(lam_context *context, const char *path, const char *text,
                              lam_lr_curve *ret_curve)
{
    lam_lr_curve curve;
    size_t header = sizeof table_header - 1;
    if (strncmp(text, table_header, header) != 0 || text[header] == '\0')
        return lam_fail(context, LAM_STATUS_BAD_MODEL,
                        "%s:1: not the table of a learning-rate range test; run lamina "
                        "lr-range again",
                        path);
    LAM_TRY(lam_lr_curve_create(context, count_lines(text), &curve));
    for (text += header; *text != '\0';) {
        lam_lr_point point;
        text = parse_point(text, &point);
        if (!text) {
            lam_status status = lam_fail(context, LAM_STATUS_BAD_MODEL,
                                         "%s:%lld: a damaged row; run lamina lr-range again",
                                         path, (long long)curve.count + 2);
            lam_lr_curve_free(&curve);
            return status;
        }
        keep_point(&curve, &point);
    }
    *ret_curve = curve;
    return LAM_STATUS_OK;
}

lam_status lam_lr_curve_load(lam_context *context, const char *path, lam_lr_curve *ret_curve)
{
    char *text = NULL;
    size_t length = 0;
    LAM_TRY(lam_file_read(context, path, LARGEST_TABLE_BYTES, LAM_STATUS_BAD_MODEL, &text,
                          &length));
    lam_status status = parse_table(context, path, text, ret_curve);
    free(text);
    return status;
}
