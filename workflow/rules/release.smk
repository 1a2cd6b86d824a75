rule release:
    input:
        models=settings_files,
    output:
        release="results/releases/{release}.json",
    log:
        "logs/release/{release}.log",
    localrule: True
    conda:
        "../envs/poseflow.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        models=lambda wildcards: {name: str(folder) for name, folder in PLAN.folders_of(wildcards.release).items()},
    script:
        "../scripts/release.py"
