/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "bench.h"

static const long batches[] = {10, 32, 100, 320, 1000, 3200, 10000};
static const long widths[] = {16, 64, 256, 1024, 4096};
enum {
    BATCHES = sizeof batches / sizeof batches[0],
    WIDTHS = sizeof widths / sizeof widths[0],
};
/* So much more than a neighbour is a cliff. */
#define CLIFF_RATIO 2.0

typedef struct scaling_cell {
    double seconds, floor_seconds; /* of a step; 0 where left out */
} scaling_cell;

static double get_ratio(const scaling_cell *cell)
{
    return cell->seconds / cell->floor_seconds;
}

static bool is_cliff(scaling_cell cells[WIDTHS][BATCHES], int w, int b)
{
    static const int steps[4][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}};
    for (int i = 0; i < 4 && cells[w][b].seconds > 0; i++) {
        int nw = w + steps[i][0], nb = b + steps[i][1];
        if (nw < 0 || nw >= WIDTHS || nb < 0 || nb >= BATCHES || cells[nw][nb].seconds <= 0)
            continue;
        if (get_ratio(&cells[w][b]) > CLIFF_RATIO * get_ratio(&cells[nw][nb]))
            return true;
    }
    return false;
}

static lam_status measure_cell(bench_session *session, int w, int b, scaling_cell *cell)
{
    static lam_network_time time; /* too large for a stack */
    char net[32];
    if (!has_time(session))
        return LAM_STATUS_OK;
    snprintf(net, sizeof net, "3072-%ld-10", widths[w]);
    lam_status status = time_network(session, net, batches[b], false, &time);
    if (status != LAM_STATUS_OK)
        return is_left_out(session, status) ? LAM_STATUS_OK : status;
    *cell = (scaling_cell){time.seconds_per_step,
                           lam_network_time_get_floor(&time, &session->limits).total_seconds};
    return LAM_STATUS_OK;
}

static void print_batches(const bench_session *session, const char *what)
{
    char text[128];
    int length = snprintf(text, sizeof text, "%-12s", "W \\ batch");
    for (int b = 0; b < BATCHES; b++)
        length += snprintf(text + length, sizeof text - (size_t)length, " %10ld", batches[b]);
    print_line(session, "\n%s", what);
    print_line(session, "%s", text);
}

/* The table of ratios, cliffs marked, or that of times. */
static void print_cells(const bench_session *session, scaling_cell cells[WIDTHS][BATCHES],
                        bool ratios)
{
    for (int w = 0; w < WIDTHS; w++) {
        char text[128];
        int length = snprintf(text, sizeof text, "%-12ld", widths[w]);
        for (int b = 0; b < BATCHES; b++) {
            const scaling_cell *cell = &cells[w][b];
            size_t left = sizeof text - (size_t)length;
            if (cell->seconds <= 0)
                length += snprintf(text + length, left, " %10s", "-");
            else if (ratios)
                length += snprintf(text + length, left, " %9.2f%c", get_ratio(cell),
                                   is_cliff(cells, w, b) ? '!' : ' ');
            else
                length += snprintf(text + length, left, " %10.1f", 1e6 * cell->seconds);
        }
        print_line(session, "%s", text);
    }
}

static json_t *cells_to_json(scaling_cell cells[WIDTHS][BATCHES])
{
    json_t *rows = json_array();
    for (int w = 0; w < WIDTHS; w++)
        for (int b = 0; b < BATCHES; b++) {
            const scaling_cell *cell = &cells[w][b];
            if (cell->seconds > 0)
                json_array_append_new(
                    rows,
                    json_pack("{s:I, s:I, s:f, s:f, s:f, s:b}", "width", (json_int_t)widths[w],
                              "batch", (json_int_t)batches[b], "us_per_step",
                              1e6 * cell->seconds, "floor_us", 1e6 * cell->floor_seconds,
                              "ratio", get_ratio(cell), "is_cliff", is_cliff(cells, w, b)));
        }
    return rows;
}

lam_status bench_scaling(bench_session *session)
{
    scaling_cell cells[WIDTHS][BATCHES] = {0};
    lam_status status = LAM_STATUS_OK;
    for (int w = 0; w < WIDTHS && status == LAM_STATUS_OK; w++)
        for (int b = 0; b < BATCHES && status == LAM_STATUS_OK; b++)
            status = measure_cell(session, w, b, &cells[w][b]);
    json_object_set_new(session->json, "scaling", cells_to_json(cells));
    print_batches(session, "3072-W-10: time of a step / (max(operations / peak, bytes / copy) "
                           "+ launches * launch cost);\n"
                           "! is a cliff: more than twice the ratio of a neighbour");
    print_cells(session, cells, true);
    print_batches(session, "3072-W-10: microseconds per step");
    print_cells(session, cells, false);
    return status;
}
