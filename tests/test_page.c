/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/utf8.h"
#include "figure/page.h"
#include "support/device_fixture.h"
#include "support/folder.h"
#include "support/suite.h"

/* A picture as gnuplot makes them: ids between both kinds of quotes, and texts like tags. */
#define SVG                                                                                    \
    "<?xml version=\"1.0\"?>\n<svg width=\"8\" height=\"4\" viewBox=\"0 0 8 4\">\n"            \
    "<title>Gnuplot</title><defs><circle id='gpDot' r='1'/></defs>"                            \
    "<g id=\"plot_1\"><title>plot_1</title><use xlink:href='#gpDot' fill='url(#pattern)'/>"    \
    "<text>id='gpDot' href='#gpDot'</text></g></svg>\n"

static test_folder folder;
static lam_page *page;
static char *saved;
static const lam_figure figure = {.name = "curves",
                                  .title = "Loss & cost",
                                  .caption = "Of \"a\" <b>.",
                                  .alt = "It \"falls\" from 2 to 1."};

static void set_up(void)
{
    folder = test_folder_make();
}

static void tear_down(void)
{
    free(saved);
    saved = NULL;
    lam_page_destroy(&page);
    test_folder_remove(&folder);
}

static void create(lam_page_format format, const char *path, const char *title)
{
    ck_assert_ok(
        lam_page_create(test_context(), format, path, title, test_path(&folder, "fig"), &page));
}

static void start(lam_page_format format, const char *title)
{
    create(format, test_path(&folder, "page"), title);
}

static void save(void)
{
    ck_assert_ok(lam_page_save(page));
    saved = test_file_read(test_path(&folder, "page"), NULL);
}

static void expect(const char *part)
{
    ck_assert_msg(strstr(saved, part), "no '%s' in:\n%s", part, saved);
}

static void expect_no(const char *part)
{
    ck_assert_msg(!strstr(saved, part), "'%s' in:\n%s", part, saved);
}

static void write_figure_file(const char *name, const char *text)
{
    ck_assert_ok(lam_directory_create(test_context(), test_path(&folder, "fig")));
    test_file_write_text(test_path(&folder, name), text);
}

START_TEST(characters_are_taken_one_by_one)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"", ""},
        {"a\tb\n", "a\tb\n"},
        {"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"},
        {"\x01\x7F\x1B[", "???["},
        {"\xC2\x85", "?"},                    /* a control character of Latin-1 */
        {"\xC0\xAF", "??"},                   /* longer than it need be */
        {"\xE0\x80\x80", "???"},              /* the same */
        {"\xED\xA0\x80", "???"},              /* a surrogate */
        {"\xF4\x90\x80\x80", "????"},         /* beyond the last character */
        {"\xE2\x82", "??"},                   /* cut short */
        {"\xFF\x80z", "??z"},                 /* never in UTF-8; a continuation */
        {"\xEF\xBF\xBE\xEF\xBF\xBDz", "??z"}, /* no character; the replacement itself */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *text = cases[i].text, *bytes = NULL;
        lam_strbuf shown = {0};
        for (size_t count; (count = lam_utf8_take(&text, &bytes)) > 0;)
            if (strncmp(bytes, LAM_UTF8_REPLACEMENT, count) == 0)
                lam_strbuf_append(&shown, "?");
            else
                lam_strbuf_append_bytes(&shown, bytes, count);
        ck_assert_str_eq(lam_strbuf_text(&shown), cases[i].shown);
        lam_strbuf_free(&shown);
    }
}
END_TEST

START_TEST(html_shows_hostile_text_as_it_is)
{
    static const char hostile[] = "</title><script>x('\"&amp;\x01\xFF";
    static const char shown[] = "&lt;/title&gt;&lt;script&gt;x('&quot;&amp;amp;"
                                "\xEF\xBF\xBD\xEF\xBF\xBD";
    char part[400];
    start(LAM_PAGE_FORMAT_HTML, hostile);
    lam_page_add_heading(page, 2, hostile);
    lam_page_add_paragraph(page, "%s", hostile);
    lam_page_add_code(page, hostile);
    save();
    static const char *const places[] = {"<title>%s</title>",
                                         "<h1>%s</h1>",
                                         "<a href=\"#section-1\">%s</a>",
                                         "<h2 id=\"section-1\">%s</h2>",
                                         "<p>%s</p>",
                                         "<pre>%s</pre>"};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        snprintf(part, sizeof part, places[i], shown);
        expect(part);
    }
    expect_no("<script>x");
    expect("default-src 'none'; img-src data:; ");
    expect("script-src 'sha256-");
}
END_TEST

START_TEST(markdown_shows_hostile_text_as_it_is)
{
    start(LAM_PAGE_FORMAT_MARKDOWN, "# a|b");
    lam_page_add_heading(page, 3, "1. <b> *x* _y_ a_b [l](u) `c` $m$ ~s~ \\");
    lam_page_add_paragraph(page, "- one\ntwo &amp; & \x02");
    lam_page_add_code(page, "a\n````\nb");
    save();
    ck_assert_str_eq(saved,
                     "# \\# a\\|b\n"
                     "\n### 1. \\<b\\> \\*x\\* \\_y\\_ a_b \\[l\\](u) \\`c\\` \\$m\\$ \\~s\\~ "
                     "\\\\\n"
                     "\n\\- one two \\&amp; & \xEF\xBF\xBD\n"
                     "\n`````\na\n````\nb\n`````\n");
}
END_TEST

static void add_table(void)
{
    lam_table table = {0};
    size_t name = lam_table_add_column(&table, "name", LAM_CELL_TEXT);
    size_t unused = lam_table_add_column(&table, "unused", LAM_CELL_NUMBER);
    size_t loss = lam_table_add_column(&table, "loss", LAM_CELL_NUMBER);
    const double losses[] = {1.0 / 3, NAN, INFINITY, -1e300};
    for (size_t i = 0; i < 4; i++) {
        lam_table_add_row(&table);
        lam_table_set_text(&table, name, i == 0 ? "a|<b>\nc" : "");
        lam_table_set_number(&table, unused, 7);
        lam_table_set_number(&table, loss, losses[i]);
    }
    const lam_page_column columns[] = {
        {name, "what <i>", 0}, {loss, "rounded", 2}, {loss, "exact", -1}};
    lam_page_add_table(page, "Many | things", &table, columns, 3);
    lam_table_free(&table);
}

START_TEST(tables_show_chosen_columns_rounded_or_exactly)
{
    start(LAM_PAGE_FORMAT_HTML, "t");
    add_table();
    save();
    expect("<caption><span>Many | things</span></caption>");
    expect("<tr><th scope=\"col\">what &lt;i&gt;</th><th scope=\"col\" class=\"n\">rounded</th>"
           "<th scope=\"col\" class=\"n\">exact</th></tr>");
    expect("<th scope=\"row\">a|&lt;b&gt;\nc</th><td class=\"n\">0.33</td>"
           "<td class=\"n\">0.3333333333333333</td>");
    expect("<tr><th scope=\"row\">–</th><td class=\"n\">–</td><td class=\"n\">–</td></tr>");
    expect("<td class=\"n\">∞</td>");
    expect("<td class=\"n\">-1e+300</td>");
}
END_TEST

START_TEST(lines_of_markdown_begin_no_block)
{
    static const char *const cases[][2] = {
        {"- a", "\\- a"},     {"=", "\\="},     {"12. a", "12\\. a"},
        {"1) a", "1\\) a"},   {"12 a", "12 a"}, {"    # a", "\\# a"},
        {"a # -", "a \\# -"}, {"> a", "\\> a"}, {"", ""},
    };
    char expected[64];
    start(LAM_PAGE_FORMAT_MARKDOWN, "t");
    lam_page_add_paragraph(page, "%s", cases[_i][0]);
    save();
    snprintf(expected, sizeof expected, "# t\n\n%s\n", cases[_i][1]);
    ck_assert_str_eq(saved, expected);
}
END_TEST

START_TEST(tables_of_markdown_survive_bars_and_line_ends)
{
    start(LAM_PAGE_FORMAT_MARKDOWN, "t");
    add_table();
    save();
    expect("\nMany \\| things\n\n| what \\<i\\> | rounded | exact |\n|---|---:|---:|\n"
           "| a\\|\\<b\\> c | 0.33 | 0.3333333333333333 |\n| – | – | – |\n| – | ∞ | ∞ |\n"
           "| – | -1.00e+300 | -1e+300 |\n");
}
END_TEST

START_TEST(ids_of_pictures_are_unique)
{
    write_figure_file("fig/curves.svg", SVG);
    start(LAM_PAGE_FORMAT_HTML, "t");
    ck_assert_ok(lam_page_add_figure(page, &figure));
    ck_assert_ok(lam_page_add_figure(page, &figure));
    save();
    for (int i = 1; i <= 2; i++) {
        static const char *const parts[] = {
            "<circle id='f%d-gpDot'", "<g id=\"f%d-plot_1\">", "xlink:href='#f%d-gpDot'",
            "fill='url(#f%d-pattern)'", "<figure id=\"figure-%d\">"};
        for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) {
            char part[100];
            snprintf(part, sizeof part, parts[k], i);
            expect(part);
        }
    }
    expect("<svg role=\"img\" aria-label=\"It &quot;falls&quot; from 2 to 1.\" width=\"8\"");
    expect("<text>id='gpDot' href='#gpDot'</text></g></svg></div>");
    expect("<figcaption><strong>Loss &amp; cost</strong> Of &quot;a&quot; &lt;b&gt;."
           "</figcaption>");
    expect_no("Gnuplot");
    expect_no("<?xml");
}
END_TEST

/* More than a page takes where there are pixels. */
static const char *make_large_drawing(void)
{
    static char large[310 * 1024];
    memset(large, ' ', sizeof large - 1);
    memcpy(large, "<svg>", 5);
    memcpy(large + sizeof large - 7, "</svg>", 6);
    return large;
}

START_TEST(pixels_stand_in_for_a_large_or_broken_drawing)
{
    const char *const drawings[] = {make_large_drawing(), "<svg><g>", ""};
    write_figure_file("fig/curves.png", "PNG!");
    for (size_t i = 0; i < 3; i++) {
        write_figure_file("fig/curves.svg", drawings[i]);
        start(LAM_PAGE_FORMAT_HTML, "t");
        ck_assert_ok(lam_page_add_figure(page, &figure));
        save();
        expect("<img alt=\"It &quot;falls&quot; from 2 to 1.\" "
               "src=\"data:image/png;base64,UE5HIQ==\">");
        expect_no("<svg");
        free(saved);
        saved = NULL;
        lam_page_destroy(&page);
    }
}
END_TEST

START_TEST(large_drawing_is_better_than_none)
{
    write_figure_file("fig/curves.svg", make_large_drawing());
    start(LAM_PAGE_FORMAT_HTML, "t");
    ck_assert_ok(lam_page_add_figure(page, &figure));
    save();
    expect("</svg></div>");
}
END_TEST

START_TEST(without_a_picture_the_page_says_what_would_draw_it)
{
    static const lam_page_format formats[] = {LAM_PAGE_FORMAT_HTML, LAM_PAGE_FORMAT_MARKDOWN};
    start(formats[_i], "t");
    ck_assert_ok(lam_page_add_figure(page, &figure));
    save();
    expect("No picture: curves.gp draws it from curves.tsv.");
}
END_TEST

START_TEST(links_to_other_files_are_encoded)
{
    ck_assert_ok(lam_page_create(test_context(), LAM_PAGE_FORMAT_MARKDOWN,
                                 test_path(&folder, "page.md"), "t", folder.path, &page));
    lam_page_add_link(page, "All [kinds]", "a b.md");
    ck_assert_ok(lam_page_save(page));
    saved = test_file_read(test_path(&folder, "page.md"), NULL);
    expect("\n[All \\[kinds\\]](a%20b.md)\n");
}
END_TEST

START_TEST(links_lead_from_the_page_to_its_figures)
{
    static const struct {
        const char *page, *figures, *link;
    } cases[] = {
        {"page.md", "page-figures", "(page-figures/curves.svg)"},
        {"a/page.md", "a b/ä#(1)", "(../a%20b/%C3%A4%23%281%29/curves.svg)"},
        {"a/page.md", "a-b", "(../a-b/curves.svg)"},
        {"a/page.md", "a", "(curves.svg)"},
    };
    char file[512], figures[400], path[400];
    snprintf(figures, sizeof figures, "%s/%s", folder.path, cases[_i].figures);
    snprintf(path, sizeof path, "%s/%s", folder.path, cases[_i].page);
    snprintf(file, sizeof file, "%s/curves.svg", figures);
    ck_assert_ok(lam_directory_create(test_context(), figures));
    ck_assert_ok(lam_directory_create(test_context(), test_path(&folder, "a")));
    test_file_write_text(file, SVG);
    ck_assert_ok(
        lam_page_create(test_context(), LAM_PAGE_FORMAT_MARKDOWN, path, "t", figures, &page));
    ck_assert_ok(lam_page_add_figure(page, &figure));
    ck_assert_ok(lam_page_save(page));
    saved = test_file_read(path, NULL);
    expect("![It \"falls\" from 2 to 1.]");
    expect(cases[_i].link);
    expect("\n**Loss & cost** Of \"a\" \\<b\\>.\n");
}
END_TEST

START_TEST(page_that_cannot_be_written_is_an_error)
{
    create(LAM_PAGE_FORMAT_HTML, test_path(&folder, "missing/page"), "t");
    ck_assert_int_eq(lam_page_save(page), LAM_STATUS_BAD_OUTPUT);
    ck_assert_ptr_nonnull(strstr(lam_error_message(test_context()), "missing/page"));
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *test)
{
    tcase_add_checked_fixture(lam_add_test(suite, name, test, 30), set_up, tear_down);
}

static void add_loop(Suite *suite, const char *name, const TTest *test, int count)
{
    TCase *test_case = tcase_create(name);
    tcase_add_checked_fixture(test_case, set_up, tear_down);
    tcase_add_loop_test(test_case, test, 0, count);
    suite_add_tcase(suite, test_case);
}

static void add_tests(Suite *suite)
{
    add(suite, "characters", characters_are_taken_one_by_one);
    add(suite, "hostile html", html_shows_hostile_text_as_it_is);
    add(suite, "hostile markdown", markdown_shows_hostile_text_as_it_is);
    add_loop(suite, "lines", lines_of_markdown_begin_no_block, 9);
    add(suite, "tables", tables_show_chosen_columns_rounded_or_exactly);
    add(suite, "markdown tables", tables_of_markdown_survive_bars_and_line_ends);
    add(suite, "ids", ids_of_pictures_are_unique);
    add(suite, "pixels", pixels_stand_in_for_a_large_or_broken_drawing);
    add(suite, "large drawing", large_drawing_is_better_than_none);
    add_loop(suite, "no picture", without_a_picture_the_page_says_what_would_draw_it, 2);
    add(suite, "files", links_to_other_files_are_encoded);
    add_loop(suite, "links", links_lead_from_the_page_to_its_figures, 4);
    add(suite, "unwritable", page_that_cannot_be_written_is_an_error);
}

LAM_SUITE_MAIN("page", add_tests)
