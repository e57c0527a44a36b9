#include "tokenizer/byte_level.h"

static bool shown_as_itself(uint32_t byte) {
    return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

/* The bytes that are not shown as themselves, in order: 0-32, 127-160, 173. */
static uint32_t hidden_number(uint32_t byte) {
    return byte <= 32 ? byte : byte <= 160 ? byte - 127 + 33 : 67;
}

static uint32_t hidden_byte(uint32_t number) {
    return number <= 32 ? number : number <= 66 ? number - 33 + 127 : 173;
}

bool byte_level_write(const char *bytes, size_t length, text *out) {
    char small[512];
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        uint32_t byte = (unsigned char)bytes[i];
        used += utf8_encode(shown_as_itself(byte) ? byte : 0x100 + hidden_number(byte), small + used);
        if (used + 4 <= sizeof small) continue;
        if (!text_append(out, small, used)) return false;
        used = 0;
    }
    return text_append(out, small, used);
}

bool byte_level_read(const char *s, size_t length, text *out) {
    size_t before = out->length;
    for (size_t i = 0, size; i < length; i += size) {
        uint32_t c = UINT32_MAX;
        size = utf8_decode(s + i, length - i, &c);
        bool hidden = c >= 0x100 && c < 0x100 + 68;
        if (size == 0 || !(hidden || (c < 0x100 && shown_as_itself(c)))) {
            out->length = before;
            return text_append(out, s, length);
        }
        if (!text_add_char(out, (char)(hidden ? hidden_byte(c - 0x100) : c))) return false;
    }
    return true;
}
