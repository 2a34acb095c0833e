/* SPDX-License-Identifier: Apache-2.0 */
/* Plain forms of what other files of this room and src/recipe/ will hold. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "search/pruning.h"
#include "search/sampler.h"
#include "search/study.h"

lam_recipe lam_recipe_get_common(const lam_recipe *recipe)
{
    lam_recipe common = *recipe;
    snprintf(common.name, sizeof common.name, "common");
    common.description[0] = '\0';
    common.network.l2 = common.network.label_smoothing = 0;
    common.schedule = (lam_schedule){.type = LAM_SCHEDULE_CONSTANT, .rate = 1};
    return common;
}

static const char *const type_names[] = {"linear", "log", "int", "choice", "grid"};

static lam_status parse_parameter(lam_context *context, const char *text, lam_parameter *p)
{
    const char *equals = strchr(text, '='), *colon = strchr(text, ':');
    if (!equals || !colon)
        return lam_fail(context, LAM_STATUS_BAD_ARGUMENT, "%s: not key=space", text);
    snprintf(p->key, sizeof p->key, "%.*s", (int)(equals - text), text);
    for (int i = 0; i < 5; i++)
        if (strncmp(type_names[i], equals + 1, strlen(type_names[i])) == 0)
            p->type = (lam_space_type)i;
    if (p->type < LAM_SPACE_CHOICE) {
        sscanf(colon + 1, "%lf..%lf", &p->minimum, &p->maximum);
        return LAM_STATUS_OK;
    }
    p->values = calloc(LAM_MAX_PARAMETER_VALUES, sizeof *p->values);
    for (const char *at = colon; *at; at += 1 + strcspn(at + 1, ","))
        snprintf(p->values[p->value_count++], sizeof *p->values, "%.*s",
                 (int)strcspn(at + 1, ","), at + 1);
    return LAM_STATUS_OK;
}

lam_status lam_space_parse(lam_context *context, const char *const *texts, size_t count,
                           lam_space *ret_space)
{
    lam_space space = {.count = count};
    for (size_t i = 0; i < count; i++)
        LAM_TRY(parse_parameter(context, texts[i], &space.parameters[i]));
    *ret_space = space;
    return LAM_STATUS_OK;
}

void lam_space_free(lam_space *space)
{
    for (size_t i = 0; i < space->count; i++)
        free(space->parameters[i].values);
    *space = (lam_space){0};
}

lam_status lam_parameter_format(lam_context *context, const lam_parameter *p, char **ret_text)
{
    char text[16384];
    int length = snprintf(text, sizeof text, "%s=%s:", p->key, type_names[p->type]);
    if (p->type < LAM_SPACE_CHOICE)
        snprintf(text + length, sizeof text - (size_t)length, "%.17g..%.17g", p->minimum,
                 p->maximum);
    for (int i = 0; i < p->value_count; i++)
        length += snprintf(text + length, sizeof text - (size_t)length, "%s%s", i ? "," : "",
                           p->values[i]);
    *ret_text = strdup(text);
    return *ret_text ? LAM_STATUS_OK : lam_fail_memory(context, "a parameter", sizeof text);
}

int64_t lam_sampler_count_points(const lam_space *space, lam_sampler sampler)
{
    int64_t count = 1;
    for (size_t i = 0; i < space->count; i++)
        count *= space->parameters[i].value_count;
    return sampler == LAM_SAMPLER_GRID ? count : 0;
}

lam_status lam_sampler_check(lam_context *context, const lam_space *space, lam_sampler sampler)
{
    (void)context, (void)space, (void)sampler;
    return LAM_STATUS_OK;
}

bool lam_sampler_is_pure(lam_sampler sampler)
{
    return sampler < LAM_SAMPLER_TPE;
}

static void draw_value(const lam_parameter *p, double unit, char *text)
{
    double value = p->minimum + unit * (p->maximum - p->minimum);
    if (p->type == LAM_SPACE_LOG)
        value = exp(log(p->minimum) + unit * (log(p->maximum) - log(p->minimum)));
    if (p->value_count)
        strcpy(text, p->values[(int)(unit * p->value_count)]);
    else if (p->type == LAM_SPACE_INT)
        snprintf(text, LAM_PARAMETER_VALUE_BYTES, "%.0f", round(value));
    else
        snprintf(text, LAM_PARAMETER_VALUE_BYTES, "%.6g", value);
}

lam_status lam_sampler_draw(lam_context *context, const lam_space *space, lam_sampler sampler,
                            uint64_t seed, int64_t index, const lam_past_point *past,
                            bool *ret_is_ready, lam_point *ret_point)
{
    lam_random random = lam_random_start(seed, LAM_RANDOM_STREAM_SAMPLING, (uint32_t)index);
    int64_t rest = index;
    *ret_is_ready = true;
    if (sampler == LAM_SAMPLER_GRID && index >= lam_sampler_count_points(space, sampler))
        return lam_fail(context, LAM_STATUS_BAD_ARGUMENT, "past the end of the grid");
    for (int64_t i = 0; sampler == LAM_SAMPLER_CMAES && i < index / 4 * 4; i++)
        *ret_is_ready = *ret_is_ready && past[i].is_over;
    for (size_t i = space->count; i-- > 0;) {
        const lam_parameter *p = &space->parameters[i];
        double unit = lam_random_uniform(&random);
        if (sampler == LAM_SAMPLER_GRID)
            unit = ((double)(rest % p->value_count) + 0.5) / p->value_count;
        rest /= p->value_count ? p->value_count : 1;
        ret_point->unit[i] = unit;
        draw_value(p, unit, ret_point->values[i]);
    }
    return LAM_STATUS_OK;
}

double lam_objective_evaluate(lam_objective objective, const lam_measurement *latest,
                              const lam_measurement *best)
{
    const double values[] = {latest->validation.accuracy, best->validation.accuracy,
                             latest->validation.loss, latest->validation.cost};
    return values[objective];
}
