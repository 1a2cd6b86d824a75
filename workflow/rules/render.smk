rule render:
    """Poses, names and trails drawn over a recording."""
    input:
        index=PLACES.index("{video}"),
        video=video_input,
        poses=lambda wildcards: pose_table(wildcards.video),
    output:
        overlay=report(
            PLACES.overlay("{video}"),
            caption="../report/overlay.rst",
            category="Overlays",
            labels={"video": "{video}"},
        ),
    log:
        PLACES.log("render", "{video}"),
    benchmark:
        PLACES.benchmark("render", "{video}")
    conda:
        "../envs/poseflow.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=120,
    params:
        step=step("render"),
    script:
        "../scripts/render.py"
