rule evaluate:
    """How well a release finds the labeled animals of a test set: figures, pictures and examples."""
    input:
        release=PLACES.release("{release}"),
        test=PLACES.dataset_side("{dataset}", "test"),
    output:
        metrics=PLACES.metrics("{dataset}", "{release}"),
        figures=directory(PLACES.evaluation("{dataset}", "{release}") / "figures"),
        examples=directory(PLACES.evaluation("{dataset}", "{release}") / "examples"),
    log:
        PLACES.log("evaluate", "{dataset}", "{release}"),
    benchmark:
        PLACES.benchmark("evaluate", "{dataset}", "{release}")
    conda:
        "../envs/poseflow.yaml"
    threads: 2
    resources:
        mem_mb=growing(8000),
        runtime=60,
    params:
        step=step("evaluate"),
        pixels_per_mm=label_scales(),
    script:
        "../scripts/evaluate.py"


rule evaluate_tracking:
    """How well the animals of a labeled recording are kept apart."""
    input:
        labels=ancient(PLAN.labels),
        predictions=shard_tables,
        tracks=lambda wildcards: tracks_table(wildcards.video),
    output:
        metrics=PLACES.tracking_metrics("{video}"),
    log:
        PLACES.log("evaluate_tracking", "{video}"),
    benchmark:
        PLACES.benchmark("evaluate_tracking", "{video}")
    conda:
        "../envs/poseflow.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=60,
    params:
        step=step("evaluate_tracking"),
        labels=step("labels"),
        video_folders=CONFIG.labels.video_folders,
        labels_key=PLAN.labels_key,
        video=lambda wildcards: str(PLAN.videos[wildcards.video]),
    script:
        "../scripts/evaluate_tracking.py"
