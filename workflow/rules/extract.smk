rule extract:
    """Frames of a recording that are worth labeling, with their images, for SLEAP's GUI."""
    input:
        index=PLACES.index("{video}"),
        video=video_input,
        labels=ancient(PLAN.labels),
        predictions=starting_points,
    output:
        suggestions=PLACES.suggestions("{video}"),
    log:
        PLACES.log("extract", "{video}"),
    benchmark:
        PLACES.benchmark("extract", "{video}")
    conda:
        "../envs/poseflow.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=60,
    params:
        step=step("extract"),
        labels=step("labels"),
        video_folders=CONFIG.labels.video_folders,
        labels_key=PLAN.labels_key,
    script:
        "../scripts/extract.py"
