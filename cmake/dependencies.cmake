# The libraries that Tarn stands on, from the distribution's packages. Each is included by one file of the tree.
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(JSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(EDIT REQUIRED IMPORTED_TARGET libedit)
pkg_check_modules(KISSFFT REQUIRED IMPORTED_TARGET kissfft-float)
find_library(SLEEF_LIBRARY sleef REQUIRED)
find_library(OPENBLAS_LIBRARY openblas PATHS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-serial NO_DEFAULT_PATH REQUIRED)
set(TARN_LIBRARIES PkgConfig::PCRE2 PkgConfig::UTF8PROC PkgConfig::JSON PkgConfig::KISSFFT ${SLEEF_LIBRARY} ${OPENBLAS_LIBRARY} Threads::Threads m ${CMAKE_DL_LIBS})
