rule index:
    """What a recording holds: frames, times, keyframes, and whether it can be read. No image is decoded."""
    input:
        video=video_input,
    output:
        index=PLACES.index("{video}"),
    log:
        PLACES.log("index", "{video}"),
    benchmark:
        PLACES.benchmark("index", "{video}")
    conda:
        "../envs/poseflow.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=30,
    params:
        video=lambda wildcards: str(video_file(wildcards)),
        fingerprint=lambda wildcards: PLAN.fingerprints[wildcards.video],
        step=step("index"),
    script:
        "../scripts/index.py"
