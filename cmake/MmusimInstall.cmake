# SPDX-License-Identifier: MIT
# cmake --install: headers, libraries, tool, recorder, package files, manual
# pages, machines and traces.

include(CMakePackageConfigHelpers)

install(DIRECTORY include/mmusim DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.h")
install(TARGETS mmusim_shared mmusim_static EXPORT mmusim-targets
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET mmusim)
    install(TARGETS mmusim DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
if(TARGET mmusim_recorder)
    install(TARGETS mmusim_recorder
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/mmusim)
endif()

set(mmusim_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/mmusim)
set(MMUSIM_STATIC_LIBRARIES yaml)
set(MMUSIM_PC_LIBS_PRIVATE "-lyaml -lz -pthread")
if(MMUSIM_HAS_ZSTD)
    list(APPEND MMUSIM_STATIC_LIBRARIES zstd)
    string(PREPEND MMUSIM_PC_LIBS_PRIVATE "-lzstd ")
endif()
foreach(library lzma bz2)
    if(TARGET mmusim_${library})
        list(APPEND MMUSIM_STATIC_LIBRARIES ${library})
        string(PREPEND MMUSIM_PC_LIBS_PRIVATE "-l${library} ")
    endif()
endforeach()
configure_package_config_file(cmake/mmusim-config.cmake.in
    ${PROJECT_BINARY_DIR}/mmusim-config.cmake
    INSTALL_DESTINATION ${mmusim_package_dir})
write_basic_package_version_file(
    ${PROJECT_BINARY_DIR}/mmusim-config-version.cmake
    COMPATIBILITY SameMinorVersion)
# relative to the file itself, so that an installed tree can be moved
file(RELATIVE_PATH MMUSIM_PC_PREFIX
    "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
configure_file(cmake/mmusim.pc.in ${PROJECT_BINARY_DIR}/mmusim.pc @ONLY)
install(EXPORT mmusim-targets NAMESPACE mmusim::
    DESTINATION ${mmusim_package_dir})
install(FILES
    ${PROJECT_BINARY_DIR}/mmusim-config.cmake
    ${PROJECT_BINARY_DIR}/mmusim-config-version.cmake
    DESTINATION ${mmusim_package_dir})
install(FILES ${PROJECT_BINARY_DIR}/mmusim.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

foreach(section 1 3 5 7)
    file(GLOB pages CONFIGURE_DEPENDS man/*.${section})
    install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
foreach(folder configs traces workloads scenarios)
    install(DIRECTORY ${folder} DESTINATION ${CMAKE_INSTALL_DATADIR}/mmusim
        FILES_MATCHING
        PATTERN "*.yaml" PATTERN "*.mmt" PATTERN "*.md" PATTERN "*.c"
        PATTERN "*.sh" PATTERN "*.scn" PATTERN "*.steps")
endforeach()
install(DIRECTORY report DESTINATION ${CMAKE_INSTALL_DATADIR}/mmusim
    FILES_MATCHING
    PATTERN "*.html" PATTERN "*.css" PATTERN "*.js" PATTERN "LICENSE*"
    PATTERN "NOTICE" PATTERN "VERSION")
install(FILES completions/mmusim.bash RENAME mmusim
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES completions/_mmusim
    DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES completions/mmusim.fish
    DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

# the Python package finds library, machines and traces from there
install(DIRECTORY python/mmusim
    DESTINATION ${CMAKE_INSTALL_DATADIR}/mmusim/python
    FILES_MATCHING PATTERN "*.py" PATTERN "py.typed"
    PATTERN "__pycache__" EXCLUDE)
