# SPDX-License-Identifier: MIT
# The libraries the project stands on. Sets the targets mmusim_yaml and
# mmusim_zstd, mmusim_lzma, mmusim_bz2 and mmusim_sqlite3 (when found) and the
# variables MMUSIM_HAS_ZSTD, MMUSIM_HAS_LZMA and MMUSIM_HAS_BZIP2.

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(ZLIB)
if(NOT ZLIB_FOUND)
    message(FATAL_ERROR "zlib is missing. On Debian and Ubuntu: "
        "apt-get install zlib1g-dev (or run scripts/install-deps.sh build)")
endif()

# One of the project's plain C libraries: by header and library name.
function(mmusim_find_library target header library)
    string(TOUPPER ${library} upper)
    find_path(${upper}_INCLUDE_DIR ${header})
    find_library(${upper}_LIBRARY ${library})
    mark_as_advanced(${upper}_INCLUDE_DIR ${upper}_LIBRARY)
    if(${upper}_INCLUDE_DIR AND ${upper}_LIBRARY)
        add_library(${target} UNKNOWN IMPORTED)
        set_target_properties(${target} PROPERTIES
            IMPORTED_LOCATION "${${upper}_LIBRARY}"
            INTERFACE_INCLUDE_DIRECTORIES "${${upper}_INCLUDE_DIR}")
    endif()
endfunction()

mmusim_find_library(mmusim_yaml yaml.h yaml)
if(NOT TARGET mmusim_yaml)
    message(FATAL_ERROR "libyaml is missing. On Debian and Ubuntu: "
        "apt-get install libyaml-dev (or run scripts/install-deps.sh build)")
endif()

# elfutils, for functions and lines in `mmusim annotate`; both or neither
mmusim_find_library(mmusim_dw elfutils/libdwfl.h dw)
mmusim_find_library(mmusim_elf gelf.h elf)

set(MMUSIM_HAS_ZSTD FALSE)
if(NOT MMUSIM_ZSTD MATCHES "^(OFF|0|FALSE|NO)$")
    mmusim_find_library(mmusim_zstd zstd.h zstd)
    if(TARGET mmusim_zstd)
        set(MMUSIM_HAS_ZSTD TRUE)
    elseif(NOT MMUSIM_ZSTD STREQUAL "auto")
        message(FATAL_ERROR "MMUSIM_ZSTD is on, but libzstd is missing. On "
            "Debian and Ubuntu: apt-get install libzstd-dev")
    endif()
endif()

# Packings of foreign traces: optional, and without them such a file is
# refused with the name of what is missing.
foreach(row "LZMA lzma.h lzma" "BZIP2 bzlib.h bz2")
    separate_arguments(row)
    list(GET row 0 name)
    list(GET row 1 header)
    list(GET row 2 library)
    set(MMUSIM_HAS_${name} FALSE)
    mmusim_find_library(mmusim_${library} ${header} ${library})
    if(TARGET mmusim_${library})
        set(MMUSIM_HAS_${name} TRUE)
    endif()
endforeach()

# `sweep merge --format sqlite`
mmusim_find_library(mmusim_sqlite3 sqlite3.h sqlite3)
