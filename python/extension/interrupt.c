/* Waiting without the interpreter's lock, and Ctrl-C meanwhile: a handler in front of Python's gives what is running a
   second to end, so that a step of a training is done or not done, and then asks Tarn to give it up; pressed again it
   asks at once. signal.signal() puts Python's handler back, so now and then it is looked whether ours is still there.
 */
#include "extension.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

static pthread_t main_thread;
static atomic_int waiting;    /* evaluations of the main thread, in which Python runs its handlers */
static atomic_uint waits = 1; /* the number of the outermost one */
static atomic_uint pressed;   /* in which of them Ctrl-C was pressed */
static atomic_bool hasty;     /* whether it may be given up at once */
static void (*handler_of_python)(int);

/* Sends SIGINT when the second is over; of this process, not of those that it forks. */
static timer_t timer;
static pid_t owner; /* 0: there is no timer */

static bool set_timer(time_t seconds) {
    const struct itimerspec once = {.it_value = {.tv_sec = seconds}};
    return owner == getpid() && timer_settime(timer, 0, &once, NULL) == 0;
}

/* Whether to wait for the end, or for another Ctrl-C; MLX waits for the end. */
static bool have_patience(void) {
    unsigned now = atomic_load(&waits);
    return atomic_exchange(&pressed, now) != now && !atomic_load(&hasty) && (like_mlx || set_timer(1));
}

static void handle(int number, siginfo_t *info, void *unused) {
    (void)unused;
    bool over = info->si_code == SI_TIMER && info->si_value.sival_ptr == &timer;
    if (atomic_load(&waiting) && (over ? atomic_load(&pressed) == atomic_load(&waits) : !have_patience()))
        tarn_interrupt();
    if (!over) handler_of_python(number);
}

/* Where SIGINT ends the process or is ignored, it stays so. */
static void put_in_front(void) {
    struct sigaction now;
    if (sigaction(SIGINT, NULL, &now) != 0 || now.sa_flags & SA_SIGINFO) return;
    if (now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN) return;
    handler_of_python = now.sa_handler;
    now.sa_sigaction = handle;
    now.sa_flags |= SA_SIGINFO;
    sigaction(SIGINT, &now, NULL);
}

/* A look costs a microsecond: one in 20 ms is enough for who presses a key. */
static void look_at_handler(void) {
    static int64_t looked;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    int64_t milliseconds = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    if (milliseconds - looked >= 20) looked = milliseconds, put_in_front();
}

void start_interrupts(void) {
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGINT, .sigev_value.sival_ptr = &timer};
    main_thread = pthread_self();
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0) owner = getpid();
    put_in_front();
}

int threads_in_tarn;

PyThreadState *start_waiting(void) {
    threads_in_tarn++;
    if (pthread_equal(main_thread, pthread_self())) {
        look_at_handler();
        if (atomic_fetch_add(&waiting, 1) == 0) atomic_fetch_add(&waits, 1);
    }
    return PyEval_SaveThread();
}

PyThreadState *start_work(void) {
    if (pthread_equal(main_thread, pthread_self()) && !atomic_load(&waiting)) atomic_store(&hasty, true);
    return start_waiting();
}

bool stop_waiting(PyThreadState *state) {
    PyEval_RestoreThread(state);
    threads_in_tarn--;
    if (!pthread_equal(main_thread, pthread_self()) || atomic_fetch_sub(&waiting, 1) > 1) return true;
    if (atomic_load(&pressed) == atomic_load(&waits)) set_timer(0);
    atomic_store(&hasty, false);
    if (!tarn_interrupted()) return true;
    tarn_clear_interrupt();
    return PyErr_CheckSignals() == 0;
}
