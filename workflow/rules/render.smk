rule render:
    input:
        index="results/index/{video}.json",
        video=video_input,
        poses=lambda wildcards: pose_table(wildcards.video),
    output:
        overlay=report(
            "results/overlays/{video}.mp4",
            caption="../report/overlay.rst",
            category="Overlays",
            labels={"video": "{video}"},
        ),
    log:
        "logs/render/{video}.log",
    conda:
        "../envs/poseflow.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=120,
    params:
        step=step("render"),
    script:
        "../scripts/render.py"
