/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "lamina/remote.h"
#include "lamina/version.h"
#include "search/keeper_messages.h"
#include "search/record_text.h"

/* One request, and the object that its answer becomes. */
typedef struct call {
    lam_context *context;
    const lam_search_keeper *keeper;
    const json_t *request;
    json_t *answer;
} call;

static const json_t *get(const call *c, const char *key)
{
    return json_object_get(c->request, key);
}

static lam_status fail_request(const call *c)
{
    const char *name = json_string_value(get(c, "call"));
    return lam_fail(c->context, LAM_STATUS_BAD_STUDY,
                    "a message of a worker ('%s') cannot be read; start the same Lamina "
                    "everywhere (here: %s)",
                    name ? name : "?", lam_version());
}

static lam_status put(const call *c, const char *key, json_t *value)
{
    if (json_object_set_new(c->answer, key, value) != 0)
        return lam_fail_memory(c->context, "a message", sizeof(lam_wave_claim));
    return LAM_STATUS_OK;
}

static lam_status answer_plan(const call *c)
{
    const char *version = json_string_value(get(c, "lamina"));
    json_t *plan = NULL;
    if (!version || strcmp(version, lam_version()) != 0)
        return fail_request(c);
    LAM_TRY(lam_message_write_plan(c->context, c->keeper->get_plan(c->keeper->user), &plan));
    return put(c, "plan", plan);
}

static lam_status answer_look(const call *c)
{
    lam_worker_identity worker;
    lam_search_look look;
    if (!lam_message_read_worker(get(c, "worker"), &worker))
        return fail_request(c);
    LAM_TRY(c->keeper->look(c->keeper->user, &worker, &look));
    lam_status status = put(c, "look", lam_message_write_look(&look));
    lam_search_look_free(&look);
    return status;
}

static lam_status answer_claim(const call *c)
{
    lam_worker_identity worker;
    lam_wave_claim *claim = NULL;
    const json_t *group = get(c, "group"), *limit = get(c, "limit");
    if (!lam_message_read_worker(get(c, "worker"), &worker) || !json_is_integer(group) ||
        json_integer_value(limit) < 1)
        return fail_request(c);
    LAM_TRY(c->keeper->claim(c->keeper->user, &worker, json_integer_value(group),
                             (size_t)json_integer_value(limit), &claim));
    lam_status status = put(c, "claim", lam_message_write_claim(claim));
    lam_wave_claim_free(&claim);
    return status;
}

static lam_status answer_report(const call *c, const lam_wave_claim *claim)
{
    lam_wave_report report;
    bool is_held = false;
    lam_status status = LAM_STATUS_OK;
    if (lam_message_read_report(get(c, "report"), &report))
        status = c->keeper->report(c->keeper->user, claim, &report, &is_held);
    else
        status = fail_request(c);
    lam_message_free_report(&report);
    LAM_TRY(status);
    return put(c, "is_held", json_boolean(is_held));
}

static lam_status answer_finish(const call *c, const lam_wave_claim *claim)
{
    lam_trial_outcome *outcomes = NULL;
    size_t count = 0;
    bool is_held = false;
    lam_status status = LAM_STATUS_OK;
    if (lam_message_read_outcomes(get(c, "outcomes"), &outcomes, &count))
        status = c->keeper->finish(c->keeper->user, claim, outcomes, count, &is_held);
    else
        status = fail_request(c);
    lam_message_free_outcomes(outcomes, count);
    LAM_TRY(status);
    return put(c, "is_held", json_boolean(is_held));
}

static lam_status answer_release(const call *c, const lam_wave_claim *claim)
{
    if (!json_is_boolean(get(c, "split")))
        return fail_request(c);
    LAM_TRY(c->keeper->release(c->keeper->user, claim, json_is_true(get(c, "split"))));
    return put(c, "is_done", json_true());
}

static lam_status answer_set_population(const call *c)
{
    lam_worker_identity worker;
    lam_population_speed *speeds = NULL;
    size_t count = 0;
    const json_t *group = get(c, "group"), *population = get(c, "population");
    lam_status status = LAM_STATUS_OK;
    if (lam_message_read_worker(get(c, "worker"), &worker) && json_is_integer(group) &&
        json_integer_value(population) >= 1 &&
        lam_message_read_speeds(get(c, "speeds"), &speeds, &count))
        status =
            c->keeper->set_population(c->keeper->user, &worker, json_integer_value(group),
                                      (size_t)json_integer_value(population), speeds, count);
    else
        status = fail_request(c);
    free(speeds);
    LAM_TRY(status);
    return put(c, "is_done", json_true());
}

static lam_status answer_median(const call *c, const lam_wave_claim *claim)
{
    double median = 0;
    if (!json_is_integer(get(c, "step")))
        return fail_request(c);
    LAM_TRY(c->keeper->get_median(c->keeper->user, claim, json_integer_value(get(c, "step")),
                                  &median));
    return put(c, "median", lam_double_write(median));
}

/* Functions that are about a claim, and those that are not. */
static const struct {
    const char *name;
    lam_status (*answer)(const call *c);
    lam_status (*answer_of_claim)(const call *c, const lam_wave_claim *claim);
} calls[] = {
    {"get_plan", answer_plan, NULL},
    {"look", answer_look, NULL},
    {"claim", answer_claim, NULL},
    {"report", NULL, answer_report},
    {"finish", NULL, answer_finish},
    {"release", NULL, answer_release},
    {"set_population", answer_set_population, NULL},
    {"get_median", NULL, answer_median},
};

static lam_status answer_call(const call *c, size_t number)
{
    if (calls[number].answer)
        return calls[number].answer(c);
    lam_wave_claim *claim = NULL;
    lam_status status = LAM_STATUS_OK;
    if (lam_message_read_claim(get(c, "claim"), &claim) && claim)
        status = calls[number].answer_of_claim(c, claim);
    else
        status = fail_request(c);
    lam_wave_claim_free(&claim);
    return status;
}

static lam_status dispatch(const call *c)
{
    const char *name = json_string_value(get(c, "call"));
    for (size_t i = 0; name && i < sizeof calls / sizeof calls[0]; i++)
        if (strcmp(calls[i].name, name) == 0)
            return answer_call(c, i);
    return fail_request(c);
}

lam_status lam_remote_answer(lam_context *context, const lam_search_keeper *keeper,
                             const char *request, char **ret_answer)
{
    json_t *parsed = json_loads(request, 0, NULL);
    const call c = {context, keeper, parsed, json_object()};
    lam_status status = dispatch(&c);
    json_object_set_new(c.answer, "status", json_string(lam_status_name(status)));
    if (status != LAM_STATUS_OK)
        json_object_set_new(c.answer, "message", lam_text_write(lam_error_message(context)));
    if (lam_stop_requested(context))
        json_object_set_new(c.answer, "stop", json_true());
    char *text = json_dumps(c.answer, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(c.answer);
    json_decref(parsed);
    if (!text)
        return lam_fail_memory(context, "a message", strlen(request));
    *ret_answer = text;
    return LAM_STATUS_OK;
}
