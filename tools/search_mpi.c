/* SPDX-License-Identifier: Apache-2.0 */
#include "search_mpi.h"

#include <mpi.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Whoever waits, naps: MPI's own waits keep a core busy, which others need for training. */
#define SHORTEST_NAP_NS 50000
#define LONGEST_NAP_NS 1000000

/* Whether the process of a rank of this machine lives is looked up so often. */
#define LOOK_NS 500000000

/* All ranks have said goodbye by then. */
#define FINALIZE_SECONDS 10

/* A rank that says nothing for so long is lost, too: those at work report many times a minute.
 */
#define SILENCE_NS 600000000000

enum { TAG_REQUEST = 1, TAG_ANSWER, TAG_GOODBYE };

/* What one rank knows of another. */
typedef struct rank_state {
    lam_worker_identity process;
    int64_t heard_ns;  /* when it last said anything */
    int64_t looked_ns; /* when its process was looked for */
    bool has_ended;
} rank_state;

static struct {
    int rank, size;
    rank_state *ranks; /* [size] */
    bool has_served;
    bool is_broken; /* rank 0 is lost */
    pthread_mutex_t lock;
} world = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- waiting ---- */

static int64_t get_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Each nap twice as long as the one before. */
static void take_nap(long *nap_ns)
{
    const struct timespec nap = {.tv_nsec = *nap_ns};
    nanosleep(&nap, NULL);
    *nap_ns = 2 * *nap_ns < LONGEST_NAP_NS ? 2 * *nap_ns : LONGEST_NAP_NS;
}

static bool is_lost(int rank)
{
    rank_state *state = &world.ranks[rank];
    if (get_ns() - state->looked_ns < LOOK_NS)
        return false;
    state->looked_ns = get_ns();
    return lam_worker_identity_find_life(&state->process) == LAM_WORKER_LIFE_DEAD ||
           state->looked_ns - state->heard_ns > SILENCE_NS;
}

/* ---- messages ---- */

/* False where the rank is lost. MPI may then read the text at any later time, so that it is
 * never freed. */
static bool send_text(int rank, int tag, char *text)
{
    MPI_Request request;
    int is_done = 0;
    long nap_ns = SHORTEST_NAP_NS;
    if (MPI_Isend(text, (int)strlen(text) + 1, MPI_CHAR, rank, tag, MPI_COMM_WORLD, &request) !=
        MPI_SUCCESS)
        return false;
    while (MPI_Test(&request, &is_done, MPI_STATUS_IGNORE) == MPI_SUCCESS && !is_done) {
        if (is_lost(rank))
            return false;
        take_nap(&nap_ns);
    }
    free(text);
    return is_done;
}

/* The text that a probe found; NULL where it cannot be had. free() it. */
static char *receive_text(const MPI_Status *found)
{
    int count = 0;
    MPI_Get_count(found, MPI_CHAR, &count);
    char *text = calloc((size_t)count + 1, 1);
    if (!text || MPI_Recv(text, count, MPI_CHAR, found->MPI_SOURCE, found->MPI_TAG,
                          MPI_COMM_WORLD, MPI_STATUS_IGNORE) != MPI_SUCCESS) {
        free(text);
        return NULL;
    }
    world.ranks[found->MPI_SOURCE].heard_ns = get_ns();
    return text;
}

/* ---- starting ---- */

static bool learn_processes(void)
{
    lam_worker_identity own = {.lease_seconds = 0};
    lam_worker_identity *all = calloc((size_t)world.size, sizeof *all);
    world.ranks = calloc((size_t)world.size, sizeof *world.ranks);
    if (!all || !world.ranks)
        return false;
    lam_worker_identity_fill(&own);
    MPI_Allgather(&own, sizeof own, MPI_BYTE, all, sizeof own, MPI_BYTE, MPI_COMM_WORLD);
    for (int i = 0; i < world.size; i++)
        world.ranks[i] = (rank_state){.process = all[i], .heard_ns = get_ns()};
    free(all);
    return true;
}

static process_share count_on_machine(void)
{
    process_share share = {0, 0};
    for (int i = 0; i < world.size; i++) {
        bool is_here =
            strcmp(world.ranks[i].process.host, world.ranks[world.rank].process.host) == 0;
        share.index += is_here && i < world.rank;
        share.count += is_here;
    }
    return share;
}

bool search_mpi_is_built(void)
{
    return true;
}

lam_status search_mpi_start(search_ranks *ret_ranks)
{
    int level = MPI_THREAD_SINGLE;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &level) != MPI_SUCCESS ||
        level < MPI_THREAD_SERIALIZED) {
        fputs("lamina: MPI does not start, or not for several threads; look at what mpirun "
              "says, or leave --mpi away\n",
              stderr);
        return LAM_STATUS_BAD_ARGUMENT;
    }
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &world.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &world.size);
    if (!learn_processes()) {
        fputs("lamina: no memory for the list of ranks\n", stderr);
        MPI_Abort(MPI_COMM_WORLD, lam_status_exit_code(LAM_STATUS_NO_MEMORY));
    }
    *ret_ranks = (search_ranks){world.rank, world.size, count_on_machine()};
    return LAM_STATUS_OK;
}

/* ---- rank 0 ---- */

/* Who answers, and with what. */
typedef struct service {
    lam_context *context;
    const lam_search_keeper *keeper; /* NULL: nobody any more */
    void (*tick)(void *user);
    void *user;
} service;

/* NULL without memory. */
static char *make_answer(const service *s, const char *request)
{
    char *answer = NULL;
    if (!s->keeper)
        return strdup("{\"status\": \"BAD_STUDY\", \"message\": \"rank 0 has ended; it said "
                      "why\"}");
    if (lam_remote_answer(s->context, s->keeper, request, &answer) != LAM_STATUS_OK)
        return strdup("{\"status\": \"NO_MEMORY\"}");
    return answer;
}

static void give_up_rank(int rank)
{
    world.ranks[rank].has_ended = true;
    fprintf(stderr, "lamina: warning: rank %d (%s) is lost; its trials go on elsewhere\n", rank,
            world.ranks[rank].process.host);
}

static void take_message(const service *s, const MPI_Status *found)
{
    char *text = receive_text(found);
    rank_state *sender = &world.ranks[found->MPI_SOURCE];
    sender->has_ended = found->MPI_TAG == TAG_GOODBYE;
    if (text && !sender->has_ended) {
        char *answer = make_answer(s, text);
        if (!answer || !send_text(found->MPI_SOURCE, TAG_ANSWER, answer))
            give_up_rank(found->MPI_SOURCE);
    }
    free(text);
}

/* Whether anybody else is left; notes who is lost. */
static bool has_others(void)
{
    bool found = false;
    for (int i = 1; i < world.size; i++) {
        if (!world.ranks[i].has_ended && is_lost(i))
            give_up_rank(i);
        found |= !world.ranks[i].has_ended;
    }
    return found;
}

static void serve(const service *s)
{
    long nap_ns = SHORTEST_NAP_NS;
    int64_t ticked_ns = get_ns();
    while (has_others()) {
        int is_there = 0;
        MPI_Status found;
        if (MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &is_there, &found) ==
                MPI_SUCCESS &&
            is_there) {
            take_message(s, &found);
            nap_ns = SHORTEST_NAP_NS;
        } else {
            take_nap(&nap_ns);
        }
        if (s->tick && get_ns() - ticked_ns > 1000000000) {
            s->tick(s->user);
            ticked_ns = get_ns();
        }
    }
}

void search_mpi_serve(lam_context *context, const lam_search_keeper *keeper,
                      void (*tick)(void *user), void *user)
{
    const service s = {context, keeper, tick, user};
    if (world.rank == 0)
        serve(&s);
    world.has_served = true;
}

/* ---- other ranks ---- */

/* Waits for rank 0's answer; NULL where it is lost. */
static char *await_answer(void)
{
    long nap_ns = SHORTEST_NAP_NS;
    int is_there = 0;
    MPI_Status found;
    world.ranks[0].heard_ns = get_ns();
    while (MPI_Iprobe(0, TAG_ANSWER, MPI_COMM_WORLD, &is_there, &found) == MPI_SUCCESS) {
        if (is_there)
            return receive_text(&found);
        if (is_lost(0))
            return NULL;
        take_nap(&nap_ns);
    }
    return NULL;
}

char *search_mpi_exchange(void *user, const char *request, char (*ret_problem)[256])
{
    (void)user;
    char *text = strdup(request), *answer = NULL;
    pthread_mutex_lock(&world.lock);
    if (text && !world.is_broken && send_text(0, TAG_REQUEST, text))
        answer = await_answer();
    world.is_broken |= !answer;
    pthread_mutex_unlock(&world.lock);
    if (!answer)
        snprintf(*ret_problem, sizeof *ret_problem, "rank 0 (%.200s) is lost",
                 world.ranks[0].process.host);
    return answer;
}

/* ---- ending ---- */

/* With a rank that was killed, Open MPI 4.1.4 sometimes waits for it for ever. */
static void *leave_anyway(void *exit_status)
{
    const struct timespec limit = {.tv_sec = FINALIZE_SECONDS};
    nanosleep(&limit, NULL);
    _exit((int)(intptr_t)exit_status);
}

static void finalize(int exit_status)
{
    pthread_t watchdog;
    if (pthread_create(&watchdog, NULL, leave_anyway, (void *)(intptr_t)exit_status) == 0)
        pthread_detach(watchdog);
    MPI_Finalize();
}

void search_mpi_end(int exit_status)
{
    const service none = {NULL, NULL, NULL, NULL};
    char *goodbye = strdup("");
    if (world.rank > 0 && goodbye)
        world.is_broken |= !send_text(0, TAG_GOODBYE, goodbye);
    if (world.rank == 0 && !world.has_served)
        serve(&none);
    /* Without rank 0 there is nobody to finish with; that mpirun takes the process's end for a
     * failure then is right. */
    if (!world.is_broken)
        finalize(exit_status);
    free(world.ranks);
    world.ranks = NULL;
}
