rule track:
    """A recording's instances linked into tracks and named, and a list of what a person should look at."""
    input:
        predictions=recording_tables,
        indexes=recording_indexes,
        corrections=corrections,
    output:
        tracks=PLACES.tracks("{recording}"),
        review=PLACES.review_list("{recording}"),
        suggestions=PLACES.review_labels("{recording}"),
    log:
        PLACES.log("track", "{recording}"),
    benchmark:
        PLACES.benchmark("track", "{recording}")
    conda:
        "../envs/poseflow.yaml"
    resources:
        mem_mb=growing(4000),
        # A shard of 20,000 frames takes seconds.
        runtime=lambda wildcards: 30 + len(recording_tables(wildcards)) // 4,
    params:
        step=tracking_step,
        starts=recording_starts,
    script:
        "../scripts/track.py"
