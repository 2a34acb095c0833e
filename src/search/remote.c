/* SPDX-License-Identifier: Apache-2.0 */
#include "lamina/remote.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "lamina/version.h"
#include "search/keeper_messages.h"
#include "search/record_text.h"

struct lam_remote_keeper {
    lam_context *context;
    lam_remote_exchange_function *exchange;
    void *user;
    lam_study_plan plan;
};

/* ---- exchanging ---- */

static lam_status fail_unreadable(const lam_remote_keeper *remote)
{
    return lam_fail(remote->context, LAM_STATUS_BAD_STUDY,
                    "what the process that keeps the study answers cannot be read; start the "
                    "same Lamina everywhere (here: %s)",
                    lam_version());
}

/* The status that an answer tells, with its text as this context's detail. */
static lam_status read_status(const lam_remote_keeper *remote, const json_t *answer)
{
    const char *name = json_string_value(json_object_get(answer, "status"));
    lam_status status = LAM_STATUS_OK;
    while (name && status <= LAM_STATUS_INTERRUPTED &&
           strcmp(name, lam_status_name(status)) != 0)
        status++;
    if (!name || status > LAM_STATUS_INTERRUPTED)
        return fail_unreadable(remote);
    if (status == LAM_STATUS_OK)
        return status;
    char *message = lam_text_read(json_object_get(answer, "message"));
    status =
        lam_fail(remote->context, status, "%s", message ? message : lam_status_text(status));
    free(message);
    return status;
}

static lam_status send_text(const lam_remote_keeper *remote, const char *request,
                            json_t **ret_answer)
{
    char problem[256] = "";
    char *text = remote->exchange(remote->user, request, &problem);
    if (!text)
        return lam_fail(remote->context, LAM_STATUS_BAD_STUDY,
                        "the process that keeps the study does not answer: %s; go on later "
                        "with: lamina search resume",
                        problem);
    json_t *answer = json_loads(text, 0, NULL);
    free(text);
    if (json_is_true(json_object_get(answer, "stop")))
        lam_context_request_stop(remote->context);
    lam_status status = read_status(remote, answer);
    if (status == LAM_STATUS_OK)
        *ret_answer = answer;
    else
        json_decref(answer);
    return status;
}

/* Takes over the request. The caller releases the answer. */
static lam_status ask(const lam_remote_keeper *remote, json_t *request, json_t **ret_answer)
{
    char *text = request ? json_dumps(request, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(request);
    if (!text)
        return lam_fail_memory(remote->context, "a message", sizeof(lam_wave_claim));
    lam_status status = send_text(remote, text, ret_answer);
    free(text);
    return status;
}

/* The same where the answer holds nothing but its status and perhaps one truth. */
static lam_status ask_whether(const lam_remote_keeper *remote, json_t *request, const char *key,
                              bool *ret_truth)
{
    json_t *answer = NULL;
    LAM_TRY(ask(remote, request, &answer));
    const json_t *truth = json_object_get(answer, key);
    lam_status status = LAM_STATUS_OK;
    if (json_is_boolean(truth))
        *ret_truth = json_is_true(truth);
    else
        status = fail_unreadable(remote);
    json_decref(answer);
    return status;
}

/* ---- the keeper's functions, asked ---- */

static const lam_study_plan *ask_plan(void *user)
{
    const lam_remote_keeper *remote = user;
    return &remote->plan;
}

static lam_status ask_look(void *user, const lam_worker_identity *worker,
                           lam_search_look *ret_look)
{
    const lam_remote_keeper *remote = user;
    json_t *answer = NULL;
    LAM_TRY(
        ask(remote,
            json_pack("{s:s, s:o}", "call", "look", "worker", lam_message_write_worker(worker)),
            &answer));
    bool fits = lam_message_read_look(json_object_get(answer, "look"), ret_look);
    json_decref(answer);
    return fits ? LAM_STATUS_OK : fail_unreadable(remote);
}

static lam_status ask_claim(void *user, const lam_worker_identity *worker, int64_t group,
                            size_t limit, lam_wave_claim **ret_claim)
{
    const lam_remote_keeper *remote = user;
    json_t *answer = NULL;
    LAM_TRY(ask(remote,
                json_pack("{s:s, s:o, s:I, s:I}", "call", "claim", "worker",
                          lam_message_write_worker(worker), "group", (json_int_t)group, "limit",
                          (json_int_t)limit),
                &answer));
    bool fits = lam_message_read_claim(json_object_get(answer, "claim"), ret_claim);
    json_decref(answer);
    return fits ? LAM_STATUS_OK : fail_unreadable(remote);
}

static lam_status ask_report(void *user, const lam_wave_claim *claim,
                             const lam_wave_report *report, bool *ret_is_held)
{
    return ask_whether(user,
                       json_pack("{s:s, s:o, s:o}", "call", "report", "claim",
                                 lam_message_write_claim(claim), "report",
                                 lam_message_write_report(report)),
                       "is_held", ret_is_held);
}

static lam_status ask_finish(void *user, const lam_wave_claim *claim,
                             const lam_trial_outcome *outcomes, size_t count, bool *ret_is_held)
{
    return ask_whether(user,
                       json_pack("{s:s, s:o, s:o}", "call", "finish", "claim",
                                 lam_message_write_claim(claim), "outcomes",
                                 lam_message_write_outcomes(outcomes, count)),
                       "is_held", ret_is_held);
}

static lam_status ask_release(void *user, const lam_wave_claim *claim, bool split)
{
    bool is_done = false;
    return ask_whether(user,
                       json_pack("{s:s, s:o, s:b}", "call", "release", "claim",
                                 lam_message_write_claim(claim), "split", split),
                       "is_done", &is_done);
}

static lam_status ask_set_population(void *user, const lam_worker_identity *worker,
                                     int64_t group, size_t population,
                                     const lam_population_speed *speeds, size_t speed_count)
{
    bool is_done = false;
    return ask_whether(user,
                       json_pack("{s:s, s:o, s:I, s:I, s:o}", "call", "set_population",
                                 "worker", lam_message_write_worker(worker), "group",
                                 (json_int_t)group, "population", (json_int_t)population,
                                 "speeds", lam_message_write_speeds(speeds, speed_count)),
                       "is_done", &is_done);
}

static lam_status ask_median(void *user, const lam_wave_claim *claim, int64_t step,
                             double *ret_median)
{
    const lam_remote_keeper *remote = user;
    json_t *answer = NULL;
    LAM_TRY(ask(remote,
                json_pack("{s:s, s:o, s:I}", "call", "get_median", "claim",
                          lam_message_write_claim(claim), "step", (json_int_t)step),
                &answer));
    bool fits = lam_double_read(json_object_get(answer, "median"), ret_median);
    json_decref(answer);
    return fits ? LAM_STATUS_OK : fail_unreadable(remote);
}

lam_search_keeper lam_remote_keeper_get_keeper(lam_remote_keeper *remote)
{
    return (lam_search_keeper){.user = remote,
                               .get_plan = ask_plan,
                               .look = ask_look,
                               .claim = ask_claim,
                               .report = ask_report,
                               .finish = ask_finish,
                               .release = ask_release,
                               .set_population = ask_set_population,
                               .get_median = ask_median};
}

static lam_status fetch_plan(lam_remote_keeper *remote)
{
    json_t *answer = NULL;
    LAM_TRY(ask(remote, json_pack("{s:s, s:s}", "call", "get_plan", "lamina", lam_version()),
                &answer));
    lam_status status =
        lam_message_read_plan(remote->context, json_object_get(answer, "plan"), &remote->plan);
    json_decref(answer);
    return status;
}

lam_status lam_remote_keeper_create(lam_context *context,
                                    lam_remote_exchange_function *exchange, void *user,
                                    lam_remote_keeper **ret_remote)
{
    lam_remote_keeper *remote = calloc(1, sizeof *remote);
    if (!remote)
        return lam_fail_memory(context, "a study's keeper", sizeof *remote);
    remote->context = context;
    remote->exchange = exchange;
    remote->user = user;
    lam_status status = fetch_plan(remote);
    if (status == LAM_STATUS_OK)
        *ret_remote = remote;
    else
        lam_remote_keeper_destroy(&remote);
    return status;
}

void lam_remote_keeper_destroy(lam_remote_keeper **remote)
{
    if (!*remote)
        return;
    lam_space_free(&(*remote)->plan.space);
    free(*remote);
    *remote = NULL;
}
