#include "unicode/characters.h"

#include <utf8proc.h>

typedef struct {
    uint32_t first, last;
} interval;

static bool within(const interval *table, size_t count, uint32_t c) {
    for (size_t low = 0, high = count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (c < table[middle].first)
            high = middle;
        else if (c > table[middle].last)
            low = middle + 1;
        else
            return true;
    }
    return false;
}
#define WITHIN(table, c) within((table), sizeof(table) / sizeof *(table), (c))

/* Numeric_Type=Digit without Nd. */
static const interval digits[] = {
    {0xB2, 0xB3},     {0xB9, 0xB9},       {0x1369, 0x1371},   {0x19DA, 0x19DA},   {0x2070, 0x2070},
    {0x2074, 0x2079}, {0x2080, 0x2089},   {0x2460, 0x2468},   {0x2474, 0x247C},   {0x2488, 0x2490},
    {0x24EA, 0x24EA}, {0x24F5, 0x24FD},   {0x24FF, 0x24FF},   {0x2776, 0x277E},   {0x2780, 0x2788},
    {0x278A, 0x2792}, {0x10A40, 0x10A43}, {0x10E60, 0x10E68}, {0x11052, 0x1105A}, {0x1F100, 0x1F10A},
};
/* Ideographs with a numeric value. */
static const interval numerals[] = {
    {0x3405, 0x3405},   {0x3483, 0x3483},   {0x382A, 0x382A},   {0x3B4D, 0x3B4D},   {0x4E00, 0x4E00},
    {0x4E03, 0x4E03},   {0x4E07, 0x4E07},   {0x4E09, 0x4E09},   {0x4E5D, 0x4E5D},   {0x4E8C, 0x4E8C},
    {0x4E94, 0x4E94},   {0x4E96, 0x4E96},   {0x4EBF, 0x4EC0},   {0x4EDF, 0x4EDF},   {0x4EE8, 0x4EE8},
    {0x4F0D, 0x4F0D},   {0x4F70, 0x4F70},   {0x5104, 0x5104},   {0x5146, 0x5146},   {0x5169, 0x5169},
    {0x516B, 0x516B},   {0x516D, 0x516D},   {0x5341, 0x5341},   {0x5343, 0x5345},   {0x534C, 0x534C},
    {0x53C1, 0x53C4},   {0x56DB, 0x56DB},   {0x58F1, 0x58F1},   {0x58F9, 0x58F9},   {0x5E7A, 0x5E7A},
    {0x5EFE, 0x5EFF},   {0x5F0C, 0x5F0E},   {0x5F10, 0x5F10},   {0x62FE, 0x62FE},   {0x634C, 0x634C},
    {0x67D2, 0x67D2},   {0x6F06, 0x6F06},   {0x7396, 0x7396},   {0x767E, 0x767E},   {0x8086, 0x8086},
    {0x842C, 0x842C},   {0x8CAE, 0x8CAE},   {0x8CB3, 0x8CB3},   {0x8D30, 0x8D30},   {0x9621, 0x9621},
    {0x9646, 0x9646},   {0x964C, 0x964C},   {0x9678, 0x9678},   {0x96F6, 0x96F6},   {0xF96B, 0xF96B},
    {0xF973, 0xF973},   {0xF978, 0xF978},   {0xF9B2, 0xF9B2},   {0xF9D1, 0xF9D1},   {0xF9D3, 0xF9D3},
    {0xF9FD, 0xF9FD},   {0x20001, 0x20001}, {0x20064, 0x20064}, {0x200E2, 0x200E2}, {0x20121, 0x20121},
    {0x2092A, 0x2092A}, {0x20983, 0x20983}, {0x2098C, 0x2098C}, {0x2099C, 0x2099C}, {0x20AEA, 0x20AEA},
    {0x20AFD, 0x20AFD}, {0x20B19, 0x20B19}, {0x22390, 0x22390}, {0x22998, 0x22998}, {0x23B1B, 0x23B1B},
    {0x2626D, 0x2626D}, {0x2F890, 0x2F890},
};

static utf8proc_category_t category(uint32_t c) {
    return utf8proc_category((utf8proc_int32_t)c);
}

bool character_is_space(uint32_t c) {
    if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1C && c <= 0x1F);
    return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
           c == 0x202F || c == 0x205F || c == 0x3000;
}

bool character_is_letter(uint32_t c) {
    utf8proc_category_t k = category(c);
    return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO;
}

bool character_is_word(uint32_t c) {
    return c == '_' || character_is_letter(c) || character_is_numeric(c);
}

bool character_is_decimal(uint32_t c) {
    return category(c) == UTF8PROC_CATEGORY_ND;
}

bool character_is_digit(uint32_t c) {
    return character_is_decimal(c) || WITHIN(digits, c);
}

bool character_is_numeric(uint32_t c) {
    utf8proc_category_t k = category(c);
    return (k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO) || WITHIN(numerals, c);
}

bool character_is_lower(uint32_t c) {
    return utf8proc_islower((utf8proc_int32_t)c);
}

bool character_is_upper(uint32_t c) {
    return utf8proc_isupper((utf8proc_int32_t)c);
}

bool character_is_title(uint32_t c) {
    return category(c) == UTF8PROC_CATEGORY_LT;
}

bool character_is_cased(uint32_t c) {
    return character_is_lower(c) || character_is_upper(c) || character_is_title(c);
}

bool character_is_ignorable(uint32_t c) {
    utf8proc_category_t k = category(c);
    if (k == UTF8PROC_CATEGORY_MN || k == UTF8PROC_CATEGORY_ME || k == UTF8PROC_CATEGORY_CF ||
        k == UTF8PROC_CATEGORY_LM || k == UTF8PROC_CATEGORY_SK)
        return true;
    return c == '\'' || c == '.' || c == ':' || c == 0xB7 || c == 0x387 || c == 0x55F || c == 0x5F4 || c == 0x2018 ||
           c == 0x2019 || c == 0x2024 || c == 0x2027 || c == 0xFE13 || c == 0xFE52 || c == 0xFE55 || c == 0xFF07 ||
           c == 0xFF0E || c == 0xFF1A;
}

bool character_is_printable(uint32_t c) {
    if (c == ' ') return true;
    utf8proc_category_t k = category(c);
    return k != UTF8PROC_CATEGORY_CN && k != UTF8PROC_CATEGORY_ZS && k != UTF8PROC_CATEGORY_ZL &&
           k != UTF8PROC_CATEGORY_ZP && k != UTF8PROC_CATEGORY_CC && k != UTF8PROC_CATEGORY_CF &&
           k != UTF8PROC_CATEGORY_CS && k != UTF8PROC_CATEGORY_CO;
}

enum { UPPER, TITLE, LOWER };

static const struct {
    uint32_t from, to[3][3];
} special_cases[] = {
#define SPECIAL_CASE(c, u0, u1, u2, t0, t1, t2, l0, l1, l2) {c, {{u0, u1, u2}, {t0, t1, t2}, {l0, l1, l2}}},
#include "unicode/special_case.def"
#undef SPECIAL_CASE
};

/* Writes the mapping of c if it is one of several characters; 0 if not. */
static size_t special_case(uint32_t c, int which, uint32_t out[3]) {
    size_t low = 0, high = sizeof special_cases / sizeof *special_cases;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (special_cases[middle].from < c)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == sizeof special_cases / sizeof *special_cases || special_cases[low].from != c) return 0;
    size_t count = 0;
    while (count < 3 && special_cases[low].to[which][count]) {
        out[count] = special_cases[low].to[which][count];
        count++;
    }
    return count;
}

static size_t map_case(uint32_t c, int which, utf8proc_int32_t (*simple)(utf8proc_int32_t), uint32_t out[3]) {
    size_t count = special_case(c, which, out);
    if (count) return count;
    out[0] = (uint32_t)simple((utf8proc_int32_t)c);
    return 1;
}

size_t character_upper(uint32_t c, uint32_t out[3]) {
    return map_case(c, UPPER, utf8proc_toupper, out);
}

size_t character_title(uint32_t c, uint32_t out[3]) {
    return map_case(c, TITLE, utf8proc_totitle, out);
}

size_t character_lower(uint32_t c, uint32_t out[3]) {
    return map_case(c, LOWER, utf8proc_tolower, out);
}
