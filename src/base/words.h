/* Eight bytes of text at a time. The tests give a mark, the high bit of a byte, at the first byte that has what is
   asked for, and perhaps at bytes behind it; 0: none has it. */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include <stdint.h>
#include <string.h>

#define WORD_OF(byte) (UINT64_C(0x0101010101010101) * (byte))

static inline uint64_t word_at(const char *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* Bytes below a limit of at most 128. */
static inline uint64_t word_below(uint64_t word, unsigned char limit) {
    return (word - WORD_OF(limit)) & ~word & WORD_OF(0x80);
}

static inline uint64_t word_equal(uint64_t word, unsigned char byte) {
    return word_below(word ^ WORD_OF(byte), 1);
}

/* Where the first mark is: 0 to 7. */
static inline size_t word_first(uint64_t marks) {
    return (size_t)__builtin_ctzll(marks) / 8;
}

#endif
