from snakemake.utils import min_version

min_version("9.5")


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/index.smk"
include: "workflow/rules/extract.smk"
include: "workflow/rules/split.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/release.smk"
include: "workflow/rules/predict.smk"
include: "workflow/rules/import.smk"
include: "workflow/rules/track.smk"
include: "workflow/rules/assemble.smk"
include: "workflow/rules/export.smk"
include: "workflow/rules/render.smk"
include: "workflow/rules/experiment.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/run.smk"


if workflow.is_main_process:
    surround_execution(workflow, one_run)
    call_at_end(workflow, end_run, end_failed_run)


rule all:
    """Pose tables of all recordings, the report, and overlays and exports if asked for."""
    default_target: True
    input:
        final_files,


rule nightly:
    """As `all`; and frames to label from the recordings that are new, as long as they have no pose table."""
    input:
        final_files,
        nightly_suggestions,


rule suggestions:
    """Frames to label from every recording."""
    input:
        suggestion_files,


rule experiments:
    """Tables of all experiments of the configuration; the next report shows them."""
    input:
        [PLACES.experiment_table(name) for name in PLAN.experiments],
