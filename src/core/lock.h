/* One process-wide lock under which graphs are scheduled and arrays get and lose values. */
#ifndef CORE_LOCK_H
#define CORE_LOCK_H

/* Not recursive: a thread that holds the lock and asks for it again waits for ever. */
void schedule_lock(void);
void schedule_unlock(void);

#endif
