/* What a fork does to devices and streams (tarn/device.h says what users see). */
#ifndef CORE_FORK_H
#define CORE_FORK_H

/* Called once, when the first device is opened. */
void fork_prepare_for(void);

#endif
