/* The linear algebra library (OpenBLAS and the LAPACK in it). Debian builds it for one thread without locks: two
   threads that call it at once may be given the same scratch memory, and then give wrong results. */
#ifndef BASE_BLAS_H
#define BASE_BLAS_H

/* Around every call of the library: one thread at a time. Not to be nested. */
void blas_begin(void);
void blas_end(void);

#endif
