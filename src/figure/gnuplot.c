/* SPDX-License-Identifier: Apache-2.0 */
#include "figure/gnuplot.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/strbuf.h"

#define TIME_LIMIT_S 60.0
#define POLL_MS 50
#define MAX_COMPLAINT_BYTES 2000

typedef struct renderer {
    lam_context *context;
    char *program;
    const char *directory, *name;
    pid_t process;
    int complaints; /* gnuplot's stderr, read end */
    char text[MAX_COMPLAINT_BYTES + 1];
    size_t text_bytes;
} renderer;

/* A path is made whole, since gnuplot starts in the figure's folder; free it. */
static char *find_program(void)
{
    const char *chosen = getenv("LAMINA_GNUPLOT");
    if (!chosen || !*chosen)
        return strdup("gnuplot");
    char *whole = strchr(chosen, '/') ? realpath(chosen, NULL) : NULL;
    return whole ? whole : strdup(chosen);
}

static lam_status fail_missing(const renderer *r, int error)
{
    return lam_fail(r->context, LAM_STATUS_NO_RENDERER,
                    "%s cannot be run: %s; data and script are in %s: install gnuplot-nox (or "
                    "name a gnuplot in LAMINA_GNUPLOT) and run `gnuplot %s.gp' there",
                    r->program, strerror(error), r->directory, r->name);
}

static lam_status fail_drawing(renderer *r, const char *how)
{
    while (r->text_bytes > 0 && isspace((unsigned char)r->text[r->text_bytes - 1]))
        r->text_bytes--;
    r->text[r->text_bytes] = '\0';
    return lam_fail(
        r->context, LAM_STATUS_NO_RENDERER,
        "%s %s while it drew %s/%s.gp%s%s; data and script stay there: run it again "
        "with gnuplot 5.4 or newer",
        r->program, how, r->directory, r->name, r->text_bytes > 0 ? ":\n" : "", r->text);
}

/* The program blocks the signals that a thread of its own waits for; gnuplot shall have them.
 * In a group of its own it does not get the terminal's Ctrl-C, which we pass on. */
static int prepare_spawn(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes,
                         const renderer *r, int complaints)
{
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setpgroup(attributes, 0);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    int error = posix_spawn_file_actions_addchdir_np(actions, r->directory);
    if (error == 0)
        error = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
    if (error == 0)
        error = posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(actions, complaints, 2);
    return error;
}

static int spawn(renderer *r, int complaints)
{
    char picture[160], script[128];
    snprintf(picture, sizeof picture, "picture = '.%s.drawing'", r->name);
    snprintf(script, sizeof script, "%s.gp", r->name);
    char *arguments[] = {r->program, (char *)"-d", (char *)"-e", picture, script, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int error = prepare_spawn(&actions, &attributes, r, complaints);
    if (error == 0)
        error =
            posix_spawnp(&r->process, r->program, &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static lam_status start(renderer *r)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return fail_missing(r, errno);
    int error = spawn(r, ends[1]);
    close(ends[1]);
    r->complaints = ends[0];
    if (error == 0)
        return LAM_STATUS_OK;
    close(ends[0]);
    return fail_missing(r, error);
}

/* Waits a moment for complaints and keeps the first of them; false at their end. */
static bool read_complaints(renderer *r)
{
    struct pollfd descriptor = {.fd = r->complaints, .events = POLLIN};
    if (poll(&descriptor, 1, POLL_MS) <= 0)
        return true;
    char bytes[512];
    ssize_t count = read(r->complaints, bytes, sizeof bytes);
    if (count <= 0)
        return count < 0 && errno == EINTR;
    for (ssize_t i = 0; i < count && r->text_bytes < MAX_COMPLAINT_BYTES; i++)
        r->text[r->text_bytes++] = bytes[i];
    return true;
}

/* Until gnuplot has closed its stderr, which it does by ending. */
static lam_status watch(renderer *r)
{
    double start = lam_clock_get_seconds();
    while (read_complaints(r)) {
        if (lam_stop_requested(r->context))
            return lam_fail(r->context, LAM_STATUS_INTERRUPTED,
                            "interrupted while %s/%s was drawn", r->directory, r->name);
        if (lam_clock_get_seconds() - start > TIME_LIMIT_S)
            return fail_drawing(r, "took more than a minute");
    }
    return LAM_STATUS_OK;
}

static lam_status run_program(renderer *r)
{
    LAM_TRY(start(r));
    lam_status status = watch(r);
    if (status != LAM_STATUS_OK)
        kill(-r->process, SIGKILL);
    close(r->complaints);
    int ended = 0;
    while (waitpid(r->process, &ended, 0) < 0 && errno == EINTR)
        continue;
    if (status != LAM_STATUS_OK)
        return status;
    if (WIFEXITED(ended) && WEXITSTATUS(ended) == 0)
        return LAM_STATUS_OK;
    return fail_drawing(r, WIFEXITED(ended) ? "failed" : "crashed");
}

static lam_status run(renderer *r)
{
    r->program = find_program();
    if (!r->program)
        return lam_fail_memory(r->context, "the name of gnuplot", 1);
    lam_status status = run_program(r);
    free(r->program);
    return status;
}

/* Gives the picture of one format its name. Without one, an older one goes: it shows other
 * data. */
static lam_status finish_picture(const renderer *r, const char *suffix, bool is_drawn)
{
    lam_strbuf drawing = {0}, picture = {0};
    lam_strbuf_append(&drawing, "%s/.%s.drawing.%s", r->directory, r->name, suffix);
    lam_strbuf_append(&picture, "%s/%s.%s", r->directory, r->name, suffix);
    lam_status status = LAM_STATUS_OK;
    if (drawing.failed || picture.failed) {
        status = lam_fail_memory(r->context, r->name, strlen(r->directory));
    } else if (is_drawn) {
        status = lam_file_replace(r->context, drawing.text, picture.text);
    } else {
        unlink(drawing.text);
        unlink(picture.text);
    }
    lam_strbuf_free(&drawing);
    lam_strbuf_free(&picture);
    return status;
}

lam_status lam_gnuplot_draw(lam_context *context, const char *name,
                            const lam_figure_options *options)
{
    renderer r = {.context = context, .directory = options->directory, .name = name};
    lam_status status = options->formats != 0 ? run(&r) : LAM_STATUS_OK;
    static const struct {
        const char *suffix;
        unsigned bit;
    } formats[] = {
#define FORMAT_ROW(format, suffix, bit) {suffix, bit},
        LAM_FIGURE_FORMAT_LIST(FORMAT_ROW)
#undef FORMAT_ROW
    };
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        bool is_drawn = status == LAM_STATUS_OK && (options->formats & formats[i].bit);
        lam_status finished = finish_picture(&r, formats[i].suffix, is_drawn);
        status = status == LAM_STATUS_OK ? finished : status;
    }
    return status;
}
