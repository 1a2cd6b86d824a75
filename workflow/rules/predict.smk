rule predict:
    """The animals in one shard of a recording's frames."""
    input:
        index=PLACES.index("{video}"),
        video=video_input,
        release=PLACES.assigned_release("{video}"),
    output:
        predictions=PLACES.shard("{video}", "{shard}"),
    log:
        PLACES.log("predict", "{video}", "{shard}"),
        profile=PLACES.profile("{video}", "{shard}"),
    benchmark:
        PLACES.benchmark("predict", "{video}", "{shard}")
    conda:
        "../envs/poseflow.yaml"
    threads: 2
    resources:
        mem_mb=growing(8000),
        runtime=120,
    params:
        step=step("predict"),
    script:
        "../scripts/predict.py"
