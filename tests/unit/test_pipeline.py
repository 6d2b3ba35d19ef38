from __future__ import annotations

import pytest

from jobboard.source.pipeline import Pipeline, pipeline_of


@pytest.mark.parametrize(
    ("environ", "pipeline"),
    [
        ({}, None),
        (
            {"GITHUB_RUN_NUMBER": "7", "GITHUB_REPOSITORY": "shop/jobs", "GITHUB_WORKFLOW": "sync"},
            Pipeline("GITHUB_RUN_NUMBER/shop/jobs/sync", 7),
        ),
        ({"GITHUB_RUN_NUMBER": "7"}, None),
        ({"CI_PIPELINE_IID": "19", "CI_PROJECT_PATH": "a/b"}, Pipeline("CI_PIPELINE_IID/a/b", 19)),
        ({"CI_PIPELINE_IID": "x", "CI_PROJECT_PATH": "a/b"}, None),
        ({"BUILD_NUMBER": "3", "JOB_NAME": "sync"}, Pipeline("BUILD_NUMBER/sync", 3)),
    ],
)
def test_a_run_is_known_by_its_number_and_what_is_counted(
    environ: dict[str, str], pipeline: Pipeline | None
) -> None:
    assert pipeline_of(environ) == pipeline
