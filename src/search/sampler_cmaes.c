/* SPDX-License-Identifier: Apache-2.0 */
/* CMA-ES, the (mu/mu_w, lambda) evolution strategy with covariance matrix adaptation, after
 * Hansen, "The CMA evolution strategy: a tutorial", arXiv 1604.00772, with positive weights
 * alone. Names and equation numbers are the tutorial's. There is no state to keep: each draw
 * replays the generations so far from their coordinates and costs. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "search/sampler_internal.h"

#define MAX_N LAM_MAX_PARAMETERS
#define MAX_LAMBDA 12 /* 4 + floor(3 ln 16) */

/* Draws until all coordinates are within 0 .. 1; then the last one is folded back. */
#define MAX_RESAMPLES 100

typedef struct cmaes {
    int n, lambda, mu;
    double weights[MAX_LAMBDA];
    double mu_eff, c_sigma, d_sigma, c_c, c_1, c_mu, chi;
    double mean[MAX_N], sigma, p_sigma[MAX_N], p_c[MAX_N];
    double covariance[MAX_N][MAX_N];
    double basis[MAX_N][MAX_N]; /* eigenvectors of the covariance in columns */
    double scales[MAX_N];       /* roots of its eigenvalues */
} cmaes;

/* Equations (49) to (58), table 1. */
static void set_constants(cmaes *c)
{
    double n = c->n, sum = 0, squares = 0;
    c->lambda = 4 + (int)floor(3 * log(n));
    c->mu = c->lambda / 2;
    for (int i = 0; i < c->mu; i++)
        sum += c->weights[i] = log((c->lambda + 1) / 2.0) - log(i + 1);
    for (int i = 0; i < c->mu; i++) {
        c->weights[i] /= sum;
        squares += c->weights[i] * c->weights[i];
    }
    double mu_eff = c->mu_eff = 1 / squares;
    c->c_sigma = (mu_eff + 2) / (n + mu_eff + 5);
    c->d_sigma = 1 + 2 * fmax(0, sqrt((mu_eff - 1) / (n + 1)) - 1) + c->c_sigma;
    c->c_c = (4 + mu_eff / n) / (n + 4 + 2 * mu_eff / n);
    c->c_1 = 2 / ((n + 1.3) * (n + 1.3) + mu_eff);
    c->c_mu =
        fmin(1 - c->c_1, 2 * (0.25 + mu_eff + 1 / mu_eff - 2) / ((n + 2) * (n + 2) + mu_eff));
    c->chi = sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n));
}

/* In the middle of the cube, reaching about to its walls. */
static cmaes start(size_t n)
{
    cmaes c = {.n = (int)n, .sigma = 0.3};
    set_constants(&c);
    assert(c.lambda <= MAX_LAMBDA);
    for (int i = 0; i < c.n; i++) {
        c.mean[i] = 0.5;
        c.covariance[i][i] = c.basis[i][i] = c.scales[i] = 1;
    }
    return c;
}

/* One rotation of Jacobi's that makes matrix[p][q] zero. */
static void rotate(cmaes *c, double matrix[MAX_N][MAX_N], int p, int q)
{
    double theta = (matrix[q][q] - matrix[p][p]) / (2 * matrix[p][q]);
    double t = copysign(1, theta) / (fabs(theta) + sqrt(theta * theta + 1));
    double cosine = 1 / sqrt(t * t + 1), sine = t * cosine;
    for (int k = 0; k < c->n; k++) {
        double kp = matrix[k][p], kq = matrix[k][q];
        matrix[k][p] = cosine * kp - sine * kq;
        matrix[k][q] = sine * kp + cosine * kq;
    }
    for (int k = 0; k < c->n; k++) {
        double pk = matrix[p][k], qk = matrix[q][k];
        matrix[p][k] = cosine * pk - sine * qk;
        matrix[q][k] = sine * pk + cosine * qk;
    }
    for (int k = 0; k < c->n; k++) {
        double kp = c->basis[k][p], kq = c->basis[k][q];
        c->basis[k][p] = cosine * kp - sine * kq;
        c->basis[k][q] = sine * kp + cosine * kq;
    }
}

/* Eigenvectors and -values by Jacobi's cyclic method, which is exact enough after a few sweeps
 * for so few dimensions. */
static void decompose(cmaes *c)
{
    double matrix[MAX_N][MAX_N];
    memcpy(matrix, c->covariance, sizeof matrix);
    for (int i = 0; i < c->n; i++)
        for (int j = 0; j < c->n; j++)
            c->basis[i][j] = i == j;
    for (int sweep = 0; sweep < 12; sweep++)
        for (int p = 0; p < c->n; p++)
            for (int q = p + 1; q < c->n; q++)
                if (fabs(matrix[p][q]) > 1e-16 * sqrt(fabs(matrix[p][p] * matrix[q][q])))
                    rotate(c, matrix, p, q);
    for (int i = 0; i < c->n; i++)
        c->scales[i] = sqrt(fmax(matrix[i][i], 1e-20));
}

/* ret = B D^power B^T y; power is 1 or -1 */
static void transform(const cmaes *c, int power, const double *y, double *ret_product)
{
    memset(ret_product, 0, sizeof(double) * (size_t)c->n);
    for (int j = 0; j < c->n; j++) {
        double dot = 0;
        for (int i = 0; i < c->n; i++)
            dot += c->basis[i][j] * y[i];
        dot *= power > 0 ? c->scales[j] : 1 / c->scales[j];
        for (int i = 0; i < c->n; i++)
            ret_product[i] += c->basis[i][j] * dot;
    }
}

static double get_cost(const lam_past_point *point)
{
    return isnan(point->cost) ? INFINITY : point->cost;
}

/* Best first; of equals the earlier. */
static void rank(const cmaes *c, const lam_past_point *points, int ret_order[MAX_LAMBDA])
{
    for (int i = 0; i < c->lambda; i++) {
        int place = i;
        for (; place > 0 && get_cost(&points[ret_order[place - 1]]) > get_cost(&points[i]);
             place--)
            ret_order[place] = ret_order[place - 1];
        ret_order[place] = i;
    }
}

/* Equations (43) and (44); returns h_sigma. */
static bool update_sigma(cmaes *c, const double *y_w, int64_t generation)
{
    double whitened[MAX_N], squares = 0, n = c->n;
    transform(c, -1, y_w, whitened);
    for (int i = 0; i < c->n; i++) {
        c->p_sigma[i] = (1 - c->c_sigma) * c->p_sigma[i] +
                        sqrt(c->c_sigma * (2 - c->c_sigma) * c->mu_eff) * whitened[i];
        squares += c->p_sigma[i] * c->p_sigma[i];
    }
    double length = sqrt(squares);
    double settled = sqrt(1 - pow(1 - c->c_sigma, 2 * (double)(generation + 1)));
    /* Wider than the cube says nothing new; and y is divided by it. */
    c->sigma *= exp(c->c_sigma / c->d_sigma * (length / c->chi - 1));
    c->sigma = fmin(fmax(c->sigma, 1e-12), 1);
    return length / settled < (1.4 + 2 / (n + 1)) * c->chi;
}

/* Equations (45) to (47), `y` best first. */
static void update_covariance(cmaes *c, double y[MAX_LAMBDA][MAX_N], const double *y_w,
                              bool h_sigma)
{
    double missing = h_sigma ? 0 : c->c_c * (2 - c->c_c);
    for (int i = 0; i < c->n; i++)
        c->p_c[i] = (1 - c->c_c) * c->p_c[i] +
                    (h_sigma ? sqrt(c->c_c * (2 - c->c_c) * c->mu_eff) * y_w[i] : 0);
    for (int i = 0; i < c->n; i++) {
        for (int j = 0; j < c->n; j++) {
            double among = 0;
            for (int k = 0; k < c->mu; k++)
                among += c->weights[k] * y[k][i] * y[k][j];
            c->covariance[i][j] =
                (1 + c->c_1 * missing - c->c_1 - c->c_mu) * c->covariance[i][j] +
                c->c_1 * c->p_c[i] * c->p_c[j] + c->c_mu * among;
        }
    }
}

/* From a whole generation's points; one in which all failed says nothing. */
static void advance(cmaes *c, const lam_past_point *points, int64_t generation)
{
    int order[MAX_LAMBDA];
    double y[MAX_LAMBDA][MAX_N] = {{0}}, y_w[MAX_N] = {0};
    rank(c, points, order);
    if (!isfinite(get_cost(&points[order[0]])))
        return;
    for (int k = 0; k < c->mu; k++) {
        for (int i = 0; i < c->n; i++) {
            y[k][i] = (points[order[k]].unit[i] - c->mean[i]) / c->sigma;
            y_w[i] += c->weights[k] * y[k][i];
        }
    }
    for (int i = 0; i < c->n; i++)
        c->mean[i] += c->sigma * y_w[i];
    bool h_sigma = update_sigma(c, y_w, generation);
    update_covariance(c, y, y_w, h_sigma);
    decompose(c);
}

static bool is_inside(const double *unit, int n)
{
    for (int i = 0; i < n; i++)
        if (!(unit[i] >= 0 && unit[i] < 1))
            return false;
    return true;
}

/* Mirrored at 0 and 1 as often as it takes. */
static double reflect(double x)
{
    double folded = fabs(remainder(x, 2));
    return fmin(folded, 1 - 0x1p-53);
}

/* Equations (38) to (40). B D B^T z has the distribution of B D z, and does not depend on the
 * order and signs of eigenvectors. */
static void sample(const cmaes *c, lam_random *random, double ret_unit[MAX_N])
{
    for (int tries = 0; tries == 0 || (tries < MAX_RESAMPLES && !is_inside(ret_unit, c->n));
         tries++) {
        double z[MAX_N], y[MAX_N];
        for (int i = 0; i < c->n; i++)
            z[i] = lam_random_normal(random);
        transform(c, 1, z, y);
        for (int i = 0; i < c->n; i++)
            ret_unit[i] = c->mean[i] + c->sigma * y[i];
    }
    for (int i = 0; i < c->n; i++)
        ret_unit[i] = reflect(ret_unit[i]);
}

bool lam_cmaes_draw(const lam_space *space, uint64_t seed, int64_t index,
                    const lam_past_point *past, double ret_unit[LAM_MAX_PARAMETERS])
{
    cmaes c = start(space->count);
    int64_t generations = index / c.lambda;
    for (int64_t i = 0; i < generations * c.lambda; i++)
        if (!past[i].is_over)
            return false;
    for (int64_t g = 0; g < generations; g++)
        advance(&c, &past[g * c.lambda], g);
    lam_random random = lam_search_random(seed, LAM_SEARCH_CMAES, index);
    sample(&c, &random, ret_unit);
    return true;
}
