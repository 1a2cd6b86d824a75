rule index:
    input:
        video=readable_video,
    output:
        index="results/index/{video}.json",
    log:
        "logs/index/{video}.log",
    conda:
        "../envs/poseflow.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        video=lambda wildcards: str(video_file(wildcards)),
        h5_dataset=CONFIG.videos.h5_dataset,
    script:
        "../scripts/index.py"
