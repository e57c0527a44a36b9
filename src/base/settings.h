/* What the environment says about Tarn: read once, when first asked for. What setenv does afterwards changes nothing.
 */
#ifndef BASE_SETTINGS_H
#define BASE_SETTINGS_H

#include <stdbool.h>

int settings_threads(void);              /* TARN_THREADS; 0: not given */
const char *settings_isa(void);          /* TARN_ISA; NULL: not given */
const char *settings_backends(void);     /* TARN_BACKENDS: a folder; NULL: not given */
const char *settings_without_list(void); /* TARN_WITHOUT: names of ops between commas; "": none */
bool settings_without(const char *op);   /* whether TARN_WITHOUT names the op */
bool settings_fuse(void);                /* TARN_FUSE, unless it is 0 */
bool settings_compile(void);             /* TARN_COMPILE, unless it is 0 */
bool settings_hard(void);                /* TARN_HARD */
bool settings_tf32(void);                /* TARN_TF32 */

/* False, with the error set, if a variable has a value that means nothing: the first use of a device says so. */
bool settings_check(void);

/* For tests: what the environment says now. Not while another thread asks. */
void settings_read_again(void);

#endif
