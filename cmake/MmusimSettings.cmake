# SPDX-License-Identifier: MIT
# How every C file of the project is compiled: warnings, checks, sanitizers.
# mmusim_settings(TARGET) applies it to one target.

set(MMUSIM_WARNINGS
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
    -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum -Wvla)

set(mmusim_check_flags "$<IF:$<CONFIG:Debug>,1,0>")
if(NOT MMUSIM_CHECK STREQUAL "auto")
    if(NOT MMUSIM_CHECK MATCHES "^[012]$")
        message(FATAL_ERROR
            "MMUSIM_CHECK is '${MMUSIM_CHECK}' (it must be auto, 0, 1 or 2)")
    endif()
    set(mmusim_check_flags "${MMUSIM_CHECK}")
endif()

set(mmusim_sanitize_flags "")
if(MMUSIM_SANITIZE)
    # "address,undefined" may come with commas, semicolons or spaces
    string(REGEX REPLACE "[; ]+" "," mmusim_sanitizers "${MMUSIM_SANITIZE}")
    set(mmusim_sanitize_flags
        -fsanitize=${mmusim_sanitizers} -fno-omit-frame-pointer
        -fno-sanitize-recover=all -g)
endif()
if(MMUSIM_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
        message(FATAL_ERROR "MMUSIM_FUZZ needs clang (CC=clang)")
    endif()
    list(APPEND mmusim_sanitize_flags -fsanitize=fuzzer-no-link -g)
endif()

set(mmusim_lto_flags "")
if(MMUSIM_LTO)
    include(CheckIPOSupported)
    check_ipo_supported(RESULT mmusim_has_lto LANGUAGES C)
    if(NOT mmusim_has_lto)
        message(WARNING "no link-time optimization with this compiler")
        set(MMUSIM_LTO OFF)
    elseif(CMAKE_C_COMPILER_ID STREQUAL "GNU")
        # libmmusim.a serves other compilers, too
        set(mmusim_lto_flags -ffat-lto-objects)
    endif()
endif()

function(mmusim_settings target)
    target_include_directories(${target} PRIVATE
        ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
    # _DEFAULT_SOURCE: POSIX.1-2008 beside strict C11
    target_compile_definitions(${target} PRIVATE
        MMUSIM_CHECK=${mmusim_check_flags} _DEFAULT_SOURCE=)
    target_compile_options(${target} PRIVATE
        ${MMUSIM_WARNINGS} $<$<BOOL:${MMUSIM_WERROR}>:-Werror>
        ${mmusim_sanitize_flags} ${mmusim_lto_flags} -ffp-contract=off)
    target_link_options(${target} PRIVATE ${mmusim_sanitize_flags})
    set_target_properties(${target} PROPERTIES
        C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF
        C_VISIBILITY_PRESET hidden
        POSITION_INDEPENDENT_CODE ON
        INTERPROCEDURAL_OPTIMIZATION ${MMUSIM_LTO})
endfunction()
