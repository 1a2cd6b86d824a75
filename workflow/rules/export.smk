for FORMAT in CONFIG.exports:

    rule:
        """A pose table in a format of other programs."""
        name:
            f"export_{FORMAT}"
        input:
            poses=PLACES.pose_table("{recording}", "{video}"),
            index=PLACES.index("{video}"),
        output:
            file_or_folder(PLACES.export(FORMAT, "{recording}", "{video}"), FORMAT),
        log:
            PLACES.log("export", FORMAT, "{recording}", "{video}"),
        benchmark:
            PLACES.benchmark("export", FORMAT, "{recording}", "{video}")
        conda:
            "../envs/poseflow.yaml"
        resources:
            mem_mb=growing(2000),
            runtime=120,
        params:
            format=FORMAT,
            step=step("export"),
            subject=subject_of(FORMAT),
        script:
            "../scripts/export.py"
