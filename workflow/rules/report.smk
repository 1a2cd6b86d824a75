rule report:
    input:
        indexes=index_files(PLAN.videos),
        poses=[pose_table(video) for video in PLAN.videos],
        release="results/promotion/current.json",
        metrics=pipeline_metrics,
        dataset=[f"results/datasets/{PLAN.dataset}/train.pkg.slp"] if PLAN.dataset else [],
        reviews=[review_list(recording) for recording in PLAN.recordings],
        tracking=[f"results/evaluation/tracking/{video}.json" for video in sorted(PLAN.tracked_videos)],
    output:
        report=report("results/report.html", caption="../report/report.rst", category="Report"),
    log:
        "logs/report.log",
    conda:
        "../envs/poseflow.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=60,
    params:
        step=step("report"),
        videos=list(PLAN.videos),
        pipelines=list(PLAN.pipelines),
        models={name: str(folder) for name, folder in PLAN.models.items()},
        warnings=list(PLAN.warnings),
        config=CONFIG.model_dump(mode="json", exclude_unset=True, exclude={"extract", "render", "report"}),
    script:
        "../scripts/report.py"
