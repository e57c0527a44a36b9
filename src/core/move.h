/* Moving a buffer's bytes between devices. */
#ifndef CORE_MOVE_H
#define CORE_MOVE_H

#include "core/buffer.h"

/* Room for one move on its way, taken before anything is submitted, so that moving cannot fail for want of memory. */
typedef struct move move;
enum { MOST_MOVES = 2 }; /* to make a buffer valid on a device: by way of the host */
move *move_new(void);
void move_free(move *m); /* unused; NULL is fine */

/* What a move of the buffer to the device will need: memory there and on the way, streams. */
bool move_reserve(buffer *b, int slot);
/* Makes the buffer valid on the device for work that is submitted from now on, once if several threads ask; takes from
   `moves` what it uses, which becomes NULL. */
void move_to(buffer *b, int slot, move *moves[MOST_MOVES]);

/* Has its bytes follow to the device once it is filled, and returns at once; false with the error set. */
bool buffer_send(buffer *b, int slot);
/* Waits until the buffer is filled and its bytes are on the device, where they are then; false with the error set. */
bool buffer_bring(buffer *b, int slot);

#endif
