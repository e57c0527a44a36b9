# Writes include/tarn/elementwise.h in the build folder: a declaration and a sentence for each row of src/table/elementwise.def, and of rows of two
# inputs one more, whose second is a number.
set(table "${CMAKE_SOURCE_DIR}/src/table/elementwise.def")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${table}")
# A row goes on in lines that begin with blanks. A list would be cut at semicolons.
file(READ "${table}" text)
string(REPLACE ";" "<semicolon>" text "${text}")
string(REGEX REPLACE "\n +" " " text "${text}")
string(REGEX MATCHALL "\n(UNARY|BINARY|TERNARY)\\([^\n]*" rows "${text}")
set(UNARY_arguments "tarn_array *x")
set(BINARY_arguments "tarn_array *x, tarn_array *y")
set(TERNARY_arguments "tarn_array *x, tarn_array *y, tarn_array *z")
set(declarations "")
foreach(row IN LISTS rows)
  string(REGEX MATCH "^\n([A-Z]+)\\(([a-z0-9_]+),.*\"([^\"]*)\"\\)$" found "${row}")
  if(NOT found)
    message(FATAL_ERROR "${table}: a row must end with its doc string: ${row}")
  endif()
  string(APPEND declarations "/* ${CMAKE_MATCH_3} */\nTARN_API tarn_array *tarn_${CMAKE_MATCH_2}(${${CMAKE_MATCH_1}_arguments});\n")
  if(CMAKE_MATCH_1 STREQUAL "BINARY")
    string(APPEND declarations "/* The same of x and a number (tarn_number_beside). */\nTARN_API tarn_array *tarn_${CMAKE_MATCH_2}_number(tarn_array *x, double y);\n")
  endif()
endforeach()
string(REPLACE "<semicolon>" ";" declarations "${declarations}")
file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/include/tarn/elementwise.h" CONTENT
"/* Elementwise operations: made by the build from src/table/elementwise.def. Inputs broadcast; dtypes are promoted. */
#ifndef TARN_ELEMENTWISE_H
#define TARN_ELEMENTWISE_H

#include \"tarn/array.h\"

#ifdef __cplusplus
extern \"C\" {
#endif

@declarations@
#ifdef __cplusplus
}
#endif
#endif
" @ONLY)
include_directories("${CMAKE_BINARY_DIR}/include")
