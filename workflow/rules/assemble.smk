rule assemble:
    input:
        predictions=shard_tables,
        tracks="results/tracks/{recording}.parquet",
        index="results/index/{video}.json",
    output:
        poses="results/poses/{recording}/{video}.parquet",
    log:
        "logs/assemble/{recording}/{video}.log",
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
