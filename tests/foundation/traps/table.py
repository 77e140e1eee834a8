"""Which tests hold each of the known traps of the v2 lifecycle, and which trap none holds and why.

A test is named as `path::function`, and where one row of its parameters holds the trap, as
`path::function[row]`. Paths of Go tests begin with `foundation/go`.
"""

from collections.abc import Mapping, Sequence

GO_FAILURES = "foundation/go/cmd/builder/failures_test.go::TestFailuresHaveTheirExitCodes"
GO_DETECT = "foundation/go/cmd/builder/detect_test.go"
GO_LAUNCHER = "foundation/go/cmd/launcher/main_test.go"
GO_RESULT = "foundation/go/cmd/builder/result_test.go"
GO_SEQUENCE = "foundation/go/cmd/builder/sequence_test.go"
GO_SUPERVISOR = "foundation/go/cmd/supervisor/main_test.go"
HERE = "tests/foundation/traps"
RUNNING = "tests/foundation/running"
SCRIPTS = (
    "tests/foundation/staging/test_failures.py::test_a_failing_script_has_its_exit_code_and_leaves_no_droplet"
)
SIDECARS = "tests/foundation/api/test_sidecars.py"

TRAPS: Mapping[int, tuple[str, Sequence[str]]] = {
    1: ("a supply-only buildpack as the last is 223", [
        f"{GO_FAILURES}[supply-only buildpack put last]",
        f"{SCRIPTS}[no-compile]",
        "tests/train/test_pushes.py::test_buildpack_that_is_put_last_fails_staging_and_says_what_to_do",
    ]),
    2: ("a failing final supply or finalize is 223, a failing supply before it 225", [
        f"{GO_FAILURES}[final buildpack's supply fails]",
        f"{GO_FAILURES}[finalize fails]",
        f"{GO_FAILURES}[non-final supply fails]",
        f"{SCRIPTS}[supply]",
        f"{SCRIPTS}[final-supply]",
        f"{SCRIPTS}[finalize]",
    ]),
    3: ("a buildpack before the last without bin/supply is refused before any script", [
        f"{GO_FAILURES}[non-final buildpack without supply]",
        f"{SCRIPTS}[no-supply]",
    ]),
    4: ("a script without its execute bit", [
        "foundation/go/cmd/builder/failures_test.go::TestMissingExecuteBitIsPermissionDeniedWithTheStepsCode",
        f"{GO_DETECT}::TestDetectPassesOverMalformedAndNonExecutableBuildpacks",
        f"{HERE}/test_staging_traps.py"
        "::test_trap_4_a_script_without_its_execute_bit_is_permission_denied_with_the_steps_code",
    ]),
    5: ("a unit in limits.memory is exit 1", [
        f"{GO_FAILURES}[launch.yml with a unit in memory]",
        f"{SCRIPTS}[memory-64M]",
    ]),
    6: ("a Procfile line with the sidecar's name removes the sidecar", [
        f"{GO_RESULT}::TestProcfileLineWithTheSidecarsNameMakesItAProcess",
        f"{HERE}/test_zip_traps.py::test_trap_6_a_procfile_line_with_the_sidecars_name_makes_it_a_process",
    ]),
    7: ("ten buildpacks pad the index, so that launch.yml is ignored", [
        f"{GO_SEQUENCE}::TestTenBuildpacksPadTheIndexSoThatLaunchYMLIsNotFound",
        f"{GO_SEQUENCE}::TestElevenBuildpacksStillFindTheFinalOnesLaunchYML",
    ]),
    8: ("detection among several ignores launch.yml", [
        f"{GO_DETECT}::TestDetectAmongSeveralIgnoresLaunchYML",
    ]),
    9: ("nested output metadata is exit 1", [
        "foundation/go/cmd/builder/failures_test.go::TestNestedOutputMetadataBreaksTheResult",
    ]),
    10: ("a user's and a buildpack's sidecar of one name", [
        f"{SIDECARS}::test_droplet_assignment_name_conflict_is_refused_and_changes_nothing",
    ]),
    11: ("a sidecar that exits with 0 ends the instance", [
        f"{GO_SUPERVISOR}::TestTrap11ExitWithZeroEndsTheOthersWithTerm",
        f"{RUNNING}/test_ends.py::test_trap_11_a_sidecar_that_exits_0_ends_the_instance",
    ]),
    12: ("a sidecar on the app's port", [
        f"{RUNNING}/test_watching.py::test_trap_12_a_sidecar_on_the_apps_port_is_taken_for_the_app",
        f"{RUNNING}/test_watching.py::test_trap_12_an_app_whose_port_a_sidecar_has_taken_crashes",
    ]),
    13: ("sidecars with all of the process's memory", [
        f"{SIDECARS}::test_sidecar_memory_must_be_less_than_the_process_memory",
        f"{SIDECARS}::test_process_memory_cannot_shrink_below_its_sidecars",
        f"{SIDECARS}::test_droplet_assignment_new_type_too_small_for_its_sidecars_is_refused",
    ]),
    14: ("a bare command needs the final buildpack's convention", [
        f"{HERE}/test_running_traps.py"
        "::test_trap_14_a_bare_command_is_not_found_without_the_finalize_convention",
        f"{HERE}/test_running_traps.py::test_trap_14_a_bare_command_is_found_with_the_finalize_convention",
    ]),
    15: ("an app on 127.0.0.1 never becomes healthy", [
        f"{RUNNING}/test_watching.py::test_trap_15_an_app_on_127_0_0_1_never_becomes_healthy",
    ]),
    16: ("an http check wants exactly 200", [
        f"{RUNNING}/test_health.py::test_trap_16_http_is_healthy_only_with_200",
    ]),
    17: ("TERM that is ignored, and TERM that a compound command never passes on", [
        f"{GO_SUPERVISOR}::TestTrap17ProcessThatIgnoresTermIsKilledAfterTheGraceTime",
        f"{RUNNING}/test_ends.py"
        "::test_trap_17_a_stop_is_term_and_after_10_s_kill_for_the_process_that_ignores_it",
        f"{RUNNING}/test_ends.py::test_trap_17_a_compound_command_never_passes_term_to_the_server",
    ]),
    18: ("manifest.yml is not uploaded, which is the client's part", [
        "tests/releaser/test_cf.py::test_push_uploads_the_folder_without_its_manifest",
        "tests/releaser/test_cf.py::test_package_leaves_out_what_the_cli_leaves_out",
    ]),
    19: ("the cache is empty after the key has changed", [
        f"{GO_SEQUENCE}::TestCacheKeepsWhatItsOwnersWroteAndDropsTheRest",
        "tests/foundation/api/test_buildpacks.py::test_upload_other_bits_changes_the_key_and_same_bits_do_not",
        "tests/foundation/staging/test_outcome.py::test_the_cache_of_a_staging_is_there_in_the_next",
    ]),
    20: ("a zip without modes", [
        "foundation/go/internal/builder/unzip_test.go::TestUnzipWithoutModesGivesNoExecuteBit",
        f"{HERE}/test_zip_traps.py::test_trap_20_a_zip_without_modes_is_permission_denied",
    ]),
    21: ("the official packager's bytes differ each time; ours are equal, with the same tree", [
        "tests/bench/test_packager_agreement.py"
        "::test_the_official_zip_and_ours_hold_the_same_files_but_for_the_listed_differences",
        "tests/releaser/test_packaging.py::test_same_folder_elsewhere_gives_the_same_bytes",
    ]),
    22: ("a program for another libc", [
        f"{HERE}/test_running_traps.py::test_trap_22_a_program_for_another_libc_is_no_such_file",
    ]),
    23: ("a stack without xz", [
        f"{HERE}/test_staging_traps.py::test_trap_23_a_stack_without_xz_fails_in_tars_words",
        "tests/foundation/test_rootfs.py::test_a_stack_holds_what_apps_and_buildpacks_need",
    ]),
    24: ("the launcher wants three arguments", [
        f"{GO_LAUNCHER}::TestFewerThanThreeArgumentsExitOne",
    ]),
    25: ("a sidecar whose port is not set ends the app again and again", [
        f"{HERE}/test_running_traps.py"
        "::test_trap_25_a_sidecar_without_its_port_crashes_the_app_again_and_again",
        "tests/train/test_pushes.py"
        "::test_app_whose_sidecar_lacks_its_port_crashes_and_its_sidecar_says_why",
    ]),
    26: ("a supply with curl needs the network and replaces the app's file", [
        f"{HERE}/test_staging_traps.py::test_trap_26_a_supply_with_curl_fails_with_curls_status",
        f"{HERE}/test_staging_traps.py"
        "::test_trap_26_a_supply_with_curl_replaces_the_apps_file_of_the_same_name",
        "tests/buildpack/test_supply_refusals.py::test_an_apps_own_file_of_the_name_is_not_overwritten",
    ]),
    27: ("a zip without its .downloadurl", [
        f"{HERE}/test_zip_traps.py::test_trap_27_a_zip_without_its_downloadurl_fails_staging",
        "tests/buildpack/test_supply_refusals.py"
        "::test_a_buildpack_without_a_pin_says_that_it_is_not_released_yet",
    ]),
    28: ("a buildpack that cannot be downloaded is exit 1", [
        "foundation/go/internal/builder/fetch_test.go::TestDownloadIsTriedAgainThenFailsWithoutThePassword",
        f"{HERE}/test_staging_traps.py"
        "::test_trap_28_a_buildpack_that_cannot_be_downloaded_is_exit_1_before_any_script",
    ]),
    29: ("two databases", [
        f"{HERE}/test_running_traps.py"
        "::test_trap_29_of_two_databases_the_first_label_is_the_database_url",
    ]),
    30: ("a script that replaces the command or ends the process", [
        f"{GO_LAUNCHER}::TestTrap30ScriptCanEndTheProcessOrSpoilTheCommand",
    ]),
}  # fmt: skip

ABSENT: Mapping[int, str] = {}  # a trap that no test holds, and the reason
