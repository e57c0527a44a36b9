/* Curves over axes, drawn twice as large and made smaller, so that edges are smooth. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "tarn/train.h"
#include "train/png.h"

enum { LEFT = 70, RIGHT = 20, TOP = 20, BOTTOM = 40, MOST = 10000 };

typedef struct {
    uint8_t red, green, blue;
} color;
static const color colors[] = {{31, 119, 180}, {255, 127, 14},  {44, 160, 44},
                               {214, 39, 40},  {148, 103, 189}, {140, 86, 75}};
static const color black = {40, 40, 40}, gray = {225, 225, 225};

/* A picture at twice the size, and the range of the axes. */
typedef struct {
    color *pixels;
    int width, height; /* of the result */
    double x0, x1, y0, y1;
    bool logarithmic;
} canvas;

/* ---- dots, lines, numbers; coordinates are those of the result */

static void dot(canvas *c, double x, double y, double radius, color ink) {
    int w = 2 * c->width, h = 2 * c->height, r = (int)ceil(2 * radius), cx = (int)(2 * x), cy = (int)(2 * y);
    for (int j = -r; j <= r; j++)
        for (int i = -r; i <= r; i++) {
            bool inside =
                i * i + j * j <= 4 * radius * radius && cx + i >= 0 && cx + i < w && cy + j >= 0 && cy + j < h;
            if (inside) c->pixels[(int64_t)(cy + j) * w + cx + i] = ink;
        }
}

static void line(canvas *c, double x0, double y0, double x1, double y1, double radius, color ink) {
    int steps = (int)(2 * fmax(fabs(x1 - x0), fabs(y1 - y0))) + 1;
    for (int i = 0; i <= steps; i++) {
        double t = (double)i / steps;
        dot(c, x0 + t * (x1 - x0), y0 + t * (y1 - y0), radius, ink);
    }
}

/* 3 x 5 dots a character, rows from the top in octal digits. */
static const struct {
    char character;
    const char *rows;
} font[] = {{'0', "75557"}, {'1', "26227"}, {'2', "71747"}, {'3', "71717"}, {'4', "55711"},
            {'5', "74717"}, {'6', "74757"}, {'7', "71111"}, {'8', "75757"}, {'9', "75717"},
            {'.', "00002"}, {'-', "00700"}, {'+', "02720"}, {'e', "07747"}};

/* A square of two pixels, with the corner at x, y. */
static void square(canvas *c, double x, double y) {
    int w = 2 * c->width, h = 2 * c->height, left = (int)(2 * x), top = (int)(2 * y);
    for (int j = top; j < top + 4; j++)
        for (int i = left; i < left + 4; i++)
            if (i >= 0 && i < w && j >= 0 && j < h) c->pixels[(int64_t)j * w + i] = black;
}

static void letter(canvas *c, double x, double y, char character) {
    for (size_t k = 0; k < sizeof font / sizeof *font; k++)
        for (int j = 0; j < 5 && font[k].character == character; j++)
            for (int i = 0; i < 3; i++)
                if ((font[k].rows[j] - '0') >> (2 - i) & 1) square(c, x + 2 * i, y + 2 * j);
}

/* The middle of the number's right edge, or (centered) of its upper edge, is at x, y. */
static void number(canvas *c, double x, double y, double value, bool centered) {
    char text[32];
    snprintf(text, sizeof text, "%.4g", value);
    double width = 8 * (double)strlen(text) - 2;
    x -= centered ? width / 2 : width;
    for (const char *t = text; *t; t++, x += 8) letter(c, x, centered ? y : y - 5, *t);
}

/* ---- axes */

static double height_of(const canvas *c, double y) {
    return c->logarithmic ? log10(y) : y;
}

static double at_x(const canvas *c, double x) {
    return LEFT + (x - c->x0) / (c->x1 - c->x0) * (c->width - LEFT - RIGHT);
}
static double at_y(const canvas *c, double y) {
    return c->height - BOTTOM - (y - c->y0) / (c->y1 - c->y0) * (c->height - TOP - BOTTOM);
}

/* The least of 1, 2 and 5 times a power of ten that is not below value. */
static double round_step(double value) {
    double power = pow(10, floor(log10(value))), share = value / power;
    return power * (share <= 1 ? 1 : share <= 2 ? 2 : share <= 5 ? 5 : 10);
}

static bool is_shown(const canvas *c, double x, double y) {
    return isfinite(x) && isfinite(y) && (!c->logarithmic || y > 0);
}

static void widen(double *low, double *high, double value) {
    *low = fmin(*low, value), *high = fmax(*high, value);
}

/* A range of nothing, or of one number, becomes one that can be divided. */
static void settle(double *low, double *high) {
    if (*low > *high) *low = 0, *high = 1;
    if (*high - *low < 1e-12 * fmax(1, fabs(*low))) *high = *low + fmax(1, fabs(*low));
}

static void find_range(canvas *c, const tarn_curve *curves, int count) {
    c->x0 = c->y0 = INFINITY, c->x1 = c->y1 = -INFINITY;
    for (int k = 0; k < count; k++)
        for (int64_t i = 0; i < curves[k].count; i++) {
            if (!is_shown(c, curves[k].x[i], curves[k].y[i])) continue;
            widen(&c->x0, &c->x1, curves[k].x[i]);
            widen(&c->y0, &c->y1, height_of(c, curves[k].y[i]));
        }
    settle(&c->x0, &c->x1);
    settle(&c->y0, &c->y1);
}

static void draw_axes(canvas *c) {
    double bottom = c->height - BOTTOM, right = c->width - RIGHT;
    double across = round_step((c->x1 - c->x0) / 8), up = round_step((c->y1 - c->y0) / 6);
    if (c->logarithmic) up = fmax(1, up);
    for (double x = ceil(c->x0 / across) * across; x <= c->x1; x += across) {
        line(c, at_x(c, x), TOP, at_x(c, x), bottom, 0.5, gray);
        number(c, at_x(c, x), bottom + 8, fabs(x) < across / 2 ? 0 : x, true);
    }
    for (double y = ceil(c->y0 / up) * up; y <= c->y1; y += up) {
        line(c, LEFT, at_y(c, y), right, at_y(c, y), 0.5, gray);
        number(c, LEFT - 8, at_y(c, y), c->logarithmic ? pow(10, y) : fabs(y) < up / 2 ? 0 : y, false);
    }
    line(c, LEFT, TOP, LEFT, bottom, 0.5, black);
    line(c, LEFT, bottom, right, bottom, 0.5, black);
}

static void draw_curve(canvas *c, const tarn_curve *curve, color ink) {
    bool before = false;
    double x0 = 0, y0 = 0;
    for (int64_t i = 0; i < curve->count; i++) {
        bool now = is_shown(c, curve->x[i], curve->y[i]);
        double x = now ? at_x(c, curve->x[i]) : 0, y = now ? at_y(c, height_of(c, curve->y[i])) : 0;
        if (now) line(c, before ? x0 : x, before ? y0 : y, x, y, 1, ink);
        before = now, x0 = x, y0 = y;
    }
}

/* ---- the picture */

static uint8_t mean(int a, int b, int c, int d) {
    return (uint8_t)((a + b + c + d + 2) / 4);
}

static bool write_half(const canvas *c, const char *path) {
    uint8_t *out = NEW_ARRAY(uint8_t, (int64_t)3 * c->width * c->height);
    int w = 2 * c->width;
    for (int y = 0; y < c->height && out; y++)
        for (int x = 0; x < c->width; x++) {
            const color *p = c->pixels + (int64_t)2 * y * w + 2 * x, *q = p + w;
            uint8_t *to = out + 3 * ((int64_t)y * c->width + x);
            to[0] = mean(p[0].red, p[1].red, q[0].red, q[1].red);
            to[1] = mean(p[0].green, p[1].green, q[0].green, q[1].green);
            to[2] = mean(p[0].blue, p[1].blue, q[0].blue, q[1].blue);
        }
    bool ok = out && png_write(path, out, c->width, c->height);
    memory_free(out);
    return ok;
}

static bool check(const char *path, const tarn_curve *curves, int count, int width, int height) {
    if (!path || count < 0 || (count && !curves))
        return tarn_fail("save_curves: %s", path ? "the list of curves is NULL" : "the path is NULL");
    for (int k = 0; k < count; k++)
        if (curves[k].count < 0 || (curves[k].count && (!curves[k].x || !curves[k].y)))
            return tarn_fail("%s: curve %d has %lld points, or they are NULL", path, k, (long long)curves[k].count);
    if (width < 2 * LEFT || height < 2 * (TOP + BOTTOM) || width > MOST || height > MOST)
        return tarn_fail("%s: a picture of %d x %d; from %d x %d to %d x %d", path, width, height, 2 * LEFT,
                         2 * (TOP + BOTTOM), MOST, MOST);
    return true;
}

bool tarn_save_curves_with(const char *path, const tarn_curve *curves, int count, tarn_curves_options o) {
    canvas c = {.width = o.width ? o.width : 800, .height = o.height ? o.height : 500, .logarithmic = o.logarithmic};
    if (!check(path, curves, count, c.width, c.height)) return false;
    int64_t pixels = (int64_t)4 * c.width * c.height;
    c.pixels = NEW_ARRAY(color, pixels);
    if (!c.pixels) return false;
    memset(c.pixels, 255, (size_t)pixels * sizeof *c.pixels);
    find_range(&c, curves, count);
    draw_axes(&c);
    for (int k = 0; k < count; k++) draw_curve(&c, &curves[k], colors[(size_t)k % (sizeof colors / sizeof *colors)]);
    bool ok = write_half(&c, path);
    memory_free(c.pixels);
    return ok;
}
