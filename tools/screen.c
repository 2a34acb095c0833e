/* SPDX-License-Identifier: Apache-2.0 */
#include "screen.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

/* Control sequences of ECMA-48 and xterm. Terminals that know of synchronized output (mode
 * 2026) show a page when it is whole; others leave the mode out. */
#define OPEN "\033[?1049h\033[?25l"
#define CLOSE "\033[?25h\033[?1049l"
#define BEGIN "\033[?2026h\033[H"
#define END "\033[J\033[?2026l"
#define END_LINE "\033[K"
#define PLAIN "\033[0m"

static void measure(screen *s)
{
    struct winsize size = {0};
    bool is_known =
        ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
    s->columns = is_known ? size.ws_col : 80;
    s->rows = is_known ? size.ws_row : 24;
}

screen screen_find(void)
{
    const char *kind = getenv("TERM"), *no_color = getenv("NO_COLOR");
    screen s = {.is_terminal =
                    isatty(STDOUT_FILENO) && kind && *kind && strcmp(kind, "dumb") != 0};
    setlocale(LC_CTYPE, "");
    s.has_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    s.has_color = s.is_terminal && !(no_color && *no_color);
    measure(&s);
    return s;
}

static void write_all(const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(STDOUT_FILENO, bytes, count);
        if (written < 0 && errno != EINTR)
            return;
        bytes += written > 0 ? written : 0;
        count -= written > 0 ? (size_t)written : 0;
    }
}

void screen_open(screen *s)
{
    fflush(stdout);
    s->is_open = true;
    s->has_keys = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &s->settings) == 0;
    struct termios settings = s->settings;
    settings.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    settings.c_cc[VMIN] = 0;
    settings.c_cc[VTIME] = 0;
    settings.c_cc[VSUSP] = _POSIX_VDISABLE; /* a stopped program could not clean up */
    if (s->has_keys)
        tcsetattr(STDIN_FILENO, TCSANOW, &settings);
    write_all(OPEN, strlen(OPEN));
}

void screen_close(screen *s)
{
    if (!s->is_open)
        return;
    s->is_open = false;
    write_all(CLOSE, strlen(CLOSE));
    if (s->has_keys)
        tcsetattr(STDIN_FILENO, TCSANOW, &s->settings);
}

/* ---- drawing ---- */

/* Bytes of the escape sequence that a text begins with. */
static size_t measure_escape(const char *text)
{
    size_t length = 2;
    if (text[0] != '\033' || text[1] != '[')
        return 0;
    while (text[length] && !(text[length] >= '@' && text[length] <= '~'))
        length++;
    return length + (text[length] != '\0');
}

/* Prints what of a line fits into so many columns; sequences take none. */
static void print_line(FILE *out, const char *line, size_t length, int columns)
{
    mbstate_t state = {0};
    int column = 0;
    for (size_t i = 0; i < length;) {
        wchar_t character = 0;
        size_t bytes = measure_escape(line + i);
        int width = 0;
        if (bytes == 0) {
            bytes = mbrtowc(&character, line + i, length - i, &state);
            bool is_one = bytes != 0 && bytes <= length - i;
            width = is_one ? wcwidth(character) : 1;
            if (!is_one) /* bytes of some other encoding */
                state = (mbstate_t){0};
            column += width > 0 ? width : 0;
            if (column > columns)
                return;
            if (!is_one || width < 0) {
                putc('?', out);
                i += is_one ? bytes : 1;
                continue;
            }
        }
        fwrite(line + i, 1, bytes, out);
        i += bytes;
    }
}

/* `rows` lines at the most, each with `line_end` behind it but the last. */
static void print_lines(const screen *s, FILE *out, const char *text, int rows,
                        const char *style_end, const char *line_end)
{
    for (int row = 0; row < rows && *text; row++) {
        size_t length = strcspn(text, "\n");
        if (row > 0)
            fputs(line_end, out);
        print_line(out, text, length, s->columns);
        fputs(style_end, out);
        text += length + (text[length] == '\n');
    }
}

void screen_draw(screen *s, const char *text)
{
    char *page = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&page, &length);
    if (!out)
        return;
    fputs(BEGIN, out);
    print_lines(s, out, text, s->rows, PLAIN END_LINE, "\r\n");
    fputs(END, out);
    if (fclose(out) == 0)
        write_all(page, length);
    free(page);
}

void screen_print(const screen *s, const char *text)
{
    print_lines(s, stdout, text, 1 << 20, s->has_color ? PLAIN : "", "\n");
    putchar('\n');
    fflush(stdout);
}

const char *screen_style_text(const screen *s, screen_style style)
{
    static const char *const texts[] = {[SCREEN_STYLE_PLAIN] = PLAIN,
                                        [SCREEN_STYLE_BOLD] = "\033[1m",
                                        [SCREEN_STYLE_DIM] = "\033[2m",
                                        [SCREEN_STYLE_FIRST] = "\033[38;5;33m",
                                        [SCREEN_STYLE_SECOND] = "\033[38;5;208m"};
    return s->has_color ? texts[style] : "";
}

/* ---- waiting ---- */

/* A look at the keys, for a tenth of a second at the most. */
static bool wants_to_quit(const screen *s, int milliseconds)
{
    struct pollfd keys = {.fd = STDIN_FILENO, .events = POLLIN};
    char key = 0;
    if (!s->is_open || !s->has_keys) {
        usleep((useconds_t)milliseconds * 1000);
        return false;
    }
    if (poll(&keys, 1, milliseconds) <= 0)
        return false;
    ssize_t count = read(STDIN_FILENO, &key, 1);
    bool is_gone = count < 0 || (keys.revents & (POLLHUP | POLLERR)) != 0;
    return is_gone || (count == 1 && (key == 'q' || key == 'Q'));
}

static double get_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

screen_event screen_wait(screen *s, const lam_context *context, double seconds)
{
    const double end = get_seconds() + seconds;
    const int columns = s->columns, rows = s->rows;
    for (double left; (left = end - get_seconds()) > 0;) {
        if (wants_to_quit(s, left < 0.1 ? (int)(1000 * left) + 1 : 100) ||
            lam_stop_requested(context))
            return SCREEN_EVENT_QUIT;
        measure(s);
        if (s->is_open && (s->columns != columns || s->rows != rows))
            return SCREEN_EVENT_RESIZE;
    }
    return SCREEN_EVENT_TIME;
}
