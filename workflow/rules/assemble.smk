rule assemble:
    """The pose table of one video, from its predictions, tracks and times."""
    input:
        predictions=shard_tables,
        tracks=PLACES.tracks("{recording}"),
        index=PLACES.index("{video}"),
        corrections=corrections,
    output:
        poses=PLACES.pose_table("{recording}", "{video}"),
    log:
        PLACES.log("assemble", "{recording}", "{video}"),
    benchmark:
        PLACES.benchmark("assemble", "{recording}", "{video}")
    conda:
        "../envs/poseflow.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=30,
    params:
        step=step("assemble"),
        start_time=lambda wildcards: start_text(wildcards.video),
        pixels_per_mm=pixels_per_mm,
        facts=recording_columns,
        columns=list(CONFIG.recordings.columns),
    script:
        "../scripts/assemble.py"
