/* SPDX-License-Identifier: Apache-2.0 */
#include "support/ref_epilogue.h"

#include <math.h>

#include "base/random.h"
#include "support/ref_dense.h"

static size_t get_columns(const ref_epilogue *e)
{
    return e->members * e->width;
}

void ref_epilogue_draw(const ref_epilogue *e, const int32_t *seeds, uint32_t unit,
                       uint32_t step, double *factors)
{
    size_t columns = get_columns(e);
    for (size_t i = 0; i < e->rows * columns; i++) {
        size_t row = i / columns, p = i % columns / e->width, j = i % columns % e->width;
        uint64_t seed = (uint32_t)seeds[2 * p] | (uint64_t)(uint32_t)seeds[2 * p + 1] << 32;
        lam_random random =
            lam_random_start(seed, LAM_RANDOM_STREAM_DROPOUT + 256 * unit, step);
        random.position = j / 4 | (uint64_t)row << 32;
        uint32_t word = 0;
        for (size_t n = 0; n <= j % 4; n++)
            word = lam_random_u32(&random);
        factors[i] = word < floor(e->rate[p] * 0x1p32) ? 0 : 1 / (1 - e->rate[p]);
    }
}

static double activate_with_skip(const ref_epilogue *e, double x, size_t i)
{
    return ref_activate(e->activation, e->skip ? x + e->skip[i] : x);
}

static double get_seen(const ref_epilogue *e, const double *z, size_t i)
{
    return e->place == LAM_NORM_PLACE_AFTER ? activate_with_skip(e, z[i], i) : z[i];
}

void ref_epilogue_measure(const ref_epilogue *e, const double *z, double *moments)
{
    size_t columns = get_columns(e), n = e->rows;
    for (size_t c = 0; c < columns; c++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < n; i++)
            sum += get_seen(e, z, i * columns + c);
        for (size_t i = 0; i < n; i++)
            squares += pow(get_seen(e, z, i * columns + c) - sum / (double)n, 2);
        moments[c] = sum / (double)n;
        moments[columns + c] = squares / (double)n;
    }
}

void ref_epilogue_forward(const ref_epilogue *e, const double *z, const double *moments,
                          double *seen, double *y)
{
    size_t columns = get_columns(e);
    for (size_t i = 0; i < e->rows * columns; i++) {
        size_t c = i % columns;
        double x = seen[i] = get_seen(e, z, i);
        if (e->place != LAM_NORM_PLACE_NONE)
            x = e->gamma[c] * (x - moments[c]) / sqrt(moments[columns + c] + e->epsilon) +
                e->beta[c];
        if (e->place != LAM_NORM_PLACE_AFTER)
            x = activate_with_skip(e, x, i);
        y[i] = e->factors ? x * e->factors[i] : x;
    }
}

static void pass_activation(const ref_epilogue *e, const double *y, double *g, double *dskip)
{
    size_t columns = get_columns(e);
    for (size_t i = 0; i < e->rows * columns; i++) {
        double kept = e->rate && e->place != LAM_NORM_PLACE_AFTER
                          ? 1 - e->rate[i % columns / e->width]
                          : 1;
        g[i] *= ref_activation_slope(e->activation, y[i] * kept);
        dskip[i] = g[i];
    }
}

static void pass_norm(const ref_epilogue *e, const double *seen, const double *batch, double *g,
                      double *dgamma, double *dbeta)
{
    size_t columns = get_columns(e);
    double n = (double)e->rows;
    for (size_t c = 0; c < columns; c++) {
        double mean = batch[c], inverse = batch[columns + c];
        dgamma[c] = dbeta[c] = 0;
        for (size_t i = c; i < e->rows * columns; i += columns) {
            dgamma[c] += g[i] * (seen[i] - mean) * inverse;
            dbeta[c] += g[i];
        }
        for (size_t i = c; i < e->rows * columns; i += columns)
            g[i] = e->gamma[c] * inverse *
                   (g[i] - dbeta[c] / n - (seen[i] - mean) * inverse * dgamma[c] / n);
    }
}

void ref_epilogue_backward(const ref_epilogue *e, const double *seen, const double *y,
                           const double *batch, double *g, double *dskip, double *dgamma,
                           double *dbeta)
{
    for (size_t i = 0; e->factors && i < e->rows * get_columns(e); i++)
        g[i] *= e->factors[i];
    if (e->place != LAM_NORM_PLACE_AFTER)
        pass_activation(e, y, g, dskip);
    if (e->place != LAM_NORM_PLACE_NONE)
        pass_norm(e, seen, batch, g, dgamma, dbeta);
    if (e->place == LAM_NORM_PLACE_AFTER)
        pass_activation(e, seen, g, dskip);
}
