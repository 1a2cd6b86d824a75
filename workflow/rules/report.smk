rule report:
    """The report: what was done, and how far it can be trusted."""
    input:
        indexes=index_files(PLAN.videos),
        poses=[pose_table(video) for video in PLAN.videos],
        release=[] if PLAN.sources else PLACES.current_release,
        metrics=pipeline_metrics,
        pictures=pipeline_pictures,
        experiments=[table for table in map(PLACES.experiment_table, PLAN.experiments) if table.exists()],
        dataset=[PLACES.dataset_side(PLAN.dataset, side) for side in ("train", "val", "test") if PLAN.dataset],
        reviews=list(map(PLACES.review_list, PLAN.recordings)),
        tracking=[PLACES.tracking_metrics(video) for video in sorted(PLAN.tracked_videos)],
    output:
        report=report(PLACES.report, caption="../report/report.rst", category="Report"),
    log:
        PLACES.log("report"),
    benchmark:
        PLACES.benchmark("report")
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
        config=CONFIG.model_dump(mode="json", exclude_unset=True, exclude={"extract", "keep", "render", "report"}),
    script:
        "../scripts/report.py"
