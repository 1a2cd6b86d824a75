rule assemble:
    """The pose table of one video, from its predictions, tracks and times."""
    input:
        predictions=shard_tables,
        tracks=PLACES.tracks("{recording}"),
        index=PLACES.index("{video}"),
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
        pixels_per_mm=lambda wildcards: pixels_per_mm(video_file(wildcards), CONFIG.videos),
        step=step("assemble"),
        start_time=start_text,
    script:
        "../scripts/assemble.py"
