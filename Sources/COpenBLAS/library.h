// The library once it is open, for the files of this folder.
#pragma once

/// A function of the library, or NULL: also before the library is loaded.
void *hl_blas_symbol(const char *name);

/// Around every call of the library: where memory is limited, one thread calls at a time.
void hl_blas_enter(void);
void hl_blas_leave(void);
