# The Python package: build/python/tarn holds the extension, core.abi3.so, and links to the files of python/tarn. It is made where the headers
# of a CPython from 3.11 on are found: those of .venv, or of TARN_PYTHON_EXECUTABLE, or of the Python that makes a wheel.
if(SKBUILD)
  set(TARN_PYTHON_EXECUTABLE "${Python_EXECUTABLE}" CACHE FILEPATH "")
endif()
set(TARN_PYTHON_EXECUTABLE "${CMAKE_SOURCE_DIR}/.venv/bin/python" CACHE FILEPATH "The Python whose headers are used")
if(NOT EXISTS "${TARN_PYTHON_EXECUTABLE}")
  find_program(TARN_PYTHON_FOUND NAMES python3)
  set(TARN_PYTHON_EXECUTABLE "${TARN_PYTHON_FOUND}")
endif()
execute_process(COMMAND "${TARN_PYTHON_EXECUTABLE}" -c "import sys, sysconfig; print(sysconfig.get_paths()['include'] if sys.version_info >= (3, 11) else '')"
                OUTPUT_VARIABLE TARN_PYTHON_INCLUDE OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT EXISTS "${TARN_PYTHON_INCLUDE}/Python.h" OR CMAKE_CROSSCOMPILING)
  message(STATUS "The Python package is not made: no headers of CPython 3.11 or later")
  return()
endif()

set(package "${CMAKE_BINARY_DIR}/python/tarn")
file(MAKE_DIRECTORY "${package}")
file(GLOB files CONFIGURE_DEPENDS RELATIVE "${CMAKE_SOURCE_DIR}/python/tarn" "${CMAKE_SOURCE_DIR}/python/tarn/*")
foreach(file IN LISTS files)
  if(NOT file STREQUAL "__pycache__")
    file(CREATE_LINK "${CMAKE_SOURCE_DIR}/python/tarn/${file}" "${package}/${file}" SYMBOLIC)
  endif()
endforeach()

set(generator "${CMAKE_SOURCE_DIR}/tools/python_functions.py")
set(stub "${CMAKE_SOURCE_DIR}/python/extension/stub.pyi")
file(GLOB rows CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/python/functions/*.def")
add_custom_command(OUTPUT "${package}/functions.c"
                   COMMAND "${TARN_PYTHON_EXECUTABLE}" "${generator}" "${package}" "${CMAKE_SOURCE_DIR}/src/table/elementwise.def" "${stub}" ${rows}
                   DEPENDS "${generator}" "${stub}" "${CMAKE_SOURCE_DIR}/src/table/elementwise.def" ${rows} VERBATIM)

file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/python/extension/*.c")
add_library(tarn_python MODULE ${sources} "${package}/functions.c")
set_target_properties(tarn_python PROPERTIES OUTPUT_NAME core PREFIX "" SUFFIX ".abi3.so" LIBRARY_OUTPUT_DIRECTORY "${package}"
                      BUILD_RPATH "$ORIGIN/../.." INSTALL_RPATH "$ORIGIN")
target_include_directories(tarn_python PRIVATE "${CMAKE_SOURCE_DIR}/python/extension")
target_include_directories(tarn_python SYSTEM PRIVATE "${TARN_PYTHON_INCLUDE}")
target_compile_definitions(tarn_python PRIVATE Py_LIMITED_API=0x030b0000)
target_compile_options(tarn_python PRIVATE -Wno-pedantic) # CPython's slots hold functions as void *
target_link_libraries(tarn_python PRIVATE tarn_shared)

# What a wheel holds (pyproject.toml): the package, the library beside the extension, and the GPU backend where there is nvcc (with TARN_BUILT
# neither library is made).
install(TARGETS tarn_python LIBRARY DESTINATION tarn COMPONENT python EXCLUDE_FROM_ALL)
install(FILES $<TARGET_FILE:tarn_shared> DESTINATION tarn RENAME $<TARGET_SONAME_FILE_NAME:tarn_shared> COMPONENT python EXCLUDE_FROM_ALL)
install(DIRECTORY "${CMAKE_SOURCE_DIR}/python/tarn/" DESTINATION tarn COMPONENT python EXCLUDE_FROM_ALL PATTERN "__pycache__" EXCLUDE)
install(DIRECTORY "${package}/core" DESTINATION tarn COMPONENT python EXCLUDE_FROM_ALL FILES_MATCHING PATTERN "*.pyi")
if(TARGET tarn_cuda)
  install(TARGETS tarn_cuda LIBRARY DESTINATION tarn COMPONENT python EXCLUDE_FROM_ALL OPTIONAL)
  if(SKBUILD AND NOT TARN_BUILT)
    add_dependencies(tarn_python tarn_cuda)
  endif()
endif()
