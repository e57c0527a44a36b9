/* Chat templates: rendering, places of errors, limits. What Jinja2 renders is compared in
 * tests/python/test_template.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tarn/template.h"

static int failures;

static void report(const char *what, const char *wanted, const char *got) {
    failures++;
    fprintf(stderr, "FAIL %s\n  wanted %s\n  got    %s\n", what, wanted, got ? got : "(nothing)");
}

static char *render(const char *source, const char *variables, const tarn_template_options *options) {
    tarn_template *parsed = tarn_template_parse(source, strlen(source), "t.jinja");
    char *text = parsed ? tarn_template_render_with(parsed, variables, strlen(variables), NULL,
                                                    options ? *options : (tarn_template_options){0})
                        : NULL;
    tarn_template_free(parsed);
    return text;
}

static void expect_text(const char *source, const char *variables, const char *wanted) {
    char *text = render(source, variables, NULL);
    if (!text || strcmp(text, wanted) != 0) report(source, wanted, text ? text : tarn_error());
    tarn_free(text);
    tarn_clear_error();
}

static void expect_error_with(const char *source, const char *variables, const tarn_template_options *options,
                              const char *wanted) {
    char *text = render(source, variables, options);
    const char *error = tarn_error();
    if (text || !error || strncmp(error, wanted, strlen(wanted)) != 0) report(source, wanted, text ? text : error);
    tarn_free(text);
    tarn_clear_error();
}

static void expect_error(const char *source, const char *wanted) {
    expect_error_with(source, "{}", NULL, wanted);
}

static void test_rendering(void) {
    expect_text("", "{}", "");
    expect_text("{{ a }} {{ b[0].c }}", "{\"a\": 1, \"b\": [{\"c\": \"\\u00e9\"}]}", "1 \xC3\xA9");
    expect_text(
        "{% for m in messages %}<{{ m.role }}>{{ m['content'] | trim }}{% endfor %}",
        "{\"messages\": [{\"role\": \"user\", \"content\": \" hi \"}, {\"role\": \"bot\", \"content\": \"x\"}]}",
        "<user>hi<bot>x");
    expect_text("{{ {'a': [1, 2.5, none, true]} | tojson }}", "{}", "{\"a\": [1, 2.5, null, true]}");
    expect_text("a\n  {% if true %}\nb\n  {% endif %}\nc\n", "{}", "a\nb\nc");
}

static void test_error_places(void) {
    expect_error("a\n  {{ 1 + }}", "t.jinja:2:10: expected an expression");
    expect_error("\n\n{% if x %}", "t.jinja:3:11: unexpected end of template");
    expect_error("\xC3\xA9\xC3\xA9{{ 'open }}", "t.jinja:1:6: this string has no end");
    expect_error("x\n{{ missing.name }}", "t.jinja:2:11: 'missing' is undefined");
    expect_error("{{ {'a': 1}.b.c }}", "t.jinja:1:14: 'dict object' has no attribute 'b'");
    expect_error("{{ [1][4].x }}", "t.jinja:1:10: list object has no element 4");
    expect_error("{% set a = 1 %}\n  {{ raise_exception('Roles must alternate') }}",
                 "t.jinja:2:21: Roles must alternate");
    expect_error("{{ x | nosuch }}", "t.jinja:1:8: No filter named 'nosuch'.");
    expect_error("{{ x | xmlattr }}", "t.jinja:1:8: the filter 'xmlattr' is not supported");
    expect_error("{% block a %}{% endblock %}", "t.jinja:1:4: the tag 'block' is not supported");
    expect_error("{% frob %}", "t.jinja:1:4: Encountered unknown tag 'frob'.");
    expect_error("{{ [].append(1) }}", "t.jinja:1:13: access to attribute 'append' of 'list' object is unsafe.");
    expect_error("{{ ''.__class__.x }}", "t.jinja:1:16: access to attribute '__class__' of 'str' object is unsafe.");
    expect_error("{{ 9223372036854775807 + 1 }}", "t.jinja:1:24: the integer result does not fit in 64 bits");
    expect_error("\xFF", "t.jinja: the template is not valid UTF-8");
    expect_error_with("{{ a }}", "[1]", NULL, "t.jinja");
    expect_error_with("{{ a }}", "{", NULL, "template variables");
}

static void test_limits(void) {
    tarn_template_options few = {.steps = 1000}, small = {.output_bytes = 100}, tight = {.memory_bytes = 20000},
                          flat = {.depth = 50}, backwards = {.steps = -1};
    tarn_template *parsed = tarn_template_parse("a", 1, "t.jinja");
    if (tarn_template_render(parsed, NULL, 2, NULL) || tarn_ok()) report("NULL", "an error", tarn_error());
    tarn_clear_error();
    tarn_template_free(parsed);
    expect_error_with("a", "{}", &backwards, "tarn_template_render: -1 steps, a depth of 0");
    expect_error_with("{% for i in range(99999) %}{% endfor %}", "{}", &few, "t.jinja:1:");
    expect_error_with("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "{}", NULL,
                      "t.jinja:1:20: the template recurses too deeply");
    expect_error_with("{{ ((((((((((1)))))))))) }}{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(1) }}", "{}", &flat,
                      "t.jinja:1:");
    expect_error_with("{% for i in range(99) %}xx{% endfor %}", "{}", &small,
                      "t.jinja:1:25: the output exceeds 100 bytes");
    expect_error_with("{{ 'x' * 1000000000 }}", "{}", &small, "t.jinja:1:8: the output exceeds 100 bytes");
    expect_error_with("{{ [1] * 1000000 }}", "{}", &tight, "t.jinja:1:8: memory limit of 20000 bytes exceeded");
    expect_error("{{ [0] * 99999999999 }}", "t.jinja:1:8: ");
    expect_error("{{ range(0, 1000000) }}", "t.jinja:1:9: Range too big.");
    expect_error("{% set ns = namespace() %}{% set ns.me = ns %}{{ ns }}",
                 "t.jinja:1:50: the template recurses too deeply");
    expect_error("{% set ns = namespace(a=[]) %}{% for i in range(999) %}{% set ns.a = [ns.a] %}{% endfor %}",
                 "t.jinja:1:63: values are nested");
    expect_error("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}", "t.jinja:1:");
}

/* What would take ages if only nodes were counted: values that hold themselves many times over, long searches. */
static void test_hostile(void) {
    static const char *const doubling =
        "{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(99) %}{% set ns.a = [ns.a, ns.a] %}"
        "{% set ns.b = [ns.b, ns.b] %}{% endfor %}";
    static const char *const uses[] = {
        "{{ ns.a == ns.b }}",
        "{{ ns.a in [ns.b] }}",
        "{{ [ns.a] < [ns.b] }}",
        "{{ ns.a }}",
        "{{ ns.a | tojson }}",
        "{{ [ns.a].index(ns.b) }}",
        "{{ [ns.a, ns.b] | groupby(0) }}",
        "{{ [ns.a, ns.b] | sort | length }}",
        "{{ [ns.a].count(ns.b) }}",
        "{{ ns.a | sameas(ns.b) }}",
    };
    char source[1000];
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        snprintf(source, sizeof source, "%s%s", doubling, uses[i]);
        expect_error(source, "t.jinja:1:");
    }
    expect_error("{% set ns = namespace(a=(1,)) %}{% for i in range(99) %}{% set ns.a = (ns.a, ns.a) %}{% endfor %}{{ "
                 "{ns.a: 1} }}",
                 "t.jinja:1:");
    expect_error("{% set s = 'a' * 3000000 %}{{ s.rfind('a' * 1500000 ~ 'b') }}", "t.jinja:1:");
    expect_error("{% set s = 'a' * 3000000 %}{{ s.strip('b' * 1000000 ~ 'a') }}", "t.jinja:1:");
    expect_text("{{ ('a' * 1000000).rfind('a') }} {{ ('ab' * 500000).strip('ab') | length }}", "{}", "999999 0");
    expect_text("{{ d['get\\x00x'] }}{{ d[k] }}", "{\"d\": {}, \"k\": \"items\\u0000 and more\"}", "");
}

/* count times `open`, a middle, count times `close`. */
static char *nested(const char *open, const char *middle, const char *close, size_t count) {
    char *text = malloc(count * (strlen(open) + strlen(close)) + strlen(middle) + 1), *at = text;
    for (size_t i = 0; i < count; i++) at = stpcpy(at, open);
    at = stpcpy(at, middle);
    for (size_t i = 0; i < count; i++) at = stpcpy(at, close);
    return text;
}

static void test_deep_nesting(void) {
    static const char *const parts[][3] = {
        {"{{ (", "1", ") }}"},
        {"{{ [", "1", "] }}"},
        {"{% if 1 %}", "x", "{% endif %}"},
        {"{{ not ", "1", "}}"},
        {"{{ -", "1", "}}"},
        {"(", "{{ 1 }}", ")"},
        {"{% for i in [1] %}", "x", "{% endfor %}"},
        {"{{ 1 if 1 else ", "1", "}}"},
        {"{{ x is eq x is eq ", "1", "}}"},
    };
    static const char *const openings[][3] = {
        {"(", "1", ")"},      {"[", "1", "]"},           {"not ", "1", ""},   {"-", "1", ""},   {"1 + ", "1", ""},
        {"a", ".b", ""},      {"1 if 1 else ", "1", ""}, {"{1:", "1", "}"},   {"f(", "1", ")"}, {"x is eq ", "1", ""},
        {"", "1", "|string"}, {"", "x", ".y"},           {"", "x", "[0]"},    {"", "f", "()"},  {"1 and ", "1", ""},
        {"1 ** ", "1", ""},   {"1 < ", "1", ""},         {"'a' ~ ", "1", ""},
    };
    for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
        char *inner = nested(openings[i][0], openings[i][1], openings[i][2], 100000),
             *source = malloc(strlen(inner) + 10);
        sprintf(source, "{{ %s }}", inner);
        tarn_free(render(source, "{}", NULL)); /* an error or a result, but no crash */
        tarn_clear_error();
        free(inner);
        free(source);
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char *source = nested(parts[i][0], parts[i][1], parts[i][2], 5000);
        tarn_free(render(source, "{}", NULL));
        tarn_clear_error();
        free(source);
    }
    char *deep = nested("{% if 1 %}", "x", "{% endif %}", 500);
    expect_error(deep, "t.jinja:1:");
    free(deep);
}

/* Appending to a variable ten characters at a time must not copy the whole text each time. */
static void test_linear_building(void) {
    tarn_template_options options = {.memory_bytes = 64 << 20, .steps = 20000000};
    const char *source = "{% set ns = namespace(s='') %}{% for i in range(60000) %}{% set ns.s = ns.s ~ '0123456789' "
                         "%}{% endfor %}{{ ns.s | length }}";
    char *text = render(source, "{}", &options);
    if (!text || strcmp(text, "600000") != 0) report("linear building", "600000", text ? text : tarn_error());
    tarn_free(text);
    tarn_clear_error();
}

static void test_clock(void) {
    int64_t clock = 1732342567;
    tarn_template_options options = {.clock = &clock};
    char *text = render("{{ strftime_now('%d %b %Y') }}", "{}", &options);
    if (!text || strcmp(text, "23 Nov 2024") != 0) report("clock", "23 Nov 2024", text);
    tarn_free(text);
    text = render("{{ strftime_now('%Y') | length }}", "{}", NULL);
    if (!text || strcmp(text, "4") != 0) report("clock", "4", text);
    tarn_free(text);
}

/* Every allocation in turn fails: an error each time, and the same result once none does. */
static void test_failing_memory(void) {
    static const char source[] =
        "{% macro m(a, b=[1]) %}{{ a ~ b }}{% endmacro %}{% for k, v in d | items %}{{ m(k) }}{{ v | tojson(indent=1) "
        "}}"
        "{% set x %}y{{ 'a' | upper }}{% endset %}{{ x }}{% endfor %}{{ d | map('upper') | join(',') }}";
    static const char variables[] = "{\"d\": {\"a\": [1, {\"b\": null}], \"c\": \"x\"}}";
    bool done = false;
    for (int64_t n = 1; !done && n < 2000; n++) {
        memory_fail_at(n);
        char *text = render(source, variables, NULL);
        done = memory_fail_at(0) < n;
        if (!text == tarn_ok()) report("failing memory", "an error or a text", tarn_error());
        if (done && !text) report("failing memory", "a text at the end", tarn_error());
        tarn_free(text);
        tarn_clear_error();
    }
    if (!done) report("failing memory", "an end", "more than 2000 allocations");
}

int main(void) {
    test_rendering();
    test_error_places();
    test_limits();
    test_deep_nesting();
    test_linear_building();
    test_clock();
    test_hostile();
    test_failing_memory();
    return failures != 0;
}
