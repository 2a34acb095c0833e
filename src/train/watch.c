/* SPDX-License-Identifier: Apache-2.0 */
#include "train/watch.h"

#include <math.h>

#include "train/record.h"

lam_watch lam_watch_start(void)
{
    return (lam_watch){.latest.step = -1,
                       .best.step = -1,
                       .lowest_loss = INFINITY,
                       .plateau = lam_plateau_start(),
                       .stopped_step = -1,
                       .diverged_step = -1};
}

void lam_watch_observe(lam_watch *watch, const lam_measurement *measurement, int patience)
{
    watch->latest = *measurement;
    if (!measurement->has_validation)
        return;
    const lam_metrics *validation = &measurement->validation;
    if (watch->best.step < 0 || validation->accuracy > watch->best.validation.accuracy)
        watch->best = *measurement;
    watch->waited++;
    if (validation->loss < watch->lowest_loss) {
        watch->lowest_loss = validation->loss;
        watch->waited = 0;
    }
    if (patience > 0 && watch->waited >= patience)
        watch->stopped_step = measurement->step;
}

bool lam_watch_is_best_at(const lam_watch *watch, int64_t step)
{
    return watch->best.step == step && watch->latest.step == step;
}

bool lam_watch_is_over(const lam_watch *watch)
{
    return watch->stopped_step >= 0 || watch->diverged_step >= 0;
}

static json_t *format_measurement(const lam_measurement *m)
{
    if (m->step < 0)
        return json_null();
    return json_pack("{s:I, s:f, s:f, s:o, s:o?}", "step", (json_int_t)m->step, "epoch",
                     m->epoch, "learning_rate", m->learning_rate, "train",
                     lam_metrics_format(&m->train), "validation",
                     m->has_validation ? lam_metrics_format(&m->validation) : NULL);
}

/* A lowest loss; infinity, before there is one, is null. */
static json_t *format_lowest(double loss)
{
    return isfinite(loss) ? json_real(loss) : json_null();
}

static json_t *format_plateau(const lam_plateau *plateau)
{
    return json_pack("{s:o, s:i, s:i}", "best", format_lowest(plateau->best), "waited",
                     plateau->waited, "reductions", plateau->reductions);
}

json_t *lam_watch_format(const lam_watch *watch)
{
    return json_pack(
        "{s:o, s:o, s:o, s:i, s:o, s:I, s:I}", "latest", format_measurement(&watch->latest),
        "best", format_measurement(&watch->best), "lowest_loss",
        format_lowest(watch->lowest_loss), "waited", watch->waited, "plateau",
        format_plateau(&watch->plateau), "stopped_step", (json_int_t)watch->stopped_step,
        "diverged_step", (json_int_t)watch->diverged_step);
}

static bool parse_measurement(const json_t *json, lam_measurement *ret_measurement)
{
    lam_measurement m = {.step = -1};
    if (json_is_null(json)) {
        *ret_measurement = m;
        return true;
    }
    const json_t *step = json_object_get(json, "step");
    const json_t *validation = json_object_get(json, "validation");
    m.step = json_integer_value(step);
    m.epoch = json_number_value(json_object_get(json, "epoch"));
    m.learning_rate = json_number_value(json_object_get(json, "learning_rate"));
    m.has_validation = json_is_object(validation);
    *ret_measurement = m;
    return json_is_integer(step) && m.step >= 0 &&
           lam_metrics_parse(json_object_get(json, "train"), &ret_measurement->train) &&
           (!m.has_validation || lam_metrics_parse(validation, &ret_measurement->validation));
}

static bool parse_lowest(const json_t *json, double *ret_loss)
{
    *ret_loss = json_is_number(json) ? json_number_value(json) : INFINITY;
    return json_is_number(json) || json_is_null(json);
}

static bool parse_plateau(const json_t *json, lam_plateau *ret_plateau)
{
    const json_t *waited = json_object_get(json, "waited");
    const json_t *reductions = json_object_get(json, "reductions");
    ret_plateau->waited = (int)json_integer_value(waited);
    ret_plateau->reductions = (int)json_integer_value(reductions);
    return parse_lowest(json_object_get(json, "best"), &ret_plateau->best) &&
           json_is_integer(waited) && json_is_integer(reductions);
}

bool lam_watch_parse(const json_t *json, lam_watch *ret_watch)
{
    const json_t *waited = json_object_get(json, "waited");
    const json_t *stopped = json_object_get(json, "stopped_step");
    const json_t *diverged = json_object_get(json, "diverged_step");
    ret_watch->waited = (int)json_integer_value(waited);
    ret_watch->stopped_step = json_integer_value(stopped);
    ret_watch->diverged_step = json_integer_value(diverged);
    return json_is_integer(waited) && json_is_integer(stopped) && json_is_integer(diverged) &&
           parse_lowest(json_object_get(json, "lowest_loss"), &ret_watch->lowest_loss) &&
           parse_plateau(json_object_get(json, "plateau"), &ret_watch->plateau) &&
           parse_measurement(json_object_get(json, "latest"), &ret_watch->latest) &&
           parse_measurement(json_object_get(json, "best"), &ret_watch->best);
}
