from snakemake.utils import min_version

min_version("9.5")


if not workflow.overwrite_configfiles:  # --configfile replaces the default configuration, it is not laid over it

    configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/index.smk"
include: "workflow/rules/extract.smk"
include: "workflow/rules/split.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/release.smk"
include: "workflow/rules/predict.smk"
include: "workflow/rules/track.smk"
include: "workflow/rules/assemble.smk"
include: "workflow/rules/render.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/night.smk"


if workflow.is_main_process:
    surround_execution(workflow, one_run)


rule all:
    default_target: True
    input:
        final_files,


# As `all`; and frames for labeling from the recordings that are new, as long as they have no pose table.
rule nightly:
    input:
        final_files,
        night_suggestions,


rule suggestions:
    input:
        suggestion_files,


onsuccess:
    end_run()


onerror:
    end_run(failed_steps())
    if not IS_INTERRUPTED:  # whoever interrupts a run does not wait for its report
        report_what_is_there(failed_steps())
